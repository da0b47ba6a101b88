// Finished spans as Chrome's trace events, for ui.perfetto.dev and chrome://tracing.
//
//     [                                                      a file begins so; what follows needs no "]" to be loaded, so that
//     {"ph":"M","name":"process_name",...}                   a program that died leaves a trace all the same
//     ,{"ph":"X","ts":3.5,"dur":2,"tid":7,"name":...}        a span: a slice on the thread that ended it; in microseconds
//     ,{"ph":"b",...}                                        begins one that no slice can be
//     ,{"ph":"s",...}                                        an arrow to a child that ended on another thread
//
// Slices of a thread must nest. Of spans that overlap on a thread without one being within the other (started there or elsewhere,
// ended there), the one that ended first is the slice, and the other is an asynchronous event, on a track of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/file/nesting.hpp>
#include <apm/config.hpp>
#include <apm/detail/json_writer.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

// One thread at a time. Memory: some 150 bytes for each of the last 8192 to 16384 spans, less than 10 KiB for each of the last
// 1024 to 2048 threads. Throws std::bad_alloc.
class chrome_trace {
public:
    // Appends the beginning of a file. What was written before is in another file: no arrow points there.
    void begin(std::string& out, const resource& who) {
        forget();
        young_threads_.clear(), old_threads_.clear();
        zero_said_ = false;
        out += "[\n";
        json_writer json(out);
        json.begin_object();
        common(json, "M", getpid());
        json.key("name"), json.text("process_name");
        json.key("args"), json.begin_object();
        json.key("name"), json.text(process_name(who));
        json.end_object(), json.end_object();
    }
    static constexpr std::string_view ending = "\n]\n";

    // What was appended last was not written: threads are named again, and no arrow points there.
    void forget() {
        for (auto* threads : {&young_threads_, &old_threads_})
            for (auto& [id, t] : *threads) t.named = false;
        slices_.clear(), waiting_.clear();
    }

    // Appends the spans of a batch, to a file that was begun.
    void append(std::string& out, const span_batch& batch) {
        if (batch.spans.empty()) return;
        order(batch);
        if (!std::exchange(zero_said_, true)) put_zero(out);
        for (const entry& e : entries_) {
            name_thread(out, e.span->thread());
            if (e.is_slice) {
                put_slice(out, *e.span);
                put_arrows(out, *e.span);
            } else {
                put_asynchronous(out, *e.span);
            }
        }
        entries_.clear();
    }

private:
    struct entry {
        const span_view* span;
        bool is_slice;
    };
    struct slice {
        std::uint64_t id, start, end;
        std::uint32_t thread;
    };
    struct thread {
        detail::nesting slices;
        bool named = false;
    };

