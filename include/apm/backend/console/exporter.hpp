// What apm::console does: keeps spans until their local root ends, and prints them as a tree.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/console/options.hpp>
#include <apm/backend/console/span_text.hpp>
#include <apm/backend/console/span_tree.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

class console_exporter {
public:
    explicit console_exporter(const console_options& options) : options_(options) {
        if (!options_.to) options_.to = stdout;
        const char* const no_color = std::getenv("NO_COLOR");
        text_.attributes = options_.attributes;
        text_.colours = !(no_color && *no_color) && isatty(fileno(options_.to)) == 1;
    }

    [[nodiscard]] std::string_view name() const { return "console"; }
    error start(const resource&) { return {}; }
    error export_spans(const span_batch& batch, deadline) {
        drop_inherited();
        const std::uint64_t first_new = next_;
        for (const span_view& s : batch.spans) buffer(span_data::of(s));
        error failed;
        for (std::uint64_t n = first_new; n < next_; ++n) {
            const auto found = waiting_.find(n);  // not there: it went with one above it
            if (found == waiting_.end()) continue;
            if (found->second.is_local_root()) print(take({n}), failed);
            else if (shown_.contains(found->second.parent_key())) print(take(siblings_of(n)), failed);
        }
        while (waiting_.size() > options_.most_waiting) print(take(siblings_of(above_the_oldest())), failed);
        return failed;
    }
    error stop(deadline) {
        drop_inherited();
        std::vector<span_data> all;
        for (auto& [number, s] : waiting_) all.push_back(std::move(s));
        forget();
        error failed;
        if (!all.empty()) print(all, failed);
        return failed;
    }

private:
    using numbers = std::vector<std::uint64_t>;

    void buffer(span_data s) {
        by_key_.emplace(s.key(), next_);
        if (!s.is_local_root()) children_[s.parent_key()].push_back(next_);
        waiting_.emplace(next_++, std::move(s));
    }
    // These, and all that wait below them.
    std::vector<span_data> take(numbers left) {
        std::vector<span_data> result;
        while (!left.empty()) {
            const std::uint64_t number = left.back();
            left.pop_back();
            auto entry = waiting_.extract(number);
            if (!entry) continue;
            const span_key key = entry.mapped().key();
            if (const auto own = by_key_.find(key); own != by_key_.end() && own->second == number) by_key_.erase(own);
            if (auto below = children_.extract(key)) left.insert(left.end(), below.mapped().begin(), below.mapped().end());
            result.push_back(std::move(entry.mapped()));
        }
        return result;
    }
    // All that wait below the parent of this one, which does not wait itself.
    numbers siblings_of(std::uint64_t number) {
        auto below = children_.extract(waiting_.at(number).parent_key());
        return std::move(below.mapped());
    }
    std::uint64_t above_the_oldest() const {
        std::uint64_t top = waiting_.begin()->first;
        for (std::size_t steps = 0; steps < waiting_.size(); ++steps) {  // no more: damaged spans may be their own ancestors
            const auto above = by_key_.find(waiting_.at(top).parent_key());
            if (above == by_key_.end()) break;
            top = above->second;
        }
        return top;
    }

    void print(const std::vector<span_data>& spans, error& failed) {
        const std::string text = to_text(span_tree(spans), text_);
        if (std::fwrite(text.data(), 1, text.size(), options_.to) != text.size() || std::fflush(options_.to) != 0)
            failed = std::string("cannot print spans: ") + std::strerror(errno);
        for (const span_data& s : spans) {
            if (shown_.insert(s.key()).second) shown_in_order_.push_back(s.key());
            if (shown_in_order_.size() <= options_.most_waiting) continue;
            shown_.erase(shown_in_order_.front());
            shown_in_order_.pop_front();
        }
    }
    // In a forked child: the parent process prints what waited there.
    void drop_inherited() {
        if (getpid() == process_) return;
        process_ = getpid();
        forget();
    }
    void forget() {
        waiting_.clear();
        by_key_.clear();
        children_.clear();
    }

    console_options options_;
    span_text_options text_;
    pid_t process_ = getpid();
    std::uint64_t next_ = 0;
    std::map<std::uint64_t, span_data> waiting_;  // by the order in which they came
    std::unordered_map<span_key, std::uint64_t, span_key::hash> by_key_;
    std::unordered_map<span_key, numbers, span_key::hash> children_;  // that wait, of whatever parent
    std::unordered_set<span_key, span_key::hash> shown_;  // lately
    std::deque<span_key> shown_in_order_;
};

}  // namespace apm::inline APM_ABI::detail
