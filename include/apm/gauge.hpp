// gauge: a value that is what it was last set to.
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
#include <apm/metrics/unset.hpp>
#include <apm/unit.hpp>

namespace apm::inline APM_ABI {

// The last value set, by any thread, per series; a series that was never set is not exported. Unit: integers, a time or a real
// unit. Any thread; one relaxed store to a shared word, behind the look-up of labels that a counter has. Use an updown where
// several threads contribute to one number. Times and integers that an int64 does not hold are rejected and counted; a gauge of
// reals keeps NaN and infinities.
template <class S, class Labels, class Unit>
struct gauge : row {
    static constexpr apm::kind instrument = kind::gauge;
    using labels_type = Labels;
    using amount = detail::amount_of<Unit>;

    constexpr gauge(row_list* schema, const char* row_name, const char* row_help, const row_options& given = {})
        : row(schema, kind::gauge, row_name, row_help, detail::labels<Labels>::info, Unit::info, nullptr, given) {}

    // Sets the series of these labels to `v`, in the row's unit.
    template <mode M = APM_MODE>
    APM_INLINE void set(const amount& v, const Labels& at) const {
        if constexpr (M == mode::on) put(v, at);
    }
    template <mode M = APM_MODE>
    APM_INLINE void set(const amount& v) const requires std::same_as<Labels, no_labels> {
        if constexpr (M == mode::on) put(v, no_labels{});
    }

    // The series of these labels, looked up once: see metrics/handle.hpp.
    template <mode M = APM_MODE>
    [[nodiscard]] APM_INLINE constexpr handle<gauge, M> with(const Labels& at) const {
        if constexpr (M == mode::on) return {detail::series_of<detail::description_of<S>>(*this, at)};
        else return {};
    }

    // Runs `f` at every collection until the returned object is destroyed, which also unsets the series. An f that returns
    // nothing sets whatever it likes itself, and what it has set stays. f may record; it must not block.
    template <mode M = APM_MODE, class F>
    APM_INLINE observation<F, M> observe(const Labels& at, F f) const {
        if constexpr (!std::is_void_v<std::invoke_result_t<F&>>) detail::check_callback<amount, F>();
        if constexpr (M == mode::on)
            return {*this, detail::series_of<detail::description_of<S>>(*this, at), static_cast<F&&>(f), set_now<F>, forget<F>};
        else return {};
    }
    template <mode M = APM_MODE, class F>
    APM_INLINE observation<F, M> observe(F f) const
        requires(std::same_as<Labels, no_labels> || std::is_void_v<std::invoke_result_t<F&>>)
    {
        if constexpr (std::same_as<Labels, no_labels>) return observe<M>(no_labels{}, static_cast<F&&>(f));
        else if constexpr (M == mode::on)
            return {*this, detail::series{this, 0, detail::series::dense}, static_cast<F&&>(f),
                    [](observation<F>& o) { o.callback(); }, nullptr};
        else return {};
    }

private:
    template <class Row, mode M>
    friend class handle;
    static constexpr const detail::description& what = detail::description_of<S>;

    APM_INLINE static constexpr std::uint64_t kept(amount v) {
        return __builtin_bit_cast(std::uint64_t, v.value) ^ detail::unset<Unit>;
    }
    APM_COLD static void put_first(std::uint32_t cell, std::uint64_t v) {
        if (auto* s = detail::store_of<what>()) s->shared[cell].store(v);
        else detail::count_lost_record();
    }
    APM_INLINE static void put_dense(std::uint32_t cell, std::uint64_t v) {
        if (auto* s = detail::home<what>.template pointer_acquire<detail::store>()) [[likely]] s->shared[cell].store(v);
        else put_first(cell, v);
    }
    // Otherwise the value is rejected.
    APM_INLINE static constexpr bool holds(amount v) {
        if constexpr (Unit::info.kept_as != number::floating) return v.value != detail::no_value;
        else return true;
    }
    APM_INLINE void put(const amount& v, const Labels& at) const {
        if (!holds(v)) [[unlikely]] return detail::reject<what>(*this);
        if constexpr (detail::few_series<Labels>) {
            if (!this->tabled) [[likely]] return put_dense(this->first + detail::labels<Labels>::index(at), kept(v));
        }
        const auto key = detail::labels<Labels>::key_of(at);
        if (const auto p = detail::place_of_key<what>(*this, key.view()); p.at) p.at->store(kept(v));
    }
    APM_INLINE void put(const amount& v, const detail::series& at) const {
        if (!holds(v)) [[unlikely]] return detail::reject<what>(*this);
        if (at.offset == detail::series::dense) [[likely]] return put_dense(at.cell, kept(v));
        if (const auto p = detail::place_of<what>(at); p.at) p.at->store(kept(v));
    }
    template <class F>
    [[APM_HIDDEN]] static void set_now(observation<F>& o) {
        if constexpr (std::is_void_v<std::invoke_result_t<F&>>) o.callback();
        else o.ask([&o](const auto& now) { static_cast<const gauge*>(o.of)->put(amount(now), o.at); });
    }
    template <class F>
    [[APM_HIDDEN]] static void forget(observation<F>& o) {
        if (o.at.offset == detail::series::slow_path) return;  // which other labels share
        if constexpr (!std::is_void_v<std::invoke_result_t<F&>>)
            if (const auto p = detail::place_of<what>(o.at); p.at) p.at->store(0);
    }
};

}  // namespace apm::inline APM_ABI
