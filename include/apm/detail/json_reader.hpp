// Reads JSON (RFC 8259), for the one answer that the runtime asks for. Not Boost.JSON: header-only it takes 3.5 s to compile, and
// brings 309 functions that are not inline, so that a program which includes its boost/json/src.hpp itself would not link.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>
#include <apm/detail/hex.hpp>
#include <apm/detail/real.hpp>

namespace apm::inline APM_ABI::detail {

struct json_value {
    enum what : std::uint8_t { null, boolean, number, text, array, object } is = null;
    double n = 0;                                             // of a number; of a boolean 0 or 1
    std::string s = {};
    std::vector<std::string> names = {};  // of an object's values
    std::vector<json_value> values;

    // The first of that name; null where there is none, or this is no object.
    [[nodiscard]] const json_value* find(std::string_view name) const {
        for (std::size_t i = 0; i < names.size(); ++i)
            if (names[i] == name) return &values[i];
        return nullptr;
    }
};

// False where the text is not JSON, is nested deeper than 32, or has more than 20,000 values, which take some 4 MiB.
class json_reader {
public:
    static bool read(std::string_view text, json_value& value) {
        json_reader r(text);
        return r.any(value, 32) && r.peek() == '\0' && r.rest_.empty();
    }

private:
    explicit json_reader(std::string_view text) : rest_(text) {}

    // What comes next behind blanks; zero at the end.
    char peek() {
        const std::size_t blank = (std::min)(rest_.size(), rest_.find_first_not_of(" \t\r\n"));
        rest_.remove_prefix(blank);
        return rest_.empty() ? '\0' : rest_.front();
    }
    bool take(char c) {
        if (peek() != c || rest_.empty()) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool word(std::string_view w) {
        if (!rest_.starts_with(w)) return false;
        rest_.remove_prefix(w.size());
        return true;
    }
    bool any(json_value& v, int depth) {
        if (++values_ > most_values) return false;
        switch (peek()) {
            case '{': return v.is = json_value::object, several(v, '}', depth);
            case '[': return v.is = json_value::array, several(v, ']', depth);
            case '"': return v.is = json_value::text, text(v.s);
            case 't': return v.is = json_value::boolean, v.n = 1, word("true");
            case 'f': return v.is = json_value::boolean, word("false");
            case 'n': return word("null");
            default: return v.is = json_value::number, number(v.n);
        }
    }
    bool several(json_value& v, char end, int depth) {
        rest_.remove_prefix(1);
        if (depth == 0) return false;
        if (take(end)) return true;
        do {
            if (end == '}' && !(peek() == '"' && text(v.names.emplace_back()) && take(':'))) return false;
            if (!any(v.values.emplace_back(), depth - 1)) return false;
        } while (take(','));
        return take(end);
    }
    bool number(double& n) {
        const std::size_t size = (std::min)(rest_.size(), rest_.find_first_not_of("+-.0123456789eE"));
        const std::string_view digits = rest_.substr(0, size);
        const std::string_view whole = digits.starts_with('-') ? digits.substr(1) : digits;
        const auto digit_at = [whole](std::size_t i) { return i < whole.size() && is_digit(whole[i]); };
        const std::size_t point = whole.find('.');
        const bool well = digit_at(0) && !(whole[0] == '0' && digit_at(1)) && (point == whole.npos || digit_at(point + 1));
        rest_.remove_prefix(size);
        return well && read_real(digits, n);
    }
    static void append(std::string& to, std::uint32_t c) {
        const auto put = [&to](std::uint32_t byte) { to += static_cast<char>(byte); };
        if (c < 0x80) return put(c);
        if (c < 0x800) put(0xc0 | c >> 6);
        else if (c < 0x10000) put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 63));
        else put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 63)), put(0x80 | (c >> 6 & 63));
        put(0x80 | (c & 63));
    }
    bool four_digits(std::uint32_t& c) {
        std::uint64_t n = 0;
        if (rest_.size() < 4 || !read_hex(rest_.substr(0, 4), n, letters::any)) return false;
        c = static_cast<std::uint32_t>(n);
        rest_.remove_prefix(4);
        return true;
    }
    bool escaped(std::string& s) {
        if (rest_.empty()) return false;
        const char c = rest_.front();
        rest_.remove_prefix(1);
        constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        if (const std::size_t i = from.find(c); i != from.npos) return s += to[i], true;
        std::uint32_t high = 0, low = 0;
        if (c != 'u' || !four_digits(high)) return false;
        if (high >= 0xd800 && high < 0xdc00) {
            if (!word("\\u") || !four_digits(low) || low < 0xdc00 || low >= 0xe000) return false;
            high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        } else if (high >= 0xdc00 && high < 0xe000) {
            return false;
        }
        return append(s, high), true;
    }
    bool text(std::string& s) {
        rest_.remove_prefix(1);
        for (;;) {
            std::size_t plain = 0;
            while (plain < rest_.size() && rest_[plain] != '"' && rest_[plain] != '\\' &&
                   static_cast<unsigned char>(rest_[plain]) >= 0x20)
                ++plain;
            s.append(rest_.substr(0, plain));
            rest_.remove_prefix(plain);
            if (rest_.empty()) return false;
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return true;
            if (c != '\\' || !escaped(s)) return false;
        }
    }

    static constexpr std::size_t most_values = 20'000;
    std::string_view rest_;
    std::size_t values_ = 0;
};

}  // namespace apm::inline APM_ABI::detail
