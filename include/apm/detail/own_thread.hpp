// A thread of the library's own, in the user's program.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <pthread.h>
#include <signal.h>

#include <apm/config.hpp>
#include <apm/detail/guarded.hpp>

namespace apm::inline APM_ABI::detail {

// Starts it; what is wrong where there is none. Signals are the program's: none is delivered to this thread, or to one that it
// starts. The name is what `top -H` shows, up to 15 characters.
template <class Run>
std::string start_thread(std::unique_ptr<std::thread>& thread, const char* name, Run&& run) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const std::string failed = guarded([&] {
        thread = std::make_unique<std::thread>(std::forward<Run>(run));
        pthread_setname_np(thread->native_handle(), name);
        return std::string();
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return failed;
}

}  // namespace apm::inline APM_ABI::detail
