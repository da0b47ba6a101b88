// The export queues of all destinations: the program's threads fill them (outbox.hpp), the sending thread empties them
// (sender.hpp), and both tell what became of a batch.
#pragma once

#include <chrono>
#include <condition_variable>
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
#include <apm/backend/delivery/export_queue.hpp>
#include <apm/backend/delivery/notifier.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/config.hpp>
#include <apm/detail/file_descriptor.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Owned by the exporter and by its thread, whichever lasts longer.
struct export_queues {
    using lock = std::unique_lock<std::mutex>;

    export_queues(std::shared_ptr<const std::vector<destination>> destinations, observer told_)
        : to(std::move(destinations)), told(std::move(told_)) {
        for (const destination& d : *to) all.push_back(std::make_unique<export_queue>(d, all.size()));
    }
    export_queues(const export_queues&) = delete;
    export_queues& operator=(const export_queues&) = delete;

    const std::shared_ptr<const std::vector<destination>> to;
    notifier told;
    file_descriptor woken{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};  // on which the sending thread sleeps

    mutable std::mutex mutex;  // of what follows
    std::condition_variable changed;
    std::vector<std::unique_ptr<export_queue>> all;
    bool stopping = false, abandoned = false, ended = false;  // nothing is taken; nothing is counted; the sending thread is gone
    deadline stop_by{};
    unsigned flushing = 0;   // calls of flush() that wait
    error final_error;        // items that are lost at the end

    void wake() noexcept {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = write(woken.get(), &one, sizeof one);
    }

    // Without the mutex.
    void tell(const export_queue& q, const outcome& o, failure news, const reply& r = {},
              const std::string& message = {}) noexcept {
        told.finished(o);
        try {
            told.say(explain(q.to, r, news, message));
        } catch (...) {
        }
    }
    void tell_of_spool(export_queue& q, std::string_view what, int failed, std::string_view then) noexcept {
        lock guard(mutex);
        const bool news = q.should_report(failure::spool);
        guard.unlock();
        try {
            if (news) told.say(explain(q.to, {}, failure::spool, q.disk->because(what, failed, then)));
        } catch (...) {
        }
    }
    // Counts batches that were removed from the queue as lost. Unlocks the mutex.
    void lose(export_queue& q, batches& gone, loss cause, failure kind, lock& guard) {
        outcome o{.destination = q.index};
        for (const batch& b : gone) q.lost_waiting(b, cause), o.lost[cause] += b.items;
        const bool news = !gone.empty() && q.should_report(kind);
        if (!gone.empty()) changed.notify_all();
        guard.unlock();
        for (const batch& b : gone)
            if (b.on_disk()) q.disk->remove(b);
        if (!gone.empty()) tell(q, o, news ? kind : failure::none);
    }
    // At the end, what was not sent is lost, unless it is on disk. `stuck`: the sending thread may still be in a transfer.
    void account_for_the_rest(bool stuck) noexcept {
        for (const auto& one : all) {
            export_queue& q = *one;
            outcome o{.destination = q.index};
            batches gone;
            {
                const lock guard(mutex);
                if (q.sending) {
                    const batch& b = q.flight.front();
                    if (b.on_disk()) q.tally.in_flight -= b.items, q.tally.waiting += b.items;
                    else q.lost_in_flight(loss::shutdown), o.lost[loss::shutdown] += b.items;
                    q.sending = false;
                }
                q.queue.take_memory(gone);
                for (const batch& b : gone) q.lost_waiting(b, loss::shutdown), o.lost[loss::shutdown] += b.items;
            }
            if (!o.lost.all()) continue;
            stuck ? told.finished_unless_busy(o) : told.finished(o);  // it may be the observer itself that it is stuck in
            try {
                const lock guard(mutex);
                final_error += (final_error.empty() ? "" : "; ") + q.to.name + ": " + std::to_string(o.lost.all()) + ' ' +
                              q.to.items + " were not delivered to " + parsed_url_without_secrets(q.to.url) + " and are lost";
            } catch (...) {
            }
        }
    }
};

}  // namespace apm::inline APM_ABI::detail::delivery
