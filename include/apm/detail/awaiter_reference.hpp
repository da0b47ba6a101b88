// An awaiter by reference, as a value: g++ 12 copies what a function returns by reference where it is awaited.
#pragma once

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

template <class A>
struct awaiter_reference {
    A& to;
    decltype(auto) await_ready() { return to.await_ready(); }
    template <class Handle>
    decltype(auto) await_suspend(Handle h) { return to.await_suspend(h); }
    decltype(auto) await_resume() { return to.await_resume(); }
};

}  // namespace apm::inline APM_ABI::detail
