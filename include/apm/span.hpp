// span: a row of a schema, and the scopes that record it.
//
//     span<Checkout>                                             checkout{this, "checkout", "One checkout"};
//     span<Query, apm::client, apm::level<2>, apm::measured>     query{this, "query", "One query of the database"};
//
//     TRACE_SCOPE(shop::telemetry.checkout, {.order_id = 7});          // from here to the end of this scope
//     auto scope = shop::telemetry.checkout.scope({.order_id = 7});    // the same, with a name:
//     scope.set<&Checkout::coupon>("X");
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <apm/buckets.hpp>
#include <apm/config.hpp>
#include <apm/counter.hpp>
#include <apm/histogram.hpp>
#include <apm/metrics/row.hpp>
#include <apm/tracing/attach.hpp>
#include <apm/tracing/attributes.hpp>
#include <apm/tracing/begin.hpp>
#include <apm/tracing/end.hpp>
#include <apm/tracing/sampler.hpp>
#include <apm/tracing/span_handle.hpp>
#include <apm/tracing/span_row.hpp>

// See metrics/row.hpp: named in the compiler's message, never defined.
void apm_error_span_name_is_empty(const char* row);
void apm_error_span_help_is_empty_say_what_it_covers(const char* row);

namespace apm::inline APM_ABI {

// --- options of a row -------------------------------------------------------------------------------------------------

template <span_kind K>
struct of_kind {};
using server = of_kind<span_kind::server>;      // answers a request from outside
using client = of_kind<span_kind::client>;      // waits for an answer from outside
using producer = of_kind<span_kind::producer>;  // sends what a consumer handles later
using consumer = of_kind<span_kind::consumer>;  // handles what a producer sent

// How detailed a span is; 1 by default. One above APM_TRACE_LEVEL, which a build or one file may set, is not compiled in;
// one above control::max_level() is not recorded.
template <int Level>
    requires(Level >= 0 && Level <= 255)
struct level {};

// Counts and times every execution, sampled or not, into "<name>.executions" and "<name>.duration".
template <class Buckets>
struct measured_in {};
using measured = measured_in<latency_buckets>;

// A sampler of the row's own, which is asked for each of its spans in place of the process's, whatever the parent is (or, of
// sampling_rules, by what the parent is):
//     inline constexpr apm::sampler some = apm::rate_limited(1);
//     span<Check, apm::sampled_by<some>> check{this, "health.check", "..."};
template <const auto& Rules>
    requires std::constructible_from<sampling_rules, decltype(Rules)>
struct sampled_by {};

BOOST_DEFINE_ENUM_CLASS(execution, ok, error)

namespace detail {

template <class Option>
struct span_option;  // undefined: this is no option of a span
template <span_kind K>
struct span_option<of_kind<K>> {
    static constexpr span_kind kind = K;
};
template <int L>
struct span_option<level<L>> {
    static constexpr int level = L;
};
template <class B>
struct span_option<measured_in<B>> {
    using buckets = B;
};

template <const auto& Rules>
struct span_option<sampled_by<Rules>> {
    static constexpr sampling_rules everywhere(const sampler& s) { return {s, s, s, s, s}; }
    static constexpr const sampling_rules& everywhere(const sampling_rules& r) { return r; }
    [[APM_HIDDEN]] static constexpr sampling_rules rules{everywhere(Rules)};
};

// Not in the class itself: that, and then the whole schema, would be no class any more, and clang says so of each row.
template <class... O>
consteval void check_options() {
    static_assert((requires { sizeof(span_option<O>); } && ...),
                  "apm: a span's options are apm::server, client, producer, consumer, apm::level<N>, apm::measured, "
                  "apm::measured_in<Buckets> and apm::sampled_by<sampler>");
}

// Of several options of a kind, the last one counts.
template <class... O>
constexpr span_kind kind_among() {
    span_kind k = span_kind::internal;
    ([&] { if constexpr (requires { span_option<O>::kind; }) k = span_option<O>::kind; }(), ...);
    return k;
}
template <class... O>
constexpr int level_among() {
    int l = 1;
    ([&] { if constexpr (requires { span_option<O>::level; }) l = span_option<O>::level; }(), ...);
    return l;
}
template <class... O>
inline constexpr bool any_rules = (requires { span_option<O>::rules; } || ...);
template <class... O>
constexpr const sampling_rules* rules_among() {
    const sampling_rules* r = nullptr;
    ([&] { if constexpr (requires { span_option<O>::rules; }) r = &span_option<O>::rules; }(), ...);
    return r;
}
template <class... O>
struct buckets_among { using type = void; };
template <class First, class... Rest>
struct buckets_among<First, Rest...> : buckets_among<Rest...> {};
template <class B, class... Rest>
struct buckets_among<measured_in<B>, Rest...> { using type = B; };

APM_FIELDS(executions_of, (execution, status));

// A name that is made when the schema is compiled.
struct joined_name {
    char text[256]{};
    constexpr joined_name(const char* a, const char* b) {
        std::size_t n = 0;
        for (; *a && n < 255; ++a) text[n++] = *a;
        for (; *b && n < 255; ++b) text[n++] = *b;
    }
};

// The two rows of metrics that a measured span feeds.
template <class S, class Buckets>
struct measured_rows {
    joined_name duration_name, executions_name;
    histogram<S, executions_of, seconds, Buckets> duration;
    counter<S, executions_of, count> executions;

