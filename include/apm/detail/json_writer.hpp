// Writes JSON (RFC 8259), a value at a time, to the end of a string.
//
//     json_writer json(out);
//     json.begin_object();
//     json.key("name"), json.text("a \"b\""), json.key("size"), json.integer(3);
//     json.end_object();                                                          // {"name":"a \"b\"","size":3}
//
// Commas come by themselves; that keys and values take turns and that what begins ends is up to the caller. Numbers do not
// depend on the program's locale. No thread safety of its own; throws std::bad_alloc.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/hex.hpp>
#include <apm/detail/utf8_text.hpp>

namespace apm::inline APM_ABI::detail {

class json_writer {
public:
    // What is in `out` already is left alone.
    explicit json_writer(std::string& out) : out_(&out), from_(out.size()) {}

    void begin_object() { separate(), *out_ += '{'; }
    void end_object() { *out_ += '}'; }
    void begin_array() { separate(), *out_ += '['; }
    void end_array() { *out_ += ']'; }

    void key(std::string_view name) { text(name), *out_ += ':'; }

    // Bytes that are no UTF-8 become U+FFFD, each of them.
    void text(std::string_view s) {
        separate();
        *out_ += '"';
        append_utf8(
            *out_, s, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\'; },
            [this](char c) { escape(c); });
        *out_ += '"';
    }
    template <std::integral Integer>
    void integer(Integer n) {
        separate();
        put(n);
    }
    // As a string: what JSON readers keep as a double would not survive beyond 2^53 (proto3's rule for all 64-bit integers).
    template <std::integral Integer>
    void quoted(Integer n) {
        separate();
        *out_ += '"', put(n), *out_ += '"';
    }
    // The shortest digits that read back as the same double; what JSON has no number for is a string, as in proto3.
    void real(double v) {
        if (std::isnan(v)) return text("NaN");
        if (std::isinf(v)) return text(v > 0 ? "Infinity" : "-Infinity");
        separate();
        put(v);
    }
    void boolean(bool b) { separate(), *out_ += b ? "true" : "false"; }
    // So many thousandths, exactly: nanoseconds as microseconds.
    void thousandths(std::int64_t n) {
        separate();
        if (n < 0) *out_ += '-';
        const std::uint64_t size = n < 0 ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
        put(size / 1000);
        if (const auto rest = static_cast<unsigned>(size % 1000)) {
            const char digits[] = {'.', digit(rest / 100), digit(rest / 10 % 10), digit(rest % 10)};
            out_->append(digits, sizeof digits);
        }
    }
    // 16 digits for each.
    template <std::same_as<std::uint64_t>... Words>
    void hex(Words... words) {
        separate();
        *out_ += '"';
        (append_hex(*out_, words), ...);
        *out_ += '"';
    }

private:
    void separate() {
        if (out_->size() == from_) return;
        const char last = out_->back();
        if (last != '{' && last != '[' && last != ':') *out_ += ',';
    }
    template <class Number>
    void put(Number n) {
        char digits[40];
        out_->append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
    }
    static constexpr char digit(unsigned d) { return static_cast<char>('0' + d); }

    void escape(char c) {
        switch (c) {
            case '"': *out_ += "\\\""; break;
            case '\\': *out_ += "\\\\"; break;
            case '\n': *out_ += "\\n"; break;
            case '\r': *out_ += "\\r"; break;
            case '\t': *out_ += "\\t"; break;
            default: append_hex(*out_ += "\\u00", static_cast<unsigned char>(c), 2);
        }
    }

    std::string* out_;
    std::size_t from_;
};

}  // namespace apm::inline APM_ABI::detail
