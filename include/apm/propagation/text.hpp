// Texts of a bounded size, and the numbers in headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/tracing/open_span.hpp>

namespace apm::inline APM_ABI::detail {

enum class letters : bool { lower, any };

// Digits are looked up: those of an id are random, so that whoever compares them mispredicts half of the time.
struct hex_tables {
    unsigned char value[2][256]{};  // by what letters are allowed; 16 where it is no digit
    char digits[256][2]{};

    constexpr hex_tables() {
        constexpr char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
        for (auto& table : value)
            for (auto& v : table) v = 16;
        for (unsigned i = 0; i < 16; ++i) {
            value[0][static_cast<unsigned char>(lower[i])] = value[1][static_cast<unsigned char>(lower[i])] =
                value[1][static_cast<unsigned char>(upper[i])] = static_cast<unsigned char>(i);
        }
        for (unsigned i = 0; i < 256; ++i) digits[i][0] = lower[i >> 4], digits[i][1] = lower[i & 15];
    }
};
inline constexpr hex_tables hex_lookup{};

// Where a header's value is put together. What does not fit is not written, but counted: size() > room says that it is too long.
class bounded_text {
public:
    bounded_text(char* at, std::size_t room) : at_(at), room_(room) {}

    void put(std::string_view x) {
        if (size_ + x.size() <= room_ && !x.empty()) __builtin_memmove(at_ + size_, x.data(), x.size());  // maybe a part of it
        size_ += x.size();
    }
    void put(char c) { put(std::string_view(&c, 1)); }
    void put_hex(std::uint64_t n, int digits) {  // an even number of them
        char text[16];
        for (int i = 0; i < digits; i += 2) __builtin_memcpy(text + i, hex_lookup.digits[n >> 4 * (digits - 2 - i) & 255], 2);
        put(std::string_view(text, static_cast<std::size_t>(digits)));
    }
    void put_trace(const trace_id& t) { put_hex(t.high, 16), put_hex(t.low, 16); }
    void put_decimal(std::uint64_t n) {
        char text[20];
        char* begin = text + sizeof text;
        do *--begin = static_cast<char>('0' + n % 10);
        while (n /= 10);
        put(std::string_view(begin, static_cast<std::size_t>(text + sizeof text - begin)));
    }

    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool overflows() const { return size_ > room_; }
    void cut_to(std::size_t size) { size_ = size; }
    [[nodiscard]] std::string_view view() const { return overflows() ? std::string_view{} : std::string_view(at_, size_); }

private:
    char* at_;
    std::size_t room_, size_ = 0;
};

// With memory of its own.
template <std::size_t Room>
class fixed_text : public bounded_text {
public:
    fixed_text() : bounded_text(memory_, Room) {}
    fixed_text(const fixed_text&) = delete;
    fixed_text& operator=(const fixed_text&) = delete;

private:
    char memory_[Room];
};

// The number that 1 to 16 digits are. False where they are not that; then `n` is as it was.
constexpr bool read_hex(std::string_view digits, std::uint64_t& n, letters which = letters::lower) {
    if (digits.empty() || digits.size() > 16) return false;
    std::uint64_t result = 0;
    unsigned bad = 0;
    for (const char c : digits) {
        const unsigned d = hex_lookup.value[which == letters::any][static_cast<unsigned char>(c)];
        bad |= d;
        result = result << 4 | (d & 15);
    }
    if (bad & 16) return false;
    n = result;
    return true;
}
// 1 to 32 digits, as if zeros preceded. False where they are not that, and where all are zero.
constexpr bool read_trace(std::string_view digits, trace_id& t, letters which = letters::lower) {
    trace_id result;
    const std::size_t high = digits.size() > 16 ? digits.size() - 16 : 0;
    if (high && !read_hex(digits.substr(0, high), result.high, which)) return false;
    if (!read_hex(digits.substr(high), result.low, which) || result == trace_id{}) return false;
    t = result;
    return true;
}
// A decimal number without a sign; false where it is none, or greater than 2^64 - 1.
constexpr bool read_decimal(std::string_view digits, std::uint64_t& n) {
    std::uint64_t result = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return false;
        if (__builtin_mul_overflow(result, std::uint64_t{10}, &result) ||
            __builtin_add_overflow(result, static_cast<std::uint64_t>(c - '0'), &result))
            return false;
    }
    if (digits.empty()) return false;
    n = result;
    return true;
}

// What is before the separator, cut off `rest`, which then begins behind it; `rest` is null where there is none.
constexpr std::string_view cut_until(std::string_view& rest, char separator) {
    const std::size_t end = rest.find(separator);
    const std::string_view part = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    return part;
}

}  // namespace apm::inline APM_ABI::detail
