// The outbox: where the program's threads put batches into the export queues, wait for them, and end the sending.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <apm/backend.hpp>
#include <apm/backend/delivery/export_queues.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

class outbox {
public:
    explicit outbox(export_queues& queues) : shared_(queues) {}

    // False, and counted as lost, where it is rejected. The caller's thread compresses and writes to the spool. One at a time.
    bool put(std::size_t index, std::string&& body, std::uint64_t items) noexcept {
        export_queue& q = *shared_.all[index];
        try {
            batches one(1);
            batch& b = one.front();
            b.items = items;
            b.encoding = q.to.encoding;
            if (body.size() > q.to.max_request_bytes) return reject(q, items, loss::too_large, failure::request_too_large);
            b.gzip = q.to.gzip && gzipped(body, b.body);
            if (!b.gzip) b.body = std::move(body), b.body.shrink_to_fit();  // it may wait for long
            b.size = b.body.size();
            if (!q.disk) return admit(q, one, false);
            if (!make_room(q, b, true)) return false;
            const int failed = q.disk->write(b);
            if (failed) shared_.tell_of_spool(q, "write", failed, "what waits is kept in memory");
            return admit(q, one, !failed);
        } catch (...) {
            return reject(q, items, loss::no_memory, failure::no_memory);
        }
    }

    // Takes what the spools have of processes that ended. Before the sending thread begins.
    void adopt() {
        for (const auto& q : shared_.all)
            if (q->disk && !q->disk->is_open()) adopt(*q);
    }

    // Tries what waits now; true when all of it is delivered by then. False at once where nothing is at the other end, and where
    // something was lost since the last time. Any thread.
    bool flush(deadline by) {
        std::vector<std::uint64_t> wanted;  // batches that came
        lock guard(shared_.mutex);
        for (const auto& q : shared_.all) {
            wanted.push_back(q->puts);
            q->not_before = {};
            q->unreachable = false;
        }
        ++shared_.flushing;
        shared_.wake();
        const auto waits = [&](const auto& q) { return q->has_until(wanted[q->index]); };
        const auto may_come = [&](const auto& q) { return !q->unreachable && waits(q); };
        shared_.changed.wait_until(
            guard, by, [&] { return shared_.ended || std::none_of(shared_.all.begin(), shared_.all.end(), may_come); });
        --shared_.flushing;
        bool well = true;
        for (const auto& q : shared_.all) well = well && !waits(q) && q->losses == q->reported;
        for (const auto& q : shared_.all) q->reported = q->losses;
        return well;
    }

    [[nodiscard]] totals count(std::size_t index) const {
        const lock guard(shared_.mutex);
        return shared_.all[index]->tally;
    }

    // The last attempts, until then. Nothing is taken any more.
    void stop(deadline by) noexcept {
        const lock guard(shared_.mutex);
        shared_.stopping = true;
        shared_.stop_by = by;
        for (const auto& q : shared_.all) q->not_before = {}, q->pauses.reset();
        shared_.wake();
    }
    bool wait_for_end(deadline by) {
        lock guard(shared_.mutex);
        return shared_.changed.wait_until(guard, by, [this] { return shared_.ended; });
    }
    // Where the thread does not end, or never began: the observer is told of nothing after this.
    void abandon() {
        {
            const lock guard(shared_.mutex);
            shared_.stopping = shared_.abandoned = true;
        }
        shared_.account_for_the_rest(true);
        shared_.told.silence();
    }
    // What stop() has to say: items that are lost by it.
    error final_error() {
        const lock guard(shared_.mutex);
        return shared_.final_error;
    }
    // In a forked child, of the parent's.
    void forget() {
        shared_.woken.reset();
        for (const auto& q : shared_.all)
            if (q->disk) q->disk->forget();
    }

private:
    using lock = export_queues::lock;

    void adopt(export_queue& q) {
        if (const int failed = q.disk->open()) return shared_.tell_of_spool(q, "open", failed, "what waits is kept in memory");
        for (batches found = q.disk->adopt(); !found.empty();) {
            batches one;
            one.splice(one.end(), found, found.begin());
            one.front().adopted = true;
            shared_.told.adopted(q.index, one.front().items);
            if (make_room(q, one.front(), true)) static_cast<void>(admit(q, one, true));
            else q.disk->remove(one.front());
        }
    }
    // Rejects what there is no room for.
    bool make_room(export_queue& q, const batch& b, bool on_disk) {
        batches gone;
        lock guard(shared_.mutex);
        if (shared_.stopping) return guard.unlock(), reject(q, b.items, loss::shutdown, failure::stopped, b.adopted);
        const bool room = q.queue.make_room(b, on_disk, gone);
        shared_.lose(q, gone, loss::queue_full, failure::queue_full, guard);
        return room || reject(q, b.items, loss::queue_full, failure::queue_full, b.adopted);
    }
    bool admit(export_queue& q, batches& one, bool has_room) {
        if (!has_room && !make_room(q, one.front(), false)) return false;
        const lock guard(shared_.mutex);
        one.front().came = steady::now();
        one.front().number = ++q.puts;
        if (one.front().on_disk()) q.forget(failure::spool);
        q.came(one.front().items, one.front().adopted);
        q.tally.waiting += one.front().items;
        q.queue.push(one);
        shared_.wake();
        return true;
    }
    bool reject(export_queue& q, std::uint64_t items, loss cause, failure kind, bool adopted = false) noexcept {
        lock guard(shared_.mutex);
        q.came(items, adopted);
        q.tally.lost[cause] += items;
        ++q.losses;
        const bool news = kind != failure::stopped && q.should_report(kind);
        guard.unlock();
        outcome o{.destination = q.index};
        o.lost[cause] = items;
        shared_.tell(q, o, news ? kind : failure::none);
        return false;
    }

    export_queues& shared_;
};

}  // namespace apm::inline APM_ABI::detail::delivery
