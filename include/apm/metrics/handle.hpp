// handle: one series of a row, looked up once.
#pragma once

#include <apm/config.hpp>
#include <apm/metrics/row.hpp>
#include <apm/metrics/series.hpp>

namespace apm::inline APM_ABI {

// What with() returns: one series of a row, looked up once. A value to keep and copy, valid in every thread, for good, and in a
// forked child. with() admits the series at once, which then counts toward the row's limit; beyond the limit it is the overflow
// series, and stays so. Cost: that of a row with few closed labels, and a comparison; open text is not looked up again.
template <class Row, mode M>
class handle {
public:
    using amount = typename Row::amount;

    APM_INLINE void add(const amount& n) const requires(is_sum(Row::instrument)) { row().put(n, at); }
    APM_INLINE void sub(const amount& n) const requires(Row::instrument == kind::updown) { row().take(n, at); }
    APM_INLINE void set(const amount& v) const requires(Row::instrument == kind::gauge) { row().put(v, at); }
    APM_INLINE void record(const amount& v) const requires(Row::instrument == kind::histogram) { row().put(v, at); }

private:
    friend Row;
    APM_INLINE constexpr handle(const detail::series& s) : at(s) {}
    APM_INLINE const Row& row() const { return static_cast<const Row&>(*at.of); }
    detail::series at;
};
template <class Row>
class handle<Row, mode::off> {
public:
    using amount = typename Row::amount;

    APM_INLINE void add(const amount&) const requires(is_sum(Row::instrument)) {}
    APM_INLINE void sub(const amount&) const requires(Row::instrument == kind::updown) {}
    APM_INLINE void set(const amount&) const requires(Row::instrument == kind::gauge) {}
    APM_INLINE void record(const amount&) const requires(Row::instrument == kind::histogram) {}

private:
    friend Row;
    APM_INLINE constexpr handle() = default;
};

}  // namespace apm::inline APM_ABI
