// The queues of all destinations as every thread but the sender's own sees them: what comes in, what there is no room for, what
// flush() waits for, and who is told.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/lane.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/config.hpp>
#include <apm/detail/file_descriptor.hpp>

namespace apm::inline APM_ABI::detail::otlp {

class mailbox {
public:
    mailbox(std::shared_ptr<const std::vector<destination>> to, observer told) : to_(std::move(to)), told_(std::move(told)) {
        for (const destination& d : *to_) lanes_.push_back(std::make_unique<lane>(d, lanes_.size()));
    }
    mailbox(const mailbox&) = delete;
    mailbox& operator=(const mailbox&) = delete;

    // False, and counted as lost, where it is refused. The caller's thread compresses and writes to the spool.
    bool put(std::size_t index, std::string&& body, std::uint64_t items) noexcept {
        lane& l = *lanes_[index];
        try {
            batches one(1);
            batch& b = one.front();
            b.items = items;
            b.json = l.to.content_type == json_type;
            if (body.size() > l.to.max_request_bytes) return refuse(l, items, loss::too_large, failure::request_too_large);
            b.gzip = l.to.gzip && gzipped(body, b.body);
            if (!b.gzip) b.body = std::move(body), b.body.shrink_to_fit();  // it may wait for long
            b.size = b.body.size();
            if (!l.disk) return admit(l, one, false);
            if (!make_room(l, b, true)) return false;
            const int failed = l.disk->write(b);
            if (failed) tell_of_spool(l, "write", failed, "what waits is kept in memory");
            return admit(l, one, !failed);
        } catch (...) {
            return refuse(l, items, loss::no_memory, failure::no_memory);
        }
    }

    // Tries what waits now; true when all of it is delivered by then. False at once where nobody is at the other end. Any thread.
    // False, too, where something was lost since the last time.
    bool flush(deadline by) {
        std::vector<std::uint64_t> wanted;  // batches that came
        std::unique_lock guard(mutex_);
        for (const auto& l : lanes_) {
            wanted.push_back(l->puts);
            l->not_before = {};
            l->hopeless = false;
        }
        ++flushing_;
        wake();
        const auto waits = [&](const auto& l) { return l->has_until(wanted[l->index]); };
        changed_.wait_until(guard, by, [&] {
            return ended_ || std::none_of(lanes_.begin(), lanes_.end(), [&](const auto& l) { return !l->hopeless && waits(l); });
        });
        --flushing_;
        bool well = true;
        for (const auto& l : lanes_) well = well && !waits(l) && l->losses == l->reported;
        for (const auto& l : lanes_) l->reported = l->losses;
        return well;
    }

    [[nodiscard]] totals count(std::size_t index) const {
        const std::lock_guard guard(mutex_);
        return lanes_[index]->tally;
    }

    // What stop() has to say: items that are lost by it.
    error last_words() {
        const std::lock_guard guard(mutex_);
        return last_words_;
    }

protected:
    using lock = std::unique_lock<std::mutex>;

    ~mailbox() = default;

    void adopt(lane& l) {
        if (const int failed = l.disk->open()) return tell_of_spool(l, "open", failed, "what waits is kept in memory");
        for (batches found = l.disk->adopt(); !found.empty();) {
            batches one;
            one.splice(one.end(), found, found.begin());
            one.front().adopted = true;
            const std::uint64_t items = one.front().items;
            {
                const std::lock_guard guard(voice_);
                if (!silent_ && told_.adopted) told_.adopted(l.index, items);
            }
            if (make_room(l, one.front(), true)) static_cast<void>(admit(l, one, true));
            else l.disk->remove(one.front());
        }
    }
    // Refuses what there is no room for.
    bool make_room(lane& l, const batch& b, bool on_disk) {
        batches gone;
        lock guard(mutex_);
        if (stopping_) return guard.unlock(), refuse(l, b.items, loss::shutdown, failure::stopped, b.adopted);
        const bool room = l.queue.make_room(b, on_disk, gone);
        lose(l, gone, loss::queue_full, failure::queue_full, guard);
        return room || refuse(l, b.items, loss::queue_full, failure::queue_full, b.adopted);
    }
    bool admit(lane& l, batches& one, bool has_room) {
        if (!has_room && !make_room(l, one.front(), false)) return false;
        const lock guard(mutex_);
        one.front().came = steady::now();
        one.front().number = ++l.puts;
        if (one.front().on_disk()) l.forget(failure::spool);
        l.came(one.front().items, one.front().adopted);
        l.tally.waiting += one.front().items;
        l.queue.push(one);
        wake();
        return true;
    }
    bool refuse(lane& l, std::uint64_t items, loss cause, failure kind, bool adopted = false) noexcept {
        lock guard(mutex_);
        l.came(items, adopted);
        l.tally.lost[cause] += items;
        ++l.losses;
        const bool news = kind != failure::stopped && l.first_of(kind);
        guard.unlock();
        outcome o{.destination = l.index};
        o.lost[cause] = items;
        tell(l, o, news ? kind : failure::none);
        return false;
    }
    void tell_of_spool(lane& l, std::string_view what, int failed, std::string_view then) noexcept {
        lock guard(mutex_);
        const bool news = l.first_of(failure::spool);
        guard.unlock();
        try {
            if (news) say(explain(l.to, {}, failure::spool, l.disk->because(what, failed, then)));
        } catch (...) {
        }
    }

