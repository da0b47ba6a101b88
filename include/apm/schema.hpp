// A schema: a struct whose members are its rows.
//
//     struct Schema : apm::schema<Schema> {
//         static constexpr apm::scope scope{.name = "shop", .version = "1.4.0"};
//         counter<Order> orders{this, "shop.orders", "Orders placed"};
//     };
//     inline constexpr auto& telemetry = apm::instruments<Schema>;
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/counter.hpp>
#include <apm/detail/hash.hpp>
#include <apm/gauge.hpp>
#include <apm/histogram.hpp>
#include <apm/metrics/description.hpp>
#include <apm/metrics/naming.hpp>
#include <apm/metrics/row.hpp>
#include <apm/row.hpp>
#include <apm/span.hpp>
#include <apm/updown.hpp>

// See metrics/row.hpp: named in the compiler's message, never defined.
void apm_error_duplicate_metric_name_in_schema_rename_one(const char* row, const char* other);
void apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name(const char* row, const char* other);
void apm_error_scope_name_is_empty_name_the_library_or_program(const char* name);

namespace apm::inline APM_ABI {

// The base of every schema. S declares a `static constexpr apm::scope scope`, and rows by the names below. Objects exist in
// constant memory only; the one to use is apm::instruments<S>.
template <class S>
struct schema : row_list {
    template <class Labels = no_labels, class Unit = apm::count>
    using counter = apm::counter<S, Labels, Unit>;
    template <class Labels = no_labels, class Unit = apm::count>
    using updown = apm::updown<S, Labels, Unit>;
    template <class Labels = no_labels, class Unit = apm::count>
    using gauge = apm::gauge<S, Labels, Unit>;
    template <class Labels, class Unit, class Buckets>
    using histogram = apm::histogram<S, Labels, Unit, Buckets>;
    template <class Attributes = no_attributes, class... Options>
    using span = apm::span<S, Attributes, Options...>;
};

namespace detail {

// What a row's samples, and its family, are called in Prometheus: at most four names, which begin with the family's.
struct suffixes {
    const char* of[4] = {""};
    std::uint32_t count = 1;

    constexpr explicit suffixes(kind k) {
        if (k == kind::counter) of[count++] = "_total";
        if (k == kind::histogram) of[1] = "_bucket", of[2] = "_count", of[3] = "_sum", count = 4;
    }
};
constexpr void put_family(name_buffer& b, const row& r) {
    put_family(b, r.name, r.options.prometheus_name, r.unit->ucum, r.kind, r.floating());
}
struct sample_names {
    name_buffer name[4];
    std::uint32_t count;

    constexpr explicit sample_names(const row& r) {
        const suffixes all(r.kind);
        for (count = 0; count < all.count; ++count) put_family(name[count], r), name[count].put_exactly(all.of[count]);
    }
};

constexpr bool share_a_sample(const row& a, const row& b) {
    sample_names x(a), y(b);
    for (std::uint32_t i = 0; i < x.count; ++i)
        for (std::uint32_t j = 0; j < y.count; ++j)
            if (equal(x.name[i].c_str(), y.name[j].c_str())) return true;
    return false;
}

struct clash {
    enum { none, duplicate, collision } kind = none;
    const char* row = "";
    const char* other = "";
};

// Looks across rows, once per schema: a hash set of every sample name, names compared only where hashes are equal.
template <class S>
consteval clash find_clash() {
    constexpr std::uint32_t room = [] {  // twice as many as there are names, or more
        std::uint32_t names = 8;
        const row* r = rows_of<S>.last;
        for (std::uint32_t left = rows_of<S>.count; left > 0; --left, r = r->previous) names += suffixes(r->kind).count;
        std::uint32_t n = 16;
        while (n < names * 2) n *= 2;
        return n;
    }();
    struct entry {
        std::uint64_t hash = 0;
        const row* owner = nullptr;
        bool taken = false;  // gcc's sanitizers cannot compare a row's address with null in constant evaluation
    } seen[room];
    name_buffer family;  // one for all: to make one costs more than to fill it
    const row* r = rows_of<S>.last;
    for (std::uint32_t left = rows_of<S>.count; left > 0; --left, r = r->previous) {
        family.size = 0;
        put_family(family, *r);
        std::uint64_t begun = fnv_basis;  // of the name so far, whatever is put behind it
        for (std::size_t i = 0; i < family.size; ++i) begun = fnv(begun, family.text[i]);
        const suffixes all(r->kind);
        for (std::uint32_t n = 0; n < all.count; ++n) {
            const std::uint64_t hash = fnv(begun, all.of[n]);
            std::uint64_t i = hash % room;
            for (; seen[i].taken; i = (i + 1) % room) {
                if (seen[i].hash != hash || seen[i].owner == r) continue;
                const row& other = *seen[i].owner;
                if (equal(r->name, other.name)) return {clash::duplicate, r->name, other.name};
                if (share_a_sample(*r, other)) return {clash::collision, r->name, other.name};
            }
            seen[i] = {hash, r, true};
        }
    }
    return {};
}

// Both names are given twice, to be printed: gcc prints the arguments of a template, clang those of a call.
struct quoted {
    char text[256]{};
    consteval explicit quoted(const char* s) {
        for (std::size_t i = 0; s[i]; ++i) text[i] = s[i];
    }
};
template <quoted, quoted>
consteval bool reject_duplicate(const char* row, const char* other) {
    if (row) apm_error_duplicate_metric_name_in_schema_rename_one(row, other);
    return false;
}
template <quoted, quoted>
consteval bool reject_collision(const char* row, const char* other) {
    if (row) apm_error_names_collide_in_prometheus_rename_one_or_give_it_a_prometheus_name(row, other);
    return false;
}

template <class S>
consteval bool is_sound() {
    if (!*S::scope.name) apm_error_scope_name_is_empty_name_the_library_or_program(S::scope.name);
    constexpr clash c = find_clash<S>();
    if constexpr (c.kind == clash::duplicate) return reject_duplicate<quoted(c.row), quoted(c.other)>(c.row, c.other);
    if constexpr (c.kind == clash::collision) return reject_collision<quoted(c.row), quoted(c.other)>(c.row, c.other);
    return true;
}

template <class S>
consteval const S& verified() {
    if constexpr (accepted<S>) {
        static_assert(is_sound<S>());
        return instance<S>;
    } else {
        return rejected<S>;
    }
}

}  // namespace detail

// The rows of schema S, ready to record. The same object in every file; constant, so that recording knows each row's place
// when it is compiled.
template <class S>
[[APM_HIDDEN]] inline constexpr const S& instruments = detail::verified<S>();

}  // namespace apm::inline APM_ABI
