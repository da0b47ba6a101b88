// counter: a sum that only grows.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/amount.hpp>
#include <apm/metrics/description.hpp>
#include <apm/metrics/handle.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/observation.hpp>
#include <apm/metrics/recording.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI {

// A monotonic sum per series. Unit: an integer unit (default), a time, or a real unit such as apm::money<"USD">.
// Any thread, from before main until the process is gone; not a signal handler (an addition it interrupts may be lost).
// Cost with few closed labels: four instructions where they are constants; with open text a hash and a look-up, whose result
// with() keeps. A row with exemplars looks, at each record, whether there is a sampled span.
// A negative increment of integers does not compile, nor does a signed variable (cast it); of times and reals it is rejected
// and counted.
template <class S, class Labels, class Unit>
struct counter : row {
    static constexpr apm::kind instrument = kind::counter;
    using labels_type = Labels;
    using amount = std::conditional_t<Unit::info.kept_as == number::integer, unsigned_or_constant, detail::amount_of<Unit>>;

    constexpr counter(row_list* schema, const char* row_name, const char* row_help, const row_options& given = {})
        : row(schema, kind::counter, row_name, row_help, detail::labels<Labels>::info, Unit::info, nullptr, given) {}

    // Adds `n`, in the row's unit, to the series of these labels.
    template <mode M = APM_MODE>
    APM_INLINE void add(const amount& n, const Labels& at) const {
        if constexpr (M == mode::on) put(n, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void add(const amount& n) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) put(n, no_labels{});
    }

    // The series of these labels, looked up once: see metrics/handle.hpp.
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE constexpr handle<counter, M> with(const Labels& at) const {
        if constexpr (M == mode::on) return {detail::series_of<detail::description_of<S>>(*this, at)};
        else return {};
    }

    // Runs `f`, which returns the total so far, at every collection until the returned object is destroyed. What f has reported
    // stays counted; a total that shrinks is taken as a restart. Any thread may collect, and so run f; it may record, and must
    // not block.
    template <mode M = APM_MODE, class F>
    APM_INLINE observation<F, M> observe(const Labels& at, F f) const {
        detail::check_callback<amount, F>();
        if constexpr (M == mode::on)
            return {*this, detail::series_of<detail::description_of<S>>(*this, at), static_cast<F&&>(f), add_growth<F>, nullptr};
        else return {};
    }
    template <mode M = APM_MODE, class F>
    APM_INLINE observation<F, M> observe(F f) const requires std::same_as<Labels, no_labels> {
        return observe<M>(no_labels{}, static_cast<F&&>(f));
    }

private:
    template <class Row, mode M>
    friend class handle;
    static constexpr const detail::description& what = detail::description_of<S>;

    static constexpr auto kept(amount n) {
        if constexpr (Unit::info.kept_as == number::floating) return n.value;
        else return static_cast<std::uint64_t>(n.value);
    }
    // Otherwise the value is rejected.
    APM_INLINE static constexpr bool holds(amount n) {
        if constexpr (Unit::info.kept_as == number::floating) return n.value >= 0 && detail::finite(n.value);
        else if constexpr (Unit::info.kept_as == number::nanoseconds) return n.value >= 0;
        else return true;
    }
    template <class Where>
    APM_INLINE void put(const amount& n, const Where& where) const {
        if (!holds(n)) [[unlikely]] return detail::reject<what>(*this);
        detail::add_to<what, Labels>(*this, where, kept(n));
    }
    template <class F>
    [[APM_HIDDEN]] static void add_growth(observation<F>& o) {
        o.ask([&o](const auto& total) {
            const amount n(total);
            if (!holds(n)) return detail::reject<what>(*o.of);
            const auto now = kept(n);
            auto before = __builtin_bit_cast(decltype(kept(n)), o.last);
            if (now < before) before = 0;
            o.last = __builtin_bit_cast(std::uint64_t, now);
            detail::add_to<what, Labels>(*o.of, o.at, now - before);
        });
    }
};

}  // namespace apm::inline APM_ABI
