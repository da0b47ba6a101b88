// The one object of a schema, and the description that its store is made from.
#pragma once

#include <cstdint>
#include <type_traits>

#include <apm/config.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/zero_rows.hpp>
#include <apm/row.hpp>

namespace apm::inline APM_ABI::detail {

// The one object of schema S, in constant memory, and what its store is made from. Each module has its own copy; the store
// keeps the first that came.
template <class S>
[[APM_HIDDEN]] inline constexpr S instance{};
template <class S>
[[APM_HIDDEN]] inline constexpr const row_list& rows_of = instance<S>;  // by its base: a row of S may well be called `count`
// Where a row was rejected, with an error, the object is no constant: then nothing else looks at it, lest that be a dozen errors.
template <class S>
concept accepted = requires { typename std::integral_constant<std::uint32_t, rows_of<S>.count>; };
template <class S>
extern const S rejected;  // stands for it; not defined
template <class S>
consteval description describe() {
    if constexpr (accepted<S>)
        return {S::scope.name,     S::scope.version,  S::scope.schema_url, rows_of<S>.layout, rows_of<S>.cells,
                rows_of<S>.shared, rows_of<S>.tables, rows_of<S>.last,     zero_rows};
    else return {};
}
template <class S>
[[APM_HIDDEN]] inline constexpr description description_of = describe<S>();

}  // namespace apm::inline APM_ABI::detail
