// The sending thread: takes batches from the export queues and sends them, one transfer at a time for each destination; no
// destination waits for another.
#pragma once

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/export_queues.hpp>
#include <apm/backend/delivery/http.hpp>
#include <apm/backend/delivery/judgement.hpp>
#include <apm/backend/delivery/retry.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// What is libcurl's is the thread's own once run() has begun.
class sender {
public:
    explicit sender(std::shared_ptr<export_queues> queues) : shared_(std::move(queues)) {
        for (const auto& q : shared_->all) transfers_.push_back(std::make_unique<transfer>(*q));
    }
    sender(const sender&) = delete;
    sender& operator=(const sender&) = delete;

    // Before run(): what it needs.
    error open() {
        if (!curl_is_ready()) return "cannot initialize libcurl";
        multi_.reset(curl_multi_init());
        return multi_ && shared_->woken ? "" : "no memory, or no file descriptor, for connections";
    }

    // Returns after stop(): when all is sent, or its time is over.
    void run() noexcept {
        for (bool go_on = true; go_on;) {
            try {
                go_on = step();
            } catch (...) {  // no memory; there may be some later
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        }
        for (const auto& t : transfers_)
            if (CURL* const c = t->http.handle()) curl_multi_remove_handle(multi_.get(), c);
        shared_->account_for_the_rest(false);
        for (const auto& t : transfers_) {
            t->http.close();
            if (t->queue.disk) t->queue.disk->close();
        }
        multi_.reset();
        const lock guard(shared_->mutex);
        shared_->ended = true;
        shared_->changed.notify_all();
    }

private:
    using lock = export_queues::lock;
    using action = judgement::action;
    static constexpr std::chrono::seconds longest_sleep{600};
    static constexpr std::chrono::hours longest_hold{1};

    struct transfer {
        explicit transfer(export_queue& q) : queue(q), http(q.to) {}
        export_queue& queue;
        exchange http;
        std::string from_disk = {};  // the body of a batch that is in a file
    };

    // False at the end.
    bool step() {
        {
            const lock guard(shared_->mutex);
            const auto idle = [](const auto& q) { return q->flight.empty() && (q->left_to_spool || q->queue.empty()); };
            const auto& all = shared_->all;
            const bool past_deadline = steady::now() >= shared_->stop_by;
            if (shared_->abandoned) return false;
            if (shared_->stopping && (past_deadline || std::all_of(all.begin(), all.end(), idle))) return false;
        }
        auto next = steady::now() + longest_sleep;
        for (const auto& t : transfers_) next = (std::min)(next, serve(*t));
        int running = 0, left = 0;
        curl_multi_perform(multi_.get(), &running);
        bool settled = false;
        while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
            const CURL* const which = message->easy_handle;  // the message goes with it
            const CURLcode result = message->data.result;
            const auto t = std::find_if(transfers_.begin(), transfers_.end(),
                                        [which](const auto& x) { return x->http.handle() == which; });
            if (t == transfers_.end()) continue;
            finish(**t, result);
            settled = true;
        }
        if (!settled) sleep(next);
        return true;
    }
    // Begins a transfer where one is due. Returns when to look again, unless something happens before.
    steady::time_point serve(transfer& t) {
        export_queue& q = t.queue;
        const auto now = steady::now(), later = now + longest_sleep;
        lock guard(shared_->mutex);
        if (q.sending || q.queue.empty() || q.left_to_spool) return later;
        if (q.failing && now - q.queue.front().came >= q.max_elapsed_time) {
            batch& oldest = q.queue.front();
            if (!oldest.on_disk()) {
                batches gone;
                q.queue.take_front(gone);
                shared_->lose(q, gone, loss::gave_up, failure::gave_up, guard);
                return now;
            }
            // A spooled batch is kept as long as there is room; but it may be what makes the receiver fail, so others go first.
            if (oldest.attempts) oldest.came = now, q.queue.rotate();
        }
        if (now < q.not_before) {
            const batch& b = q.queue.front();
            return (std::min)(q.not_before, q.failing && !b.on_disk() ? b.came + q.max_elapsed_time : later);
        }
        q.begin();
        guard.unlock();
        return begin(t) ? later : now;
    }
    // False where it is settled already.
    bool begin(transfer& t) noexcept {
        export_queue& q = t.queue;
        const batch& b = q.flight.front();
        reply none;
        none.failed = CURLE_OUT_OF_MEMORY;
        try {
            if (const int failed = b.on_disk() ? q.disk->read(b, t.from_disk) : 0) {
                const bool gone = failed == ENOENT || failed == EILSEQ;  // or damaged; else it may be read later
                q.unreadable = !gone && failed != EMFILE && failed != ENFILE && failed != ENOMEM;
                settle(t, {}, {gone ? action::lost : action::retry, failure::spool, loss::spool_failed, 0,
                               q.disk->because("read", failed, gone ? "what was in it is lost" : "will try again")});
                return false;
            }
            CURL* const c = t.http.prepare(b.on_disk() ? t.from_disk : b.body, b.gzip,
                                           q.to.protocol->encodings[b.encoding].content_type, q.to.timeout);
            if (c && curl_multi_add_handle(multi_.get(), c) == CURLM_OK) return true;
        } catch (...) {
        }
        settle(t, none, {action::retry, failure::no_memory});
        return false;
    }
    void finish(transfer& t, CURLcode code) noexcept {
        curl_off_t sent = 0;
        curl_easy_getinfo(t.http.handle(), CURLINFO_SIZE_UPLOAD_T, &sent);
        curl_multi_remove_handle(multi_.get(), t.http.handle());
        reply r;
        judgement j;
        try {
            r = t.http.finish(code);
            j = judge(*t.queue.to.protocol, r, t.queue.flight.front().items, t.queue.flight.front().encoding);
        } catch (...) {
            j = {action::retry, failure::no_memory};
        }
        {
            const lock guard(shared_->mutex);
            t.queue.tally.bytes_sent += static_cast<std::uint64_t>(sent);
        }
        settle(t, r, j);
    }
    // Counts what became of the batch that was sent, and tells the observer, before flush() returns.
    void settle(transfer& t, const reply& r, const judgement& j) noexcept {
        export_queue& q = t.queue;
        outcome o{.destination = q.index, .duration = r.duration, .status = static_cast<int>(r.status)};
        lock guard(shared_->mutex);
        if (shared_->abandoned) return;
        batch& b = q.flight.front();
        bool settled = true;
        q.failing = j.outcome == action::retry;
        q.unreachable = unreachable(j.kind);
        q.not_before = {};
        if (j.kind == failure::spool) --q.tally.requests;
        if (j.outcome == action::delivered) {
            q.delivered(j.rejected);
            o.delivered = b.items - j.rejected, o.lost[loss::partial] = j.rejected;
            q.report_anew(j.kind);
            if (q.queue.empty()) q.forget(failure::queue_full);
        } else if (j.outcome == action::lost) {
            q.lost_in_flight(j.cause);
            o.lost[j.cause] = b.items;
        } else {
            const auto longest = std::min<std::chrono::milliseconds>(q.max_elapsed_time, longest_hold);
            const auto asked = shared_->stopping || shared_->flushing
                                   ? std::nullopt
                                   : retry_after(r.retry_after, longest, std::chrono::system_clock::now());
            q.not_before = steady::now() + (asked ? q.pauses.stretched(*asked) : q.pauses.next());
            const bool others = std::exchange(q.unreadable, false) && !q.queue.empty();
            q.left_to_spool = shared_->stopping && !others && (b.on_disk() || q.unreachable);
            q.give_back();
            if (others) q.queue.rotate(), q.not_before = steady::now() + q.to.initial_backoff;  // they do not wait for long
            settled = false;
        }
        if (!q.failing) q.pauses.reset();
        q.sending = false;
        const bool news = q.should_report(j.kind);
        guard.unlock();
        if (settled && b.on_disk()) q.disk->remove(b);
        t.from_disk = {};
        shared_->tell(q, o, news ? j.kind : failure::none, r, j.message);
        guard.lock();
        if (settled) q.flight.clear();
        if (settled || q.unreachable) shared_->changed.notify_all();
    }
    void sleep(steady::time_point until) {
        {
            const lock guard(shared_->mutex);
            if (shared_->stopping) until = (std::min)(until, shared_->stop_by);
        }
        curl_waitfd woken{shared_->woken.get(), CURL_WAIT_POLLIN, 0};
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady::now());
        curl_multi_poll(multi_.get(), &woken, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)), nullptr);
        std::uint64_t count = 0;
        [[maybe_unused]] const auto taken = ::read(shared_->woken.get(), &count, sizeof count);
    }

    const std::shared_ptr<export_queues> shared_;
    freed<CURLM, curl_multi_cleanup> multi_;  // goes after the handles that it holds
    std::vector<std::unique_ptr<transfer>> transfers_;
};

}  // namespace apm::inline APM_ABI::detail::delivery
