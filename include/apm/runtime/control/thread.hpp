// The thread that looks at the control file and asks for remote strategies: only where there is one or the other.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/detail/guarded.hpp>
#include <apm/detail/own_thread.hpp>
#include <apm/detail/root.hpp>
#include <apm/runtime/control/file.hpp>
#include <apm/runtime/control/remote_source.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/sampling.hpp>

namespace apm::inline APM_ABI::detail {

class control_thread {
public:
    using clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds pace{400};  // at which the file is looked at

    // Looks at the file once before it returns. `start`: what a key without a value goes back to.
    control_thread(std::string_view file, const remote_sampling& remote, std::string_view service,
                   const otlp_options& proxies, const control::state& start)
        : state_(std::make_shared<state>()) {
        if (!file.empty()) state_->file.emplace(std::string(file), start).look();
        if (!remote.endpoint.empty()) ask(remote, service, proxies);
        if (!state_->works()) return;
        const error failed = start_thread(thread_, "apm-control", [s = state_] { run(*s); });
        if (!failed.empty()) report("sampling does not change while the program runs, for want of a thread: %s", failed.c_str());
    }
    control_thread(const control_thread&) = delete;
    control_thread& operator=(const control_thread&) = delete;
    // Ends within a moment, whatever it was doing; what the file said goes with it.
    ~control_thread() {
        if (abandoned_) return;
        if (thread_) end();
        const error failed = guarded([this] {
            if (state_->file) state_->file->restore_start();  // the file is not read any more
            return error{};
        });
        if (!failed.empty()) report("what the control file said still holds: letting it go %s", failed.c_str());
    }
    // In a forked child, where the thread is not: its state is left as it was.
    void abandon() {
        abandoned_ = true;
        static_cast<void>(thread_.release());
    }

private:
    struct state {
        std::mutex mutex;
        std::condition_variable changed;
        std::atomic<bool> stopping{false};
        std::optional<control_file> file;
        std::unique_ptr<remote_source> remote;
        [[nodiscard]] bool works() const { return file || remote; }
    };

    void ask(const remote_sampling& remote, std::string_view service, const otlp_options& proxies) {
        state_->remote = open_remote_source(remote, service, proxies);
        if (!state_->remote)
            return report("remote sampling from %s needs a build with OTLP (APM_BACKEND_OTLP), which has libcurl; the initial "
                          "rate holds", url_without_secrets(remote.endpoint).c_str());
        const error failed = state_->remote->open();
        if (failed.empty()) return;
        state_->remote.reset();
        report("remote sampling: %s", failed.c_str());
    }
    void end() {
        {
            const std::lock_guard guard(state_->mutex);
            state_->stopping = true;
        }
        state_->changed.notify_all();
        if (state_->remote) state_->remote->wake();
        thread_->join();
    }
    static void run(state& s) {
        for (auto look = clock::now() + pace; !s.stopping;) {
            const error failed = guarded([&] {
                if (s.file && clock::now() >= look) look = clock::now() + pace, s.file->look();
                if (s.remote) s.remote->go_on();
                return error{};
            });
            if (!failed.empty()) look = clock::now() + pace;  // no memory; there may be some later
            sleep(s, look);
        }
    }
    static void sleep(state& s, clock::time_point look) {
        auto until = s.file ? look : clock::now() + std::chrono::hours(1);
        if (s.remote && s.remote->busy()) return s.remote->wait(until);
        if (s.remote) until = (std::min)(until, s.remote->due());
        std::unique_lock guard(s.mutex);
        s.changed.wait_until(guard, until, [&s] { return s.stopping.load(); });
    }

    std::shared_ptr<state> state_;
    std::unique_ptr<std::thread> thread_;
    bool abandoned_ = false;
};

}  // namespace apm::inline APM_ABI::detail
