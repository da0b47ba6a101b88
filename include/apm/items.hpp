// Items: what a span says about itself, as bytes. Written where it is recorded (attributes.hpp, span_handle.hpp), read where
// it is exported (spans.hpp); never outside the process.
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
    link,        // link_head, attributes
    status,      // a message
    name,        // the name that the span was given anew
    name_at,     // where such a name is: a pointer, and 4 bytes of length
    dropped,     // 4 bytes each: how many attributes, events, links were left out
    crossed_out = 0x80,  // added to an attribute that was given anew
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
    std::uint32_t flags, dropped;
    enum : std::uint32_t { sampled = 1, remote = 2 };
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

// One item in the bytes of a record, which are trusted: nobody but this library wrote them.
struct item_at {
    const char* at;

    [[nodiscard]] item type() const { return static_cast<item>(static_cast<std::uint8_t>(*at) & 0x7f); }
    [[nodiscard]] bool crossed_out() const { return (static_cast<std::uint8_t>(*at) & 0x80) != 0; }
    void cross_out(char* writable) const { *writable = static_cast<char>(static_cast<std::uint8_t>(*at) | 0x80); }
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
