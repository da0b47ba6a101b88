// What throws is turned into words: what is called here must not end the program.
#pragma once

#include <exception>
#include <new>
#include <string>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// What the call returns, or that it threw, and what.
template <class Call>
APM_CLEANS_UP std::string guarded(Call&& call) {
#if defined(__cpp_exceptions)
    try {
        return call();
    } catch (const std::bad_alloc&) {
        return "no memory";  // short: a text that needs memory would throw once more
    } catch (const std::exception& e) {
        try {
            return std::string("threw: ") + e.what();
        } catch (...) {
            return "threw";
        }
    } catch (...) {
        return "threw";
    }
#else
    return call();
#endif
}

}  // namespace apm::inline APM_ABI::detail
