// Items: the attributes, events, links and texts of a span, as bytes. Written where it is recorded (attributes.hpp,
// span_handle.hpp), read where it is exported (spans.hpp); never outside the process.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// The first byte. Of an attribute there follow the index of its field, or `by_name` and a name (a byte of length, and that much
// text), and then the value.
enum class item : std::uint8_t {
    none,        // the end
    integer,     // 8 bytes
    real,        // 8 bytes
    boolean,     // 1 byte
    text,        // 4 bytes of length, and that much text
    enumerator,  // 4 bytes: the ordinal, whose name the field's table has
    integers,    // 4 bytes of count, and 8 for each
    reals,       // the same
    // The others have four bytes of length behind the first byte, and then
    event,       // event_head, the name, attributes
    link,        // link_head, the tracestate, attributes
    status,      // a message
    name,        // the name that the span was given anew
    name_at,     // where such a name is: a pointer, and 4 bytes of length
    dropped,     // 4 bytes each: how many attributes, events, links were left out
    trace_state,
};

struct attributes_info;

struct event_head {
    std::uint64_t ticks;
    const attributes_info* fields;  // of its attributes that are no `by_name`
    std::uint32_t name_size, dropped;
};
struct link_head {
    std::uint64_t trace_high, trace_low, span;
    const attributes_info* fields;
    std::uint32_t flags, dropped, state_size;  // of its tracestate, which follows
    enum : std::uint32_t { sampled = 1, remote = 2, random = 4 };
};

namespace detail {

inline constexpr std::uint8_t by_name = 0xff;  // instead of a field's index

template <class T>
APM_INLINE char* put_raw(char* to, const T& value) {
    __builtin_memcpy(to, &value, sizeof value);
    return to + sizeof value;
}
template <class T>
APM_INLINE T get_raw(const char* from) {
    T value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

// Of a length that only the program knows, and that is seldom long: a call of memcpy() would take longer than the copy.
APM_INLINE char* put_bytes(char* to, const char* from, std::size_t n) {
    const auto move = [&]<class Word>(Word, std::size_t at) APM_LAMBDA_INLINE { put_raw(to + at, get_raw<Word>(from + at)); };
    if (n > 64) [[unlikely]] __builtin_memcpy(to, from, n);
    else if (n >= 8) {
        for (std::size_t i = 0; i + 8 < n; i += 8) move(std::uint64_t{}, i);
        move(std::uint64_t{}, n - 8);  // the last one overlaps the one before it
    } else if (n >= 4) {
        move(std::uint32_t{}, 0), move(std::uint32_t{}, n - 4);
    } else {
        for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
    }
    return to + n;
}

// One item in the bytes of a record, which are trusted: this library wrote them.
struct item_at {
    const char* at;

    [[nodiscard]] item type() const { return static_cast<item>(*at); }
    [[nodiscard]] bool is_attribute() const { return type() != item::none && type() < item::event; }

    // Of attributes.
    [[nodiscard]] std::uint8_t index() const { return static_cast<std::uint8_t>(at[1]); }
    [[nodiscard]] const char* name() const { return at + 3; }
    [[nodiscard]] std::uint8_t name_size() const { return static_cast<std::uint8_t>(at[2]); }
    [[nodiscard]] const char* value() const { return index() == by_name ? name() + name_size() : at + 2; }
    // Of others, and of text: how long the rest is, and the rest.
    [[nodiscard]] std::uint32_t length() const { return get_raw<std::uint32_t>(at + 1); }
    [[nodiscard]] const char* body() const { return at + 5; }

    [[nodiscard]] item_at next() const {
        switch (type()) {
            case item::none: return {at + 1};
            case item::integer:
            case item::real: return {value() + 8};
            case item::boolean: return {value() + 1};
            case item::enumerator: return {value() + 4};
            case item::text: return {value() + 4 + get_raw<std::uint32_t>(value())};
            case item::integers:
            case item::reals: return {value() + 4 + 8 * std::size_t{get_raw<std::uint32_t>(value())}};
            default: return {body() + length()};
        }
    }
};

}  // namespace detail

}  // namespace apm::inline APM_ABI
