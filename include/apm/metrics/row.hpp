// A row: one metric of a schema, as data. The typed instruments (counter.hpp ...) derive from it; collecting reads it.
//
// Rows register themselves: each knows its predecessor and its first cell, all of it in constant evaluation, so that
// collecting walks a list and needs no template per schema.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/buckets.hpp>
#include <apm/config.hpp>
#include <apm/detail/store.hpp>
#include <apm/metrics/labels.hpp>
#include <apm/metrics/naming.hpp>
#include <apm/metrics/row_options.hpp>
#include <apm/row.hpp>
#include <apm/unit.hpp>

// A failed check calls one of these. They are never defined and never constexpr: the compiler prints the call, which names
// the rule, and the row's own arguments and line.
void apm_error_metric_name_must_match_a_z_0_9_underscore_dot(const char* row);
void apm_error_metric_help_is_empty_say_what_is_counted(const char* row);
void apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope(const char* row,
                                                                                                    const char* label);
void apm_error_two_labels_of_a_row_have_the_same_name_in_prometheus(const char* row, const char* label);
void apm_error_closed_labels_multiply_to_more_than_2_to_the_20_series_use_fewer_or_smaller_labels(const char* row);
void apm_error_series_limit_must_be_1_to_2_to_the_20(const char* row);
void apm_error_prometheus_name_must_match_a_z_A_Z_0_9_underscore(const char* row);
void apm_error_exemplars_are_for_counters_and_histograms(const char* row);

namespace apm::inline APM_ABI {

// Constant, and in constant memory: any thread may read it at any time.
struct row {
    const row* previous;
    const char* name;
    const char* help;
    const unit_info* unit;
    const labels_info* labels;
    const buckets_info* buckets;  // null unless a histogram
    row_options options;
    apm::kind kind;
    bool tabled;            // series are admitted to a table; else each has its cells from the start
    bool direct;            // not tabled, and no exemplars: a record is an addition to a cell and nothing else
    std::uint32_t width;    // cells per series: 1, or a histogram's buckets and its sum
    std::uint32_t first;    // its first cell
    std::uint32_t table;    // its table, where tabled
    std::uint32_t first_shared;  // of its exemplars, the first shared word: how often it was collected. Then the slots of
                                 // series 0, series 1, ...; of a tabled row: chunk 0, chunk 1, ...
    std::uint64_t hash;          // of the name

    // Cells of a dense row: series 0, series 1, ..., rejected. Of a tabled row: overflowed, rejected, chunk 0, chunk 1, ...
    [[nodiscard]] constexpr std::uint32_t dense_rejected() const {
        return first + static_cast<std::uint32_t>(labels->product) * width;
    }
    [[nodiscard]] constexpr std::uint32_t rejected_cell() const { return tabled ? first + 1 : dense_rejected(); }
    [[nodiscard]] constexpr std::uint32_t first_chunk() const { return first + 2; }
    [[nodiscard]] constexpr std::uint32_t chunks() const { return detail::chunk_of(options.limit) + 1; }
    [[nodiscard]] constexpr bool from_zero() const {
        return labels->texts == 0 && labels->product <= options.limit && (options.series == exported::from_zero ||
                                      (options.series == exported::automatic && labels->product <= few));
    }
    [[nodiscard]] constexpr std::uint32_t slots_per_series() const { return buckets ? buckets->count + 1 : 1; }
    [[nodiscard]] constexpr bool floating() const { return unit->kept_as == number::floating; }

    static constexpr std::uint32_t words(apm::kind k, const buckets_info* b) {
        return k == apm::kind::histogram ? b->count + 2 : 1;
    }
    static constexpr std::uint64_t few = 64;  // series
    static constexpr std::uint32_t slot_words = 6;
    // Dense where every series is closed, few and small: their cells lie in each thread's block, no look-up at all.
    static constexpr bool fits_densely(const labels_info& l, std::uint32_t width, const row_options& o) {
        return l.texts == 0 && l.product <= few && l.product * width <= 512 && l.product <= o.limit;
    }

    constexpr row(row_list* list, apm::kind k, const char* n, const char* h, const labels_info& l, const unit_info& u,
                  const buckets_info* b, const row_options& o)
        : previous(list->last), name(n), help(h), unit(&u), labels(&l), buckets(b), options(o), kind(k),
          tabled(!fits_densely(l, words(k, b), o)), direct(!tabled && !o.exemplars), width(words(k, b)), first(0), table(0),
          first_shared(0), hash(detail::fnv(detail::fnv_basis, n)) {
        check_row();
        std::uint32_t& cells = k == apm::kind::gauge ? list->shared : list->cells;
        first = cells;
        if (tabled) table = list->tables++, cells += 2 + chunks();
        else cells += static_cast<std::uint32_t>(l.product) * width + 1;
        if (o.exemplars) {
            first_shared = list->shared;
            list->shared += 1 + (tabled ? chunks() : static_cast<std::uint32_t>(l.product) * slots_per_series() * slot_words);
        }
        list->last = this;
        ++list->count;
        list->layout = detail::fnv_number(list->layout ^ hash, signature());
    }
    row(const row&) = delete;
    row& operator=(const row&) = delete;

private:
    constexpr void check_row() const {
        if (!detail::valid_metric_name(name)) apm_error_metric_name_must_match_a_z_0_9_underscore_dot(name);
        if (!help || !*help) apm_error_metric_help_is_empty_say_what_is_counted(name);
        if (options.prometheus_name && !detail::valid_prometheus_name(options.prometheus_name))
            apm_error_prometheus_name_must_match_a_z_A_Z_0_9_underscore(name);
        if (options.exemplars && kind != apm::kind::counter && kind != apm::kind::histogram)
            apm_error_exemplars_are_for_counters_and_histograms(name);
        if (options.limit < 1 || options.limit > detail::most_series) apm_error_series_limit_must_be_1_to_2_to_the_20(name);
        if (labels->product > detail::most_series)
            apm_error_closed_labels_multiply_to_more_than_2_to_the_20_series_use_fewer_or_smaller_labels(name);
        if (labels->sound) return;
        for (std::uint32_t i = 0; i < labels->count; ++i) {
            const char* label = labels->fields[i].name;
            check_label(name, label);
            for (std::uint32_t j = 0; j < i; ++j) check_labels(name, label, labels->fields[j].name);
        }
    }
    // Functions of their own, so that the compiler prints their arguments: which row, which label.
    static constexpr void check_label(const char* row, const char* label) {
        if (!detail::valid_label_name(label))
            apm_error_label_name_must_match_a_z_0_9_underscore_dot_and_not_be_le_quantile_or_otel_scope(row, label);
    }
    static constexpr void check_labels(const char* row, const char* label, const char* other) {
        if (detail::same_in_prometheus(label, other)) apm_error_two_labels_of_a_row_have_the_same_name_in_prometheus(row, label);
    }
    // What two builds of one schema must agree on to share cells.
    constexpr std::uint64_t signature() const {
        std::uint64_t s = static_cast<std::uint64_t>(kind) | static_cast<std::uint64_t>(width) << 8 |
                          static_cast<std::uint64_t>(unit->kept_as) << 24 | static_cast<std::uint64_t>(options.limit) << 32 |
                          std::uint64_t{options.exemplars} << 63;
        s = detail::fnv_number(detail::fnv(labels->signature, unit->ucum), s);
        if (kind == apm::kind::histogram) s = detail::fnv_number(s, buckets->signature);
        return s;
    }
};

}  // namespace apm::inline APM_ABI
