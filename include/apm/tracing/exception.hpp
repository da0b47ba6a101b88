// What is known of an exception: its message and its type.
#pragma once

#include <concepts>

#include <cxxabi.h>
#include <stdlib.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// std::exception and what is derived from it, and types of other libraries that are like it.
template <class E>
concept an_exception = requires(const E& e) {
    { e.what() } -> std::convertible_to<const char*>;
};

// A type's name as a program spells it, or as the compiler does where there is no memory to translate it.
class type_name {
public:
    explicit type_name(const char* mangled)
        : mangled_(mangled), demangled_(*mangled ? abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr) : nullptr) {}
    type_name(const type_name&) = delete;
    type_name& operator=(const type_name&) = delete;
    ~type_name() { free(demangled_); }
    [[nodiscard]] const char* get() const { return demangled_ ? demangled_ : mangled_; }

private:
    const char* mangled_;
    char* demangled_;
};

}  // namespace apm::inline APM_ABI::detail
