// What a span, its attributes, events and links look like to readers: views into a batch (spans.hpp), valid as long as
// it. Text is as it was given: bytes that are no UTF-8 are for the back end to repair.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/timeline.hpp>
#include <apm/detail/utf8.hpp>
#include <apm/row.hpp>
#include <apm/span.hpp>
#include <apm/span_limits.hpp>
#include <apm/tracing/span_row.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// The first characters of a text; a byte that is no UTF-8 is one.
inline std::string_view first_characters(std::string_view s, std::uint32_t most) {
    if (s.size() <= most) return s;
    std::size_t at = 0;
    for (std::uint32_t n = 0; n < most && at < s.size(); ++n) {
        const std::size_t length = utf8_sequence(s.data() + at, s.size() - at);
        at += length ? length : 1;
    }
    return s.substr(0, at);
}

}  // namespace detail

// An array of numbers that need not be aligned.
template <class T>
class packed_numbers {
public:
    packed_numbers(const char* bytes, std::uint32_t size) : bytes_(bytes), size_(size) {}
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] T operator[](std::uint32_t i) const { return detail::get_raw<T>(bytes_ + i * sizeof(T)); }

private:
    const char* bytes_;
    std::uint32_t size_;
};

class attribute_view {
public:
    attribute_view(detail::item_at x, const attributes_info* fields, const span_limits& limits)
        : item_(x), fields_(fields), limits_(&limits) {}

    [[nodiscard]] std::string_view name() const {
        if (item_.index() == detail::by_name) return {item_.name(), item_.name_size()};
        return fields_->fields[item_.index()].name;
    }
    // Calls f with the value: std::int64_t, double, bool, std::string_view, packed_numbers<std::int64_t> or <double>.
    template <class F>
    decltype(auto) visit(F&& f) const {
        const char* v = item_.value();
        switch (item_.type()) {
            case item::integer: return f(detail::get_raw<std::int64_t>(v));
            case item::real: return f(detail::get_raw<double>(v));
            case item::boolean: return f(*v != 0);
            case item::integers: return f(packed_numbers<std::int64_t>(v + 4, detail::get_raw<std::uint32_t>(v)));
            case item::reals: return f(packed_numbers<double>(v + 4, detail::get_raw<std::uint32_t>(v)));
            case item::enumerator:
                return f(std::string_view(fields_->fields[item_.index()].domain->names[detail::get_raw<std::uint32_t>(v)]));
            default: return f(detail::first_characters({v + 4, detail::get_raw<std::uint32_t>(v)}, limits_->text));
        }
    }

private:
    detail::item_at item_;
    const attributes_info* fields_;
    const span_limits* limits_;
};

namespace detail {

// Calls f with the first `most` items of that kind.
template <class Is, class F>
void each_item(const char* at, const char* end, std::uint32_t most, Is&& is, F&& f) {
    for (item_at x{at}; x.at < end && most > 0; x = x.next())
        if (is(x)) --most, f(x);
}
template <class F>
void each_attribute(const char* at, const char* end, const attributes_info* fields, const span_limits& limits, std::uint32_t most,
                    F&& f) {
    each_item(at, end, most, [](item_at x) { return x.is_attribute(); },
              [&](item_at x) { f(attribute_view(x, fields, limits)); });
}
inline std::uint32_t attributes_beyond(const char* at, const char* end, std::uint32_t most) {
    if (most == span_limits::none) return 0;
    std::uint32_t n = 0;
    each_item(at, end, span_limits::none, [](item_at x) { return x.is_attribute(); }, [&](item_at) { ++n; });
    return n > most ? n - most : 0;
}

}  // namespace detail

class event_view {
public:
    event_view(detail::item_at x, const span_limits& limits)
        : limits_(&limits), head_(detail::get_raw<event_head>(x.body())), name_(x.body() + sizeof(event_head)),
          end_(x.body() + x.length()) {}

    [[nodiscard]] std::string_view name() const { return {name_, head_.name_size}; }
    [[nodiscard]] std::uint64_t time() const { return head_.ticks; }  // nanoseconds since the epoch
    [[nodiscard]] std::uint32_t dropped_attributes() const {
        return head_.dropped + detail::attributes_beyond(name_ + head_.name_size, end_, limits_->event_attributes);
    }
    template <class F>
    void attributes(F&& f) const {
        detail::each_attribute(name_ + head_.name_size, end_, head_.fields, *limits_, limits_->event_attributes, f);
    }

private:
    const span_limits* limits_;
    event_head head_;
    const char* name_;
    const char* end_;
};

class link_view {
public:
    link_view(detail::item_at x, const span_limits& limits)
        : limits_(&limits), head_(detail::get_raw<link_head>(x.body())), begin_(x.body() + sizeof(link_head) + head_.state_size),
          end_(x.body() + x.length()) {}

    [[nodiscard]] apm::context context() const {
        return {{head_.trace_high, head_.trace_low}, head_.span, (head_.flags & link_head::sampled) != 0,
                (head_.flags & link_head::remote) != 0, (head_.flags & link_head::random) != 0};
    }
    [[nodiscard]] std::string_view trace_state() const { return {begin_ - head_.state_size, head_.state_size}; }
    [[nodiscard]] std::uint32_t dropped_attributes() const {
        return head_.dropped + detail::attributes_beyond(begin_, end_, limits_->link_attributes);
    }
    template <class F>
    void attributes(F&& f) const { detail::each_attribute(begin_, end_, head_.fields, *limits_, limits_->link_attributes, f); }

private:
    const span_limits* limits_;
    link_head head_;
    const char* begin_;
    const char* end_;
};