    // What was taken from the queue for good. Lets go of the mutex.
    void lose(lane& l, batches& gone, loss cause, failure kind, lock& guard) {
        outcome o{.destination = l.index};
        for (const batch& b : gone) l.lost_waiting(b, cause), o.lost[cause] += b.items;
        const bool news = !gone.empty() && l.first_of(kind);
        if (!gone.empty()) changed_.notify_all();
        guard.unlock();
        for (const batch& b : gone)
            if (b.on_disk()) l.disk->remove(b);
        if (!gone.empty()) tell(l, o, news ? kind : failure::none);
    }
    void tell(const lane& l, const outcome& o, failure news, const reply& r = {}, const std::string& message = {}) noexcept {
        try {
            const std::lock_guard guard(voice_);
            call_finished(o);
        } catch (...) {  // the observer's own
        }
        try {
            say(explain(l.to, r, news, message));
        } catch (...) {
        }
    }
    void say(const std::string& line) {
        const std::lock_guard guard(voice_);
        if (!line.empty() && !silent_ && told_.say) told_.say(line);
    }
    // Under the voice.
    void call_finished(const outcome& o) {
        if (!silent_ && told_.finished) told_.finished(o);
    }
    void wake() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(wake_.get(), &one, sizeof one);
    }
    // At the end, what did not get away is lost, unless it is on disk. The thread may still be in a transfer that is stuck.
    void account_for_the_rest(bool stuck) noexcept {
        for (const auto& one : lanes_) {
            lane& l = *one;
            outcome o{.destination = l.index};
            batches gone;
            {
                const lock guard(mutex_);
                if (l.sending) {
                    const batch& b = l.flight.front();
                    if (b.on_disk()) l.tally.in_flight -= b.items, l.tally.waiting += b.items;
                    else l.lost_in_flight(loss::shutdown), o.lost[loss::shutdown] += b.items;
                    l.sending = false;
                }
                l.queue.take_memory(gone);
                for (const batch& b : gone) l.lost_waiting(b, loss::shutdown), o.lost[loss::shutdown] += b.items;
            }
            if (!o.lost.all()) continue;
            try {
                lock guard(voice_, std::defer_lock);
                // It may be the observer itself that it is stuck in.
                const bool heard = stuck ? guard.try_lock() : (guard.lock(), true);
                if (heard) call_finished(o);
            } catch (...) {
            }
            try {
                const lock guard(mutex_);
                last_words_ += (last_words_.empty() ? "" : "; ") + l.to.name + ": " + std::to_string(o.lost.all()) +
                               (l.to.name == "traces" ? " spans" : " data points") + " were not delivered to " +
                               parsed_url_without_secrets(l.to.url) + " and are lost";
            } catch (...) {
            }
        }
    }

    mutable std::mutex mutex_;  // of lanes, but for the sender's own, and of what is between this and wake_
    std::condition_variable changed_;
    std::vector<std::unique_ptr<lane>> lanes_;
    bool stopping_ = false, ended_ = false;  // nothing is taken any more; the thread is gone
    unsigned flushing_ = 0;
    error last_words_;
    file_descriptor wake_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // on which the thread sleeps
    std::mutex voice_;      // of those who are told
    std::atomic<bool> silent_{false};

private:
    const std::shared_ptr<const std::vector<destination>> to_;
    const observer told_;
};

}  // namespace apm::inline APM_ABI::detail::otlp
