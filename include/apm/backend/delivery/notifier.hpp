// Tells the observer: by one call at a time, and by none once it is silenced. What the observer throws is ignored.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include <apm/backend/delivery/outcome.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Any thread.
class notifier {
public:
    explicit notifier(observer told) : told_(std::move(told)) {}

    void adopted(std::size_t destination, std::uint64_t items) noexcept { call(told_.adopted, destination, items); }
    void finished(const outcome& o) noexcept { call(told_.finished, o); }
    void say(const std::string& line) noexcept {
        if (!line.empty()) call(told_.say, line);
    }
    // The same, but not where the observer is being told at this moment: that call may be stuck.
    void finished_unless_busy(const outcome& o) noexcept {
        const std::unique_lock guard(one_, std::try_to_lock);
        if (guard) call_alone(told_.finished, o);
    }

    // A call that goes on is waited for, a hundredth of a second at most.
    void silence() {
        silent_ = true;
        std::unique_lock guard(one_, std::try_to_lock);
        for (const auto end = clock::now() + std::chrono::milliseconds(10); !guard && clock::now() < end;) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
            static_cast<void>(guard.try_lock());
        }
    }

private:
    using clock = std::chrono::steady_clock;

    template <class Function, class... Arguments>
    void call(const Function& f, const Arguments&... arguments) noexcept {
        const std::lock_guard guard(one_);
        call_alone(f, arguments...);
    }
    template <class Function, class... Arguments>
    void call_alone(const Function& f, const Arguments&... arguments) noexcept {
        try {
            if (!silent_ && f) f(arguments...);
        } catch (...) {
        }
    }

    const observer told_;
    std::mutex one_;
    std::atomic<bool> silent_{false};
};

}  // namespace apm::inline APM_ABI::detail::delivery
