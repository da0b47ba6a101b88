// The queues of all destinations, and the loop that empties them: one transfer at a time for each, and none waits for another.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/lane.hpp>
#include <apm/backend/delivery/mailbox.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// Owned by the delivery and by its thread, whichever lasts longer. What is libcurl's is the thread's own once run() has begun.
class sender : public mailbox {
public:
    using mailbox::mailbox;
    // libcurl wants its handles to be gone before what holds them together.
    ~sender() { lanes_.clear(); }

    // Before run(): what it needs, and what the spool has of processes that are gone.
    error open() {
        if (!curl_is_ready()) return "cannot initialize libcurl";
        multi_.reset(curl_multi_init());
        if (!multi_ || !wake_) return "no memory, or no file descriptor, for connections";
        for (const auto& l : lanes_)
            if (l->disk && !l->disk->is_open()) adopt(*l);
        return {};
    }

    // The last attempts, until then. Nothing is taken any more.
    void stop(deadline by) noexcept {
        const std::lock_guard guard(mutex_);
        stopping_ = true;
        stop_by_ = by;
        for (const auto& l : lanes_) l->not_before = {}, l->pauses.reset();
        wake();
    }
    bool wait_for_end(deadline by) {
        std::unique_lock guard(mutex_);
        return changed_.wait_until(guard, by, [this] { return ended_; });
    }
    // Where the thread does not end, or never began: nobody is told of anything after this.
    void abandon() {
        {
            const std::lock_guard guard(mutex_);
            stopping_ = abandoned_ = true;
        }
        account_for_the_rest(true);
        silent_ = true;
        // One that is being told just now is waited for, unless that is what is stuck.
        std::unique_lock told(voice_, std::try_to_lock);
        for (const auto end = steady::now() + std::chrono::milliseconds(10); !told && steady::now() < end;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            static_cast<void>(told.try_lock());
        }
    }
    // In a forked child, of the parent's.
    void forget() {
        wake_.reset();
        for (const auto& l : lanes_)
            if (l->disk) l->disk->forget();
    }

