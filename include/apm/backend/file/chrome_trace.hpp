// Finished spans as Chrome's trace events, for ui.perfetto.dev and chrome://tracing.
//
//     [                                                      a file begins so; what follows needs no "]" to be loaded, so that
//     {"ph":"M","name":"process_name",...}                   a program that crashed leaves a trace, too
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
#include <apm/backend/file/chrome_event.hpp>
#include <apm/backend/file/nesting.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// One thread at a time. Memory: some 150 bytes for each of the last 8192 to 16384 spans, less than 10 KiB for each of the last
// 1024 to 2048 threads. Throws std::bad_alloc.
class chrome_trace {
public:
    // Appends the beginning of a file. What was written before is in another file: no arrow points there.
    void begin(std::string& out, const resource& who) {
        forget();
        young_threads_.clear(), old_threads_.clear();
        zero_said_ = false;
        writer(out).begin(process_name(who));
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
        chrome_event_writer to = writer(out);
        if (!std::exchange(zero_said_, true)) to.put_zero();
        for (const entry& e : entries_) {
            name_thread(to, e.span->thread());
            if (e.is_slice) {
                to.put_slice(*e.span);
                put_arrows(to, *e.span);
            } else {
                to.put_asynchronous(*e.span);
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
        nesting slices;
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

    // From the slice of a parent to that of a child on another thread. Of the two, either may come first.
    void put_arrows(chrome_event_writer& to, const span_view& s) {
        const slice here{s.id(), s.start(), s.end(), s.thread()};
        waiting_.each(here.id, [&](const slice& child) { put_arrow(to, here, child); });
        waiting_.erase(here.id);
        slices_.add(here.id, here);
        if (s.parent() == 0 || s.parent_is_remote()) return;
        bool found = false;
        slices_.each(s.parent(), [&](const slice& parent) {
            if (!found) put_arrow(to, parent, here);
            found = true;
        });
        if (!found) waiting_.add(s.parent(), here);
    }
    void put_arrow(chrome_event_writer& out, const slice& from, const slice& to) {
        if (from.thread == to.thread) return;
        // Each end is bound to the slice that is there at that time: within it, and not against the time's direction.
        const std::uint64_t last_from = (std::max)(from.start, from.end - (from.end > from.start));
        const std::uint64_t last_to = (std::max)(to.start, to.end - (to.end > to.start));
        const std::uint64_t begins = std::clamp(to.start, from.start, last_from);
        if (begins > last_to) return;
        out.put_end_of_arrow("s", from.thread, begins, to.id);
        out.put_end_of_arrow("f", to.thread, (std::max)(begins, to.start), to.id);
    }
    void name_thread(chrome_event_writer& to, std::uint32_t id) {
        thread& t = thread_of(id);
        if (std::exchange(t.named, true)) return;
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%u/comm", id);
        if (const std::string name = first_line(path); !name.empty()) to.put_thread_name(id, name);  // else it is gone
    }
    chrome_event_writer writer(std::string& out) const { return {out, zero_}; }

    static std::string process_name(const resource& who) {
        for (const auto& [name, value] : who.attributes)
            if (name == "service.name" && !text_of(value).empty()) return text_of(value);
        return first_line("/proc/self/comm");
    }
    static std::string first_line(const char* path) {
        char text[64];
        const int from = open(path, O_RDONLY | O_CLOEXEC);
        if (from < 0) return {};
        const auto size = read(from, text, sizeof text);
        close(from);
        const std::string_view all(text, size > 0 ? static_cast<std::size_t>(size) : 0);
        return std::string(all.substr(0, all.find('\n')));
    }

    static constexpr std::size_t remembered = 8192, remembered_threads = 1024;
    std::vector<entry> entries_;
    std::unordered_map<std::uint32_t, thread> young_threads_, old_threads_;
    recent<slice, remembered> slices_;   // by their own id
    recent<slice, remembered> waiting_;  // by their parent's, which was not seen yet
    std::uint64_t zero_ = 0;                     // nanoseconds since 1970: a midnight (UTC), a day or two before the first span
    bool zero_known_ = false, zero_said_ = false;
};

}  // namespace apm::inline APM_ABI::detail