    constexpr measured_rows(row_list* schema, const char* name, const char* help)
        : duration_name(name, ".duration"), executions_name(name, ".executions"),
          duration(schema, duration_name.text, help), executions(schema, executions_name.text, help) {}
};
template <class S>
struct measured_rows<S, void> {
    constexpr measured_rows(row_list*, const char*, const char*) {}
};

}  // namespace detail

// --- scopes -----------------------------------------------------------------------------------------------------------

// A span that is under way, and ends with this object or by end(). Moved, not copied. Linked: it is current on this thread until
// then; it ends on the thread on which it began, or a context that travels with it (coroutine.hpp) takes it along.
// Not Linked, it is no span's parent unless its context() is attached, and may end on any thread.
template <class Row, bool Linked, mode M>
class basic_scope : public span_handle<M> {
public:
    static_assert(M == mode::on);

    APM_INLINE explicit basic_scope(const Row& row)
        : span_handle<M>(detail::begin<detail::start_options{Linked, Row::is_measured, Row::has_sampler}>(row)), row_(&row) {}
    APM_INLINE basic_scope(basic_scope&& other) noexcept : span_handle<M>(other), row_(other.row_) { other.span_ = nullptr; }
    basic_scope& operator=(basic_scope&& other) noexcept {
        if (this == &other) return *this;
        end();
        span_handle<M>::operator=(other);
        row_ = other.row_;
        other.span_ = nullptr;
        return *this;
    }
    APM_INLINE ~basic_scope() {
        if (this->span_) end();
    }

    using span_handle<M>::set;
    // All attributes of the row.
    APM_INLINE void set(const typename Row::attributes_type& all) const {
        if (this->recording()) detail::set_all(*this->span_, all);
    }
    APM_INLINE void begin_with(const typename Row::attributes_type& all) const {  // TRACE_SCOPE's
        if (this->begun()) detail::set_all(*this->span_, all);
    }
    APM_INLINE void begin_with() const requires detail::attributes<typename Row::attributes_type>::may_be_empty {}
    // One attribute of the row; set again, the last value counts.
    template <auto Member>
    void set(const detail::type_of_member<Member>& value) const {
        detail::check_member<typename Row::attributes_type, Member>();
        if (this->recording()) detail::set_member<typename Row::attributes_type, Member>(*this->span_, value);
    }