class span_view {
public:
    struct dropped_counts {
        std::uint32_t attributes = 0, events = 0, links = 0;
    };

    // Times of events become nanoseconds here: what the next reader does to `when` does not change them.
    // `limits` are read as long as this is.
    span_view(char* record, const detail::timeline& when, const span_limits& limits)
        : record_(reinterpret_cast<const span_record*>(record)), limits_(&limits) {
        start_ = when.at(record_->start);
        duration_ = when.between(record_->start, record_->end);
        std::uint32_t events = 0, links = 0;
        for (detail::item_at x = first(); x.at < end_of_items(); x = x.next()) {
            switch (x.type()) {
                case item::status: message_ = {x.body(), x.length()}; break;
                case item::name: name_ = {x.body(), x.length()}; break;
                case item::name_at:
                    if (name_.data()) break;  // it was given another since
                    name_ = {detail::get_raw<const char*>(x.body()),
                             detail::get_raw<std::uint32_t>(x.body() + sizeof(char*))};
                    break;
                case item::link: ++links; break;
                case item::trace_state: state_ = {x.body(), x.length()}; break;
                case item::dropped: dropped_ = detail::get_raw<dropped_counts>(x.body()); break;
                case item::event: {
                    ++events;
                    const std::uint64_t ticks = detail::get_raw<event_head>(x.body()).ticks;
                    detail::put_raw(record + (x.body() - record), start_ + when.between(record_->start, ticks));
                    break;
                }
                default: break;
            }
        }
        if (!name_.data()) name_ = row().name;
        dropped_.attributes += detail::attributes_beyond(first().at, end_of_items(), limits.attributes);
        if (events > limits.events) dropped_.events += events - limits.events;
        if (links > limits.links) dropped_.links += links - limits.links;
    }

    [[nodiscard]] const span_row& row() const { return *record_->row; }
    [[nodiscard]] const apm::scope& scope() const { return *row().from; }
    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] span_kind kind() const { return row().kind; }
    [[nodiscard]] trace_id trace() const { return record_->trace; }
    [[nodiscard]] std::uint64_t id() const { return record_->id; }
    [[nodiscard]] std::uint64_t parent() const { return record_->parent; }  // 0: a root
    [[nodiscard]] bool parent_is_remote() const { return (record_->thread & span_record::remote_parent) != 0; }
    // Whether its trace is part of the sample; else tail sampling exported it, besides it (tracing/tail_sampling.hpp).
    [[nodiscard]] bool sampled() const { return (record_->thread & span_record::unsampled) == 0; }
    [[nodiscard]] bool trace_is_random() const { return (record_->thread & span_record::random_trace) != 0; }  // W3C's flag
    [[nodiscard]] std::string_view trace_state() const { return state_; }  // the value of the header
    // For how many such spans it stands, itself included: 1 / the probability that its trace is sampled, if that is known
    // (probability(), here or in the process where the trace began). 0 where tail sampling exported it. NaN where it is not
    // known: with always_on, the default, too, which says nothing to others; probability(1) says 1.
    [[nodiscard]] double adjusted_count() const {
        if (!sampled()) return 0;
        const std::uint64_t threshold = detail::read_ot(state_.data(), static_cast<std::uint32_t>(state_.size())).threshold;
        return threshold == detail::no_threshold ? __builtin_nan("") : 0x1p56 / static_cast<double>(randomness_end - threshold);
    }
    [[nodiscard]] std::uint64_t start() const { return start_; }  // nanoseconds since the epoch
    [[nodiscard]] std::uint64_t end() const { return start_ + duration_; }
    [[nodiscard]] std::uint64_t duration() const { return duration_; }  // nanoseconds
    [[nodiscard]] span_status status() const {
        return static_cast<span_status>(record_->thread >> span_record::thread_bits & 3);
    }
    [[nodiscard]] std::string_view message() const { return status() == span_status::error ? message_ : std::string_view(); }
    // That ended it.
    [[nodiscard]] std::uint32_t thread() const { return record_->thread & ((1u << span_record::thread_bits) - 1); }
    [[nodiscard]] const dropped_counts& dropped() const { return dropped_; }

    // Each calls f with an attribute_view, event_view or link_view, in the order in which they were given.
    template <class F>
    void attributes(F&& f) const {
        detail::each_attribute(first().at, end_of_items(), row().attributes, *limits_, limits_->attributes, f);
    }
    template <class F>
    void events(F&& f) const {
        detail::each_item(first().at, end_of_items(), limits_->events, [](detail::item_at x) { return x.type() == item::event; },
                          [&](detail::item_at x) { f(event_view(x, *limits_)); });
    }
    template <class F>
    void links(F&& f) const {
        detail::each_item(first().at, end_of_items(), limits_->links, [](detail::item_at x) { return x.type() == item::link; },
                          [&](detail::item_at x) { f(link_view(x, *limits_)); });
    }

private:
    [[nodiscard]] detail::item_at first() const { return {reinterpret_cast<const char*>(record_ + 1)}; }
    [[nodiscard]] const char* end_of_items() const { return reinterpret_cast<const char*>(record_) + record_->size; }

    const span_record* record_;
    const span_limits* limits_;
    std::string_view name_, message_, state_;
    std::uint64_t start_ = 0, duration_ = 0;
    dropped_counts dropped_;
};

}  // namespace apm::inline APM_ABI
