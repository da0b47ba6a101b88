// What observe() returns: a callback that collecting runs, for as long as its owner keeps the object.
#pragma once

#include <concepts>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/observer.hpp>
#include <apm/detail/root.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series.hpp>

namespace apm::inline APM_ABI {

namespace detail {

template <class Call>
APM_CLEANS_UP void call_safely(const char* name, Call&& call) {
#if defined(__cpp_exceptions)
    try {
        call();
    } catch (...) {
        report("a callback that observes \"%s\" threw; its value is left out of this collection", name);
    }
#else
    static_cast<void>(name);
    call();
#endif
}

}  // namespace detail

// What observe() returns: the callback runs at every collection until this object is destroyed, and not after; the destructor
// waits for a call in progress. It runs in the thread that collects (with a runtime: a server's, or the one that pushes), so
// what it reads must be safe to read there. Neither copied nor moved.
template <class F, mode M = mode::on>
class [[nodiscard]] observation : detail::observer {
public:
    using deliver = void (*)(observation&);

    observation(const row& r, detail::series s, F f, deliver d, deliver end)
        : detail::observer([](detail::observer& o) { static_cast<observation&>(o).run(); }),
          callback(static_cast<F&&>(f)), of(&r), at(s), deliver_(d), end_(end) {
        detail::expect_forks(detail::process_root());
        enlist();
    }
    ~observation() {
        remove();
        if (end_) end_(*this);
    }

    // Calls the callback, then use(what it returned); not if the callback ended this very registration, which is gone then.
    template <class Use>
    void ask(Use&& use) {
        const bool& gone = *destroyed;  // in the collection's frame: it outlives this object
        const auto value = callback();
        if (!gone) use(value);
    }

    F callback;
    const row* of;
    detail::series at;
    std::uint64_t last = 0;  // what was added so far, for counters and updowns
    std::uint64_t generation = detail::process_root().generation.load();  // the process in which it was added

private:
    void run() {
        detail::call_safely(of->name, [this] { deliver_(*this); });
    }
    deliver deliver_;
    deliver end_;
};
template <class F>
class [[nodiscard]] observation<F, mode::off> {
public:
    constexpr observation() = default;
    observation(const observation&) = delete;
    observation& operator=(const observation&) = delete;
    APM_INLINE constexpr ~observation() {}  // not trivial: no "unused variable" where the other mode has none
};

}  // namespace apm::inline APM_ABI
