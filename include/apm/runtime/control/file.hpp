// A file of lines key=value (text.hpp) that is looked at again and again: what changed in it is done.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/detail/file_descriptor.hpp>
#include <apm/detail/root.hpp>
#include <apm/runtime/control/text.hpp>

namespace apm::inline APM_ABI::detail {

// A bad line is one line of report (of many, the first 20), and what its key was before holds; so is a row, or a rule for tail
// sampling, that finds no room. What threw is done again at the next look. A key that is taken out goes back to what the start
// had, unless there is a line with an unknown one, which may be it; so do all where the file is removed. What another caller
// changed meanwhile stays until the file says another thing of it.
class control_file {
public:
    static constexpr std::size_t most = 64 << 10;  // bytes

    control_file(std::string path, control::state start) : path_(std::move(path)), start_(std::move(start)) {}

    void look() {
        std::string text;
        const std::string wrong = read(text);
        if (!wrong.empty() && wrong != wrong_) report("%s: %s; what it said before holds", path_.c_str(), wrong.c_str());
        wrong_ = wrong;
        if (!wrong.empty() || text == text_) return;
        apply(read_control(text));
        text_ = std::move(text);
    }

    // All that it says goes back to what the start had.
    void restore_start() { apply({}); }

private:
    // One that is not there says nothing.
    std::string read(std::string& text) const {
        const file_descriptor fd(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd) return errno == ENOENT ? std::string() : std::string("cannot be read: ") + std::strerror(errno);
        struct stat s {};
        if (fstat(fd.get(), &s) != 0 || !S_ISREG(s.st_mode)) return "is no file";
        char part[4096];
        for (ssize_t n; (n = ::read(fd.get(), part, sizeof part)) != 0;) {
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return std::string("cannot be read: ") + std::strerror(errno);
            text.append(part, static_cast<std::size_t>(n));
            if (text.size() > most) return "has more than 65536 bytes";
        }
        return {};
    }
    template <class Edits>
    static auto at_place(Edits& in, const edit& e) -> decltype(in.data()) {
        for (auto& x : in)
            if (x.same_place(e)) return &x;
        return nullptr;
    }
    // Where it throws, nothing is changed.
    void apply(control_lines now) {
        for (const bad_line& b : now.bad) {
            edit place;
            place.of = b.of, place.name = b.name;
            const edit* const before = at_place(held_, place);
            if (before && !at_place(now.edits, place)) now.edits.push_back(*before);
        }
        // An unknown key may be a known one, mistyped: then a missing line is not taken for one that was removed.
        const bool unknown = std::ranges::any_of(now.bad, [](const bad_line& b) { return b.of == edit::no_change; });
        for (const edit& e : held_)
            if (unknown && !at_place(now.edits, e)) now.edits.push_back(e);
        std::vector<edit> news;
        for (const edit& e : now.edits) {
            const edit* const before = at_place(held_, e);
            if (!before || !(*before == e)) news.push_back(e);
        }
        for (const edit& e : held_) {
            if (at_place(now.edits, e)) continue;
            edit& gone = news.emplace_back(e);
            gone.back = true, gone.line = 0;
        }
        now.edits.reserve(now.edits.size() + held_.size());
        now.bad.reserve(now.bad.size() + news.size());
        for (no_room& no : apply_what_fits(news, start_)) {
            std::erase_if(now.edits, [&no](const edit& e) { return e.same_place(no.what); });
            if (edit* const before = at_place(held_, no.what)) now.edits.push_back(std::move(*before));
            now.bad.push_back({no.what.line, std::move(no.why), no.what.of, {}});
        }
        held_ = std::move(now.edits);
        std::size_t said = 0;
        for (const bad_line& b : now.bad) {
            if (said++ == most_bad_lines) break;
            if (b.number) report("%s:%zu: %s", path_.c_str(), b.number, b.why.c_str());
            else report("%s: %s", path_.c_str(), b.why.c_str());
        }
        if (said > most_bad_lines) report("%s: and %zu more bad lines", path_.c_str(), now.bad.size() - most_bad_lines);
    }

    std::string path_;
    control::state start_;
    std::string text_, wrong_;
    std::vector<edit> held_;
};

}  // namespace apm::inline APM_ABI::detail