    // Ends the span now rather than with the object. A second time it does nothing.
    APM_INLINE void end() {
        if (!this->span_) return;
        if constexpr (Row::is_measured) end_measured();
        else detail::end(*this->span_, this->id_);
        this->span_ = nullptr;
    }

private:
    [[gnu::noinline]] void end_measured() {
        detail::end<true>(*this->span_, this->id_, [this](detail::root& r, std::uint64_t start, std::uint64_t end, bool failed) {
            const execution how = failed ? execution::error : execution::ok;
            const detail::nanoseconds_passed time{detail::elapsed_ns(r, start, end)};
            row_->metrics.duration.template record<mode::on>(time, {.status = how});
            row_->metrics.executions.template add<mode::on>(1u, {.status = how});
        });
    }
    const Row* row_;
};
template <class Row, bool Linked>
class basic_scope<Row, Linked, mode::off> : public span_handle<mode::off> {
public:
    APM_INLINE constexpr explicit basic_scope(const Row&) {}
    APM_INLINE constexpr basic_scope(basic_scope&&) noexcept {}
    APM_INLINE constexpr basic_scope& operator=(basic_scope&&) noexcept { return *this; }
    APM_INLINE constexpr ~basic_scope() {}
    using span_handle<mode::off>::set;
    APM_INLINE constexpr void set(const typename Row::attributes_type&) const {}
    APM_INLINE constexpr void begin_with(const typename Row::attributes_type&) const {}
    APM_INLINE constexpr void begin_with() const requires detail::attributes<typename Row::attributes_type>::may_be_empty {}
    template <auto Member>
    APM_INLINE constexpr void set(const detail::type_of_member<Member>&) const {
        detail::check_member<typename Row::attributes_type, Member>();
    }
    APM_INLINE constexpr void end() {}
};

template <class Row, mode M = APM_MODE>
using scoped_span = basic_scope<Row, true, M>;
template <class Row, mode M = APM_MODE>
using started_span = basic_scope<Row, false, M>;

// --- rows -------------------------------------------------------------------------------------------------------------

// A kind of work worth seeing in a trace. Name: low cardinality, no part of it from a user. Any thread, from before main until
// the process is gone. Cost: two reads of the clock and a copy; unsampled, a few loads.
template <class S, class Attributes, class... Options>
struct span : span_row {
    using attributes_type = Attributes;
    using buckets = typename detail::buckets_among<Options...>::type;
    static constexpr int own_level = detail::level_among<Options...>();
    static constexpr bool is_measured = !std::is_void_v<buckets>;
    static constexpr bool has_sampler = detail::any_rules<Options...>;

    // The metrics of a measured one.
    [[no_unique_address]] detail::measured_rows<S, buckets> metrics;

    constexpr span(row_list* schema, const char* row_name, const char* row_help)
        : span_row{schema->last_span, row_name, row_help, &S::scope, &detail::attributes<Attributes>::info,
                   detail::kind_among<Options...>(), static_cast<std::uint8_t>(own_level), detail::rules_among<Options...>()},
          metrics(schema, row_name, row_help) {
        detail::check_options<Options...>();
        if (!row_name || !*row_name) apm_error_span_name_is_empty(row_name);
        if (!row_help || !*row_help) apm_error_span_help_is_empty_say_what_it_covers(row_name);
        schema->last_span = this;
        ++schema->spans;
    }
    span(const span&) = delete;
    span& operator=(const span&) = delete;

    template <mode M, int Highest>
    using scoped = scoped_span<span, own_level <= Highest ? M : mode::off>;
    template <mode M, int Highest>
    using started = started_span<span, own_level <= Highest ? M : mode::off>;

    // Begins a span that is current on this thread until the returned object ends. The attributes are always evaluated;
    // TRACE_SCOPE evaluates them only where they are recorded.
    template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
    [[nodiscard]] APM_INLINE scoped<M, Highest> scope(const Attributes& all) const {
        scoped<M, Highest> s(*this);
        s.set(all);
        return s;
    }
    template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
    [[nodiscard]] APM_INLINE scoped<M, Highest> scope() const requires detail::attributes<Attributes>::may_be_empty {
        return scoped<M, Highest>(*this);
    }

    // Begins one that is not current, for work that ends elsewhere: in a callback, on any thread. Its parent is the span that is
    // current now; it becomes a parent where its context() is attached.
    template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
    [[nodiscard]] APM_INLINE started<M, Highest> start(const Attributes& all) const {
        started<M, Highest> s(*this);
        s.set(all);
        return s;
    }
    template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
    [[nodiscard]] APM_INLINE started<M, Highest> start() const requires detail::attributes<Attributes>::may_be_empty {
        return started<M, Highest>(*this);
    }
};

namespace detail {

// What TRACE_SCOPE opens: its attributes come after, where they are recorded.
template <class Row, mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
    requires std::derived_from<Row, span_row>
[[nodiscard]] APM_INLINE auto open_scope(const Row& row) {
    return typename Row::template scoped<M, Highest>(row);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
