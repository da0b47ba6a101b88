// updown: a sum that grows and shrinks.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

#include <apm/config.hpp>
#include <apm/detail/root.hpp>
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

// A sum per series that may go down: requests in flight, money held. Unit, thread safety and cost are a counter's. Every thread
// keeps its own share, so one may add and another subtract; only the sum is exact. NaN, infinities and what an int64 does not
// hold are rejected and counted.
template <class S, class Labels, class Unit>
struct updown : row {
    static constexpr apm::kind instrument = kind::updown;
    using labels_type = Labels;
    using amount = detail::amount_of<Unit>;

    constexpr updown(row_list* schema, const char* row_name, const char* row_help, const row_options& given = {})
        : row(schema, kind::updown, row_name, row_help, detail::labels<Labels>::info, Unit::info, nullptr, given) {}

    // Adds `n`, in the row's unit, to the series of these labels; sub() subtracts it.
    template <mode M = APM_MODE>
    APM_INLINE void add(const amount& n, const Labels& at) const {
        if constexpr (M == mode::on) put(n, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void add(const amount& n) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) put(n, no_labels{});
    }
    template <mode M = APM_MODE>
    APM_INLINE void sub(const amount& n, const Labels& at) const {
        if constexpr (M == mode::on) take(n, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void sub(const amount& n) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) take(n, no_labels{});
    }

    // The series of these labels, looked up once: see metrics/handle.hpp.
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE constexpr handle<updown, M> with(const Labels& at) const {
        if constexpr (M == mode::on) return {detail::series_of<detail::description_of<S>>(*this, at)};
        else return {};
    }

    // Runs `f`, which returns a present amount, at every collection; its share of the sum ends with the returned object.
    template <mode M = APM_MODE, class F>
    APM_INLINE observation<F, M> observe(const Labels& at, F f) const {
        detail::check_callback<amount, F>();
        if constexpr (M == mode::on)
            return {*this, detail::series_of<detail::description_of<S>>(*this, at), static_cast<F&&>(f), add_change<F>,
                    withdraw<F>};
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

    // Integers in two's complement, where unsigned addition is signed addition.
    static constexpr auto kept(amount n) {
        if constexpr (Unit::info.kept_as == number::floating) return n.value;
        else return static_cast<std::uint64_t>(n.value);
    }
    // Otherwise the value is rejected.
    APM_INLINE static constexpr bool holds(amount n) {
        if constexpr (Unit::info.kept_as == number::floating) return detail::finite(n.value);
        else return n.value != detail::no_value;
    }
    template <class Where>
    APM_INLINE void put(const amount& n, const Where& where) const {
        if (!holds(n)) [[unlikely]] return detail::reject<what>(*this);
        detail::add_to<what, Labels>(*this, where, kept(n));
    }
    template <class Where>
    APM_INLINE void take(const amount& n, const Where& where) const {
        if (!holds(n)) [[unlikely]] return detail::reject<what>(*this);
        detail::add_to<what, Labels>(*this, where, static_cast<decltype(kept(n))>(0) - kept(n));
    }
    template <class F>
    [[APM_HIDDEN]] static void move_to(observation<F>& o, decltype(kept(std::declval<amount>())) now) {
        if (const auto g = detail::process_root().generation.load(); g != o.generation) o.generation = g, o.last = 0;  // forked
        const auto before = __builtin_bit_cast(decltype(now), o.last);
        o.last = __builtin_bit_cast(std::uint64_t, now);
        // Two additions: of reals, their difference would lose the small one of the two for good.
        detail::add_to<what, Labels>(*o.of, o.at, static_cast<decltype(now)>(0) - before);
        detail::add_to<what, Labels>(*o.of, o.at, now);
    }
    template <class F>
    [[APM_HIDDEN]] static void add_change(observation<F>& o) {
        o.ask([&o](const auto& now) {
            const amount n(now);
            if (!holds(n)) return detail::reject<what>(*o.of);
            move_to(o, kept(n));
        });
    }
    template <class F>
    [[APM_HIDDEN]] static void withdraw(observation<F>& o) { move_to(o, {}); }
};

}  // namespace apm::inline APM_ABI