    // The thread.
    void run() noexcept {
        for (bool go_on = true; go_on;) {
            try {
                go_on = step();
            } catch (...) {  // no memory; there may be some later
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        }
        for (const auto& l : lanes_)
            if (CURL* const c = l->http.handle()) curl_multi_remove_handle(multi_.get(), c);
        account_for_the_rest(false);
        for (const auto& l : lanes_) {
            l->http.close();
            if (l->disk) l->disk->close();
        }
        multi_.reset();
        const std::lock_guard guard(mutex_);
        ended_ = true;
        changed_.notify_all();
    }

private:
    static constexpr std::chrono::seconds longest_sleep{600};

    // False at the end.
    bool step() {
        {
            const lock guard(mutex_);
            const auto idle = [](const auto& l) { return l->flight.empty() && (l->resigned || l->queue.empty()); };
            if (abandoned_ || (stopping_ && (steady::now() >= stop_by_ || std::all_of(lanes_.begin(), lanes_.end(), idle))))
                return false;
        }
        auto next = steady::now() + longest_sleep;
        for (const auto& l : lanes_) next = std::min(next, serve(*l));
        int running = 0, left = 0;
        curl_multi_perform(multi_.get(), &running);
        bool settled = false;
        while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
            const CURL* const which = message->easy_handle;  // the message goes with it
            const CURLcode result = message->data.result;
            const auto l =
                std::find_if(lanes_.begin(), lanes_.end(), [which](const auto& x) { return x->http.handle() == which; });
            if (l == lanes_.end()) continue;
            finish(**l, result);
            settled = true;
        }
        if (!settled) sleep(next);
        return true;
    }
    // Begins a transfer where one is due. When to look again, unless something happens before.
    steady::time_point serve(lane& l) {
        const auto now = steady::now(), far = now + longest_sleep;
        lock guard(mutex_);
        if (l.sending || l.queue.empty() || l.resigned) return far;
        if (l.failing && now - l.queue.front().came >= l.max_elapsed_time) {
            batch& oldest = l.queue.front();
            if (!oldest.on_disk()) {
                batches gone;
                l.queue.take_front(gone);
                lose(l, gone, loss::gave_up, failure::gave_up, guard);
                return now;
            }
            // The disk's bound is what limits it; but it may be itself what the receiver chokes on, and is not to hold up all.
            if (oldest.attempts) oldest.came = now, l.queue.rotate();
        }
        if (now < l.not_before) {
            const batch& b = l.queue.front();
            return std::min(l.not_before, l.failing && !b.on_disk() ? b.came + l.max_elapsed_time : far);
        }
        l.begin();
        guard.unlock();
        return begin(l) ? far : now;
    }
    // False where it is settled already.
    bool begin(lane& l) noexcept {
        const batch& b = l.flight.front();
        reply none;
        none.failed = CURLE_OUT_OF_MEMORY;
        try {
            if (const int failed = b.on_disk() ? l.disk->read(b, l.from_disk) : 0) {
                const bool gone = failed == ENOENT || failed == EILSEQ;  // or damaged; else it may be read later
                l.unreadable = !gone && failed != EMFILE && failed != ENFILE && failed != ENOMEM;
                settle(l, {}, {gone ? judgement::what::lost : judgement::what::again, failure::spool, loss::spool_failed, 0,
                               l.disk->because("read", failed, gone ? "what was in it is lost" : "will try again")});
                return false;
            }
            CURL* const c = l.http.prepare(b.on_disk() ? l.from_disk : b.body, b.gzip, b.json, l.to.timeout);
            if (c && curl_multi_add_handle(multi_.get(), c) == CURLM_OK) return true;
        } catch (...) {
        }
        settle(l, none, {judgement::what::again, failure::no_memory});
        return false;
    }
    void finish(lane& l, CURLcode code) noexcept {
        curl_off_t sent = 0;
        curl_easy_getinfo(l.http.handle(), CURLINFO_SIZE_UPLOAD_T, &sent);
        curl_multi_remove_handle(multi_.get(), l.http.handle());
        reply r;
        judgement j;
        try {
            r = l.http.finish(code);
            j = judge(r, l.flight.front().items, l.flight.front().json);
        } catch (...) {
            j = {judgement::what::again, failure::no_memory};
        }
        {
            const lock guard(mutex_);
            l.tally.bytes_sent += static_cast<std::uint64_t>(sent);
        }
        settle(l, r, j);
    }
    // Counts what became of the batch that was sent, and tells everybody, before flush() takes notice.
    void settle(lane& l, const reply& r, const judgement& j) noexcept {
        using what = judgement::what;
        outcome o{.destination = l.index, .duration = r.duration, .status = static_cast<int>(r.status)};
        lock guard(mutex_);
        if (abandoned_) return;
        batch& b = l.flight.front();
        bool settled = true;
        l.failing = j.verdict == what::again;
        l.hopeless = hopeless(j.kind);
        l.not_before = {};
        if (j.kind == failure::spool) --l.tally.requests;
        if (j.verdict == what::delivered) {
            l.delivered(j.rejected);
            o.delivered = b.items - j.rejected, o.lost[loss::partial] = j.rejected;
            l.works(j.kind);
            if (l.queue.empty()) l.forget(failure::queue_full);
        } else if (j.verdict == what::lost) {
            l.lost_in_flight(j.cause);
            o.lost[j.cause] = b.items;
        } else {
            const auto longest = std::min<std::chrono::milliseconds>(l.max_elapsed_time, longest_hold);
            const auto asked = stopping_ || flushing_ ? std::nullopt
                                                      : retry_after(r.retry_after, longest, std::chrono::system_clock::now());
            l.not_before = steady::now() + (asked ? l.pauses.stretched(*asked) : l.pauses.next());
            const bool others = std::exchange(l.unreadable, false) && !l.queue.empty();
            l.resigned = stopping_ && !others && (b.on_disk() || l.hopeless);
            l.give_back();
            if (others) l.queue.rotate(), l.not_before = steady::now() + l.to.initial_backoff;  // they do not wait for long
            settled = false;
        }
        if (!l.failing) l.pauses.reset();
        l.sending = false;
        const bool news = l.first_of(j.kind);
        guard.unlock();
        if (settled && b.on_disk()) l.disk->remove(b);
        l.from_disk = {};
        tell(l, o, news ? j.kind : failure::none, r, j.message);
        guard.lock();
        if (settled) l.flight.clear();
        if (settled || l.hopeless) changed_.notify_all();
    }
    void sleep(steady::time_point until) {
        {
            const lock guard(mutex_);
            if (stopping_) until = std::min(until, stop_by_);
        }
        curl_waitfd woken{wake_.get(), CURL_WAIT_POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
        curl_multi_poll(multi_.get(), &woken, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)), nullptr);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto taken = read(wake_.get(), &count, sizeof count);
    }

    static constexpr std::chrono::hours longest_hold{1};
    bool abandoned_ = false;  // these two under the mutex
    deadline stop_by_{};
    freed<CURLM, curl_multi_cleanup> multi_;
};

}  // namespace apm::inline APM_ABI::detail::otlp
