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
#include <apm/detail/utf8.hpp>

namespace apm::inline APM_ABI {

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
        for (std::size_t i = 0; i < s.size();) {
            const std::size_t n = plain(s, i);
            out_->append(s, i, n);
            i += n;
            if (i < s.size()) i += special(s, i);
        }
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
        (put_hex(words), ...);
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
    void put_hex(std::uint64_t n) {
        for (int shift = 60; shift >= 0; shift -= 4) *out_ += "0123456789abcdef"[n >> shift & 15];
    }
    static constexpr char digit(unsigned d) { return static_cast<char>('0' + d); }

    // How many bytes from i on are written as they are.
    static std::size_t plain(std::string_view s, std::size_t i) {
        const std::size_t from = i;
        while (i < s.size()) {
            const auto c = static_cast<unsigned char>(s[i]);
            if (c < 0x20 || c == '"' || c == '\\') break;
            const std::size_t n = c < 0x80 ? 1 : detail::utf8_sequence(s.data() + i, s.size() - i);
            if (n == 0) break;
            i += n;
        }
        return i - from;
    }
    std::size_t special(std::string_view s, std::size_t i) {
        const auto c = static_cast<unsigned char>(s[i]);
        switch (c) {
            case '"': *out_ += "\\\""; break;
            case '\\': *out_ += "\\\\"; break;
            case '\n': *out_ += "\\n"; break;
            case '\r': *out_ += "\\r"; break;
            case '\t': *out_ += "\\t"; break;
            default:
                if (c >= 0x80) {
                    *out_ += "\xef\xbf\xbd";
                } else {
                    *out_ += "\\u00";
                    *out_ += digit(c >> 4u);
                    *out_ += "0123456789abcdef"[c & 15u];
                }
        }
        return 1;
    }

    std::string* out_;
    std::size_t from_;
};

}  // namespace apm::inline APM_ABI
