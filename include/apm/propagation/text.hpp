// Texts of a bounded size, and the numbers in headers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/hex.hpp>
#include <apm/tracing/open_span.hpp>

namespace apm::inline APM_ABI::detail {

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
        put(std::string_view(text, static_cast<std::size_t>(write_hex(text, n, digits) - text)));
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

// 1 to 32 digits, as if zeros preceded. False where they are not that, and where all are zero.
constexpr bool read_trace(std::string_view digits, trace_id& t, letters which = letters::lower) {
    trace_id result;
    const std::size_t high = digits.size() > 16 ? digits.size() - 16 : 0;
    if (high && !read_hex(digits.substr(0, high), result.high, which)) return false;
    if (!read_hex(digits.substr(high), result.low, which) || result == trace_id{}) return false;
    t = result;
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