    // Decides what is a slice; then by time, and what contains others before them.
    void order(const span_batch& batch) {
        entries_.clear();
        for (const span_view& s : batch.spans) entries_.push_back({&s, false});
        // Of those that end at once, what ended first is first in the batch, and within.
        std::sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) {
            return a.span->end() != b.span->end() ? a.span->end() < b.span->end() : a.span < b.span;
        });
        for (entry& e : entries_)
            e.is_slice = thread_of(e.span->thread()).slices.admit({e.span->start(), e.span->end(), e.span->parent()});
        std::sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) {
            if (a.span->start() != b.span->start()) return a.span->start() < b.span->start();
            return a.span->end() != b.span->end() ? a.span->end() > b.span->end() : a.span > b.span;
        });
        // Viewers keep microseconds as doubles, which has no room for nanoseconds since 1970.
        if (!zero_known_) {
            constexpr std::uint64_t day = 86'400'000'000'000;
            const std::uint64_t days = entries_.front().span->start() / day;
            zero_ = days > 1 ? (days - 1) * day : 0;
            zero_known_ = true;
        }
    }

    // Those that were met last; one that is met again stays.
    thread& thread_of(std::uint32_t id) {
        if (const auto found = young_threads_.find(id); found != young_threads_.end()) return found->second;
        if (young_threads_.size() >= remembered_threads) old_threads_ = std::exchange(young_threads_, {});
        if (auto found = old_threads_.extract(id)) return young_threads_.insert(std::move(found)).position->second;
        return young_threads_[id];
    }

    void put_slice(std::string& out, const span_view& s) {
        json_writer json = next(out);
        json.begin_object();
        common(json, "X", s.thread());
        json.key("ts"), json.thousandths(time(s.start()));
        json.key("dur"), json.thousandths(static_cast<std::int64_t>(s.duration()));
        about(json, s);
        json.end_object();
        s.events([&](const event_view& e) { put_event(out, s, e, true); });
    }
    void put_asynchronous(std::string& out, const span_view& s) {
        const auto put = [&](const char* phase, std::uint64_t when, bool first) {
            json_writer json = next(out);
            json.begin_object();
            common(json, phase, s.thread());
            json.key("ts"), json.thousandths(time(when));
            json.key("id"), json.hex(s.id());
            if (first) about(json, s);
            else json.key("cat"), json.text(s.scope().name), json.key("name"), json.text(s.name());
            json.end_object();
        };
        put("b", s.start(), true);
        s.events([&](const event_view& e) { put_event(out, s, e, false); });
        put("e", s.end(), false);
    }
    void put_event(std::string& out, const span_view& s, const event_view& e, bool in_slice) {
        json_writer json = next(out);
        json.begin_object();
        common(json, in_slice ? "i" : "n", s.thread());
        json.key("ts"), json.thousandths(time(e.time()));
        if (in_slice) json.key("s"), json.text("t");
        else json.key("id"), json.hex(s.id());
        json.key("cat"), json.text(s.scope().name);
        json.key("name"), json.text(e.name());
        json.key("args"), json.begin_object();
        e.attributes([&](const attribute_view& a) { put_attribute(json, a); });
        json.end_object(), json.end_object();
    }

    // From the slice of a parent to that of a child on another thread. Of the two, either may come first.
    void put_arrows(std::string& out, const span_view& s) {
        const slice here{s.id(), s.start(), s.end(), s.thread()};
        waiting_.each(here.id, [&](const slice& child) { put_arrow(out, here, child); });
        waiting_.erase(here.id);
        slices_.add(here.id, here);
        if (s.parent() == 0 || s.parent_is_remote()) return;
        bool found = false;
        slices_.each(s.parent(), [&](const slice& parent) {
            if (!found) put_arrow(out, parent, here);
            found = true;
        });
        if (!found) waiting_.add(s.parent(), here);
    }
    void put_arrow(std::string& out, const slice& from, const slice& to) {
        if (from.thread == to.thread) return;
        // Each end is bound to the slice that is there at that time: within it, and not against the time's direction.
        const std::uint64_t last_from = std::max(from.start, from.end - (from.end > from.start));
        const std::uint64_t last_to = std::max(to.start, to.end - (to.end > to.start));
        const std::uint64_t begins = std::clamp(to.start, from.start, last_from);
        if (begins > last_to) return;
        put_end_of_arrow(out, "s", from.thread, begins, to.id);
        put_end_of_arrow(out, "f", to.thread, std::max(begins, to.start), to.id);
    }
    void put_end_of_arrow(std::string& out, std::string_view phase, std::uint32_t on, std::uint64_t when, std::uint64_t id) {
        json_writer json = next(out);
        json.begin_object();
        common(json, phase, on);
        json.key("ts"), json.thousandths(time(when));
        json.key("cat"), json.text("parent");
        json.key("name"), json.text("parent");
        json.key("id"), json.hex(id);
        if (phase == "f") json.key("bp"), json.text("e");
        json.end_object();
    }

    // For tools that merge the files of several processes (tools/traces). Viewers ignore it.
    void put_zero(std::string& out) {
        json_writer json = next(out);
        json.begin_object();
        common(json, "M", getpid());
        json.key("name"), json.text("time_zero");
        json.key("args"), json.begin_object(), json.key("unix_seconds"), json.integer(zero_ / 1'000'000'000), json.end_object();
        json.end_object();
    }
    void name_thread(std::string& out, std::uint32_t id) {
        thread& t = thread_of(id);
        if (std::exchange(t.named, true)) return;
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%u/comm", id);
        const std::string name = first_line(path);
        if (name.empty()) return;  // it is gone
        json_writer json = next(out);
        json.begin_object();
        common(json, "M", id);
        json.key("name"), json.text("thread_name");
        json.key("args"), json.begin_object(), json.key("name"), json.text(name), json.end_object();
        json.end_object();
    }

    static json_writer next(std::string& out) {
        out += "\n,";
        return json_writer(out);
    }
    template <class Id>
    static void common(json_writer& json, std::string_view phase, Id thread_id) {
        json.key("ph"), json.text(phase);
        json.key("pid"), json.integer(getpid());
        json.key("tid"), json.integer(thread_id);
    }
    static void about(json_writer& json, const span_view& s) {
        json.key("cat"), json.text(s.scope().name);
        json.key("name"), json.text(s.name());
        json.key("args"), json.begin_object();
        s.attributes([&](const attribute_view& a) { put_attribute(json, a); });
        json.key("trace_id"), json.hex(s.trace().high, s.trace().low);
        json.key("span_id"), json.hex(s.id());
        if (s.parent()) json.key("parent_span_id"), json.hex(s.parent());
        if (s.status() != span_status::unset) json.key("status"), json.text(s.status() == span_status::ok ? "ok" : "error");
        if (!s.message().empty()) json.key("status_message"), json.text(s.message());
        json.end_object();
    }
    static void put_attribute(json_writer& json, const attribute_view& a) {
        constexpr std::string_view ours[] = {"trace_id", "span_id", "parent_span_id", "status", "status_message"};
        const bool taken = std::find(std::begin(ours), std::end(ours), a.name()) != std::end(ours);
        if (taken) json.key("attribute." + std::string(a.name()));
        else json.key(a.name());
        a.visit([&](const auto& value) { put_value(json, value); });
    }
    static void put_value(json_writer& json, std::string_view v) { json.text(v); }
    static void put_value(json_writer& json, bool v) { json.boolean(v); }
    static void put_value(json_writer& json, double v) { json.real(v); }
    static void put_value(json_writer& json, std::int64_t v) {
        constexpr std::int64_t exact = std::int64_t{1} << 53;  // in a double, which is what viewers read
        if (v >= -exact && v <= exact) json.integer(v);
        else json.quoted(v);
    }
    template <class T>
    static void put_value(json_writer& json, const packed_numbers<T>& v) {
        json.begin_array();
        for (std::uint32_t i = 0; i < v.size(); ++i) put_value(json, v[i]);
        json.end_array();
    }

    [[nodiscard]] std::int64_t time(std::uint64_t ns) const { return static_cast<std::int64_t>(ns - zero_); }

    static std::string process_name(const resource& who) {
        for (const auto& [name, value] : who.attributes)
            if (name == "service.name" && !text_of(value).empty()) return text_of(value);
        return first_line("/proc/self/comm");
    }
    static std::string first_line(const char* path) {
        char text[64];
        const int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) return {};
        const auto size = read(file, text, sizeof text);
        close(file);
        const std::string_view all(text, size > 0 ? static_cast<std::size_t>(size) : 0);
        return std::string(all.substr(0, all.find('\n')));
    }

    static constexpr std::size_t remembered = 8192, remembered_threads = 1024;
    std::vector<entry> entries_;
    std::unordered_map<std::uint32_t, thread> young_threads_, old_threads_;
    detail::recent<slice, remembered> slices_;   // by their own id
    detail::recent<slice, remembered> waiting_;  // by their parent's, which was not seen yet
    std::uint64_t zero_ = 0;                     // nanoseconds since 1970: a midnight (UTC), a day or two before the first span
    bool zero_known_ = false, zero_said_ = false;
};

}  // namespace apm::inline APM_ABI
