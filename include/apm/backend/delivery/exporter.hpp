// Delivers batches of telemetry by HTTP: each is put into the bounded export queue of its destination, and sent by a thread of
// the exporter's own, again and again where that is worth it. The thread that puts never waits for the network. What is sent, and
// how the reply is read, is the protocol's (protocol.hpp).
//
//     put() --> export queue, in memory or on disk --> sender: one transfer at a time per destination --> delivered | lost
//
// A forked child has an exporter of its own behind the same object: with nothing of what the parent had, and with a thread that
// begins when the child first puts something. It touches neither connections nor locks of the parent's.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/export_queues.hpp>
#include <apm/backend/delivery/outbox.hpp>
#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/delivery/sender.hpp>
#include <apm/config.hpp>
#include <apm/detail/guarded.hpp>
#include <apm/detail/own_thread.hpp>

namespace apm::inline APM_ABI::detail::delivery {

class exporter {
public:
    explicit exporter(std::vector<destination> to, observer told = {})
        : to_(std::make_shared<const std::vector<destination>>(std::move(to))), told_(std::move(told)),
          here_(new process(to_, told_)) {}
    exporter(const exporter&) = delete;
    exporter& operator=(const exporter&) = delete;
    // Does not wait: what is not delivered is lost, unless it is spooled.
    ~exporter() {
        process* const p = here_.load();
        if (p->id != getpid()) return;  // the parent's: neither joined nor freed
        static_cast<void>(p->stop(steady::now()));
        delete p;
    }

    // Adopts what the spool has, and starts the thread. An error where that is not possible, or it was stopped. Not while
    // another thread puts.
    error start() {
        return guarded([this] { return here().start(); });
    }

    // Takes a body that is not compressed, with so many items; false, and counted as lost, where it is rejected. Never waits for
    // the network; compresses, and writes to the spool where there is one. One thread at a time. Before start() it waits.
    bool put(std::size_t destination, std::string&& body, std::uint64_t items) {
        bool taken = false;
        static_cast<void>(guarded([&] {
            process& p = here();
            p.start_in_child();
            taken = p.out.put(destination, std::move(body), items);
            return error{};
        }));
        return taken;
    }

    // Tries what waits at once, whatever pause it is in; true when all of it was delivered by then. False at once where nothing
    // is at the other end, and where something was lost since the last time it returned. Any thread.
    bool flush(deadline by) {
        bool delivered = false;
        static_cast<void>(guarded([&] { return delivered = here().out.flush(clamped(by)), error{}; }));
        return delivered;
    }

    // The last attempts, until then; where nothing is at the other end, one. What is left is lost, and said, unless it is
    // spooled. Returns at the latest a tenth of a second after that. Any thread; the second time there is nothing to do.
    error stop(deadline by) {
        return guarded([&] { return here().stop(clamped(by)); });
    }

    // Of this process. Any thread.
    [[nodiscard]] totals count(std::size_t destination) const { return here().out.count(destination); }

private:
    enum class phase { fresh, begun, ending, ended };

    // What belongs to one process. Its children never touch it.
    struct process {
        const pid_t id = getpid();
        const std::shared_ptr<export_queues> queues;
        outbox out;
        std::mutex control;  // of the two below
        std::unique_ptr<std::thread> thread;
        std::atomic<phase> state{phase::fresh};
        bool wanted = false;  // in a child: the parent had begun

        process(const std::shared_ptr<const std::vector<destination>>& to, const observer& told)
            : queues(std::make_shared<export_queues>(to, told)), out(*queues) {}

        error start() {
            const std::lock_guard guard(control);
            if (state == phase::begun) return "is running already";
            if (state != phase::fresh) return "was stopped, and is not started again";
            const auto sends = std::make_shared<sender>(queues);
            if (error failed = sends->open(); !failed.empty()) return failed;
            out.adopt();
            const char* const name = queues->to->empty() ? plain_http.thread_name : queues->to->front().protocol->thread_name;
            const error failed = start_thread(thread, name, [sends] { sends->run(); });
            if (!failed.empty()) return "no thread: " + failed;
            state = phase::begun;
            return {};
        }
        void start_in_child() {
            if (wanted && state == phase::fresh) wanted = start().empty();
        }
        error stop(deadline by) {
            std::unique_lock guard(control);
            const phase was = state;
            state = was == phase::begun || was == phase::ending ? phase::ending : phase::ended;
            const std::unique_ptr<std::thread> mine = std::move(thread);
            guard.unlock();
            if (was == phase::fresh) return out.abandon(), out.final_error();
            if (was == phase::ended) return {};
            if (mine) out.stop(by);
            const bool ended = out.wait_for_end(by + grace);
            if (!mine) return {};
            if (ended) mine->join();
            else out.abandon(), mine->detach();
            state = phase::ended;
            return out.final_error();
        }
    };
    static constexpr std::chrono::milliseconds grace{50};  // for a thread that only has to close its connections

    // A moment that can be waited for: neither past, nor so far off that clocks overflow.
    static deadline clamped(deadline by) {
        const auto now = steady::now();
        return std::clamp<deadline>(by, now, now + std::chrono::hours(24 * 365));
    }
    process& here() const {
        process* p = here_.load(std::memory_order_acquire);
        if (p->id == getpid()) return *p;
        // A forked child. Two of its threads may come here at once; the parent's locks are of no use.
        auto fresh = std::make_unique<process>(to_, told_);
        const phase parents = p->state;
        fresh->wanted = parents == phase::begun;
        if (parents == phase::ending || parents == phase::ended) static_cast<void>(fresh->stop(steady::now()));
        process* const inherited = p;
        if (!here_.compare_exchange_strong(p, fresh.get())) return *p;
        inherited->out.forget();
        return *fresh.release();
    }
    const std::shared_ptr<const std::vector<destination>> to_;
    const observer told_;
    mutable std::atomic<process*> here_;
};

}  // namespace apm::inline APM_ABI::detail::delivery
