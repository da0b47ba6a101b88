// Spans without a row: of a string literal, or of a function's name.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/span.hpp>

namespace apm::inline APM_ABI {

namespace detail {

// A name that is there for as long as the program: a part of a literal.
struct literal {
    const char* text;
    std::uint32_t size;

    consteval literal(const char* s) : text(s), size(0) {
        while (s[size]) ++size;
    }
    constexpr literal(const char* s, std::uint32_t n) : text(s), size(n) {}
};

// "shop::Cart::add" of "void shop::Cart::add(const T&) [with T = int]": before the parameters, behind the result.
constexpr literal function_name(const char* pretty) {
    std::uint32_t begin = 0, depth = 0, i = 0;
    for (; pretty[i]; ++i) {
        const char c = pretty[i];
        if (c == '<') ++depth;
        else if (c == '>' && depth) --depth;
        else if (depth) continue;
        else if (c == ' ') begin = i + 1;
        else if (c == '(' && i > begin) break;  // not of "(anonymous namespace)"
        else if (c == '(')
            while (pretty[i] && pretty[i] != ')') ++i;
    }
    while (pretty[begin] == '*' || pretty[begin] == '&') ++begin;
    return {pretty + begin, i > begin ? i - begin : 0};
}

// Whose spans without a row are.
inline constexpr apm::scope unnamed_scope{.name = ""};
inline constexpr span_row unnamed_row{nullptr, "", "", &unnamed_scope, &attributes<no_attributes>::info, span_kind::internal, 1};

template <mode M>
class literal_scope : public span_handle<M> {
public:
    APM_INLINE explicit literal_scope(const literal& name)
        : span_handle<M>(begin<manner{.linked = true, .measured = false}>(unnamed_row)) {
        if (this->recording()) add_name(*this->span_, name);
    }
    literal_scope(const literal_scope&) = delete;
    literal_scope& operator=(const literal_scope&) = delete;
    APM_INLINE ~literal_scope() {
        if (this->span_) end(*this->span_, this->id_);
    }
    using span_handle<M>::set;
    APM_INLINE void set() const {}

private:
    APM_COLD static void add_name(open_span& s, const literal& name) {
        char* to = room_for(s, 5 + sizeof name.text);
        to = put_raw(put_raw(to, item::name_at), std::uint32_t{sizeof name});
        __builtin_memcpy(to, &name, sizeof name);
        s.used += 5 + static_cast<std::uint32_t>(sizeof name);
    }
};
template <>
class literal_scope<mode::off> : public span_handle<mode::off> {
public:
    APM_INLINE constexpr explicit literal_scope(const literal&) {}
    using span_handle<mode::off>::set;
    APM_INLINE constexpr void set() const {}
};

template <mode M = APM_MODE>
[[nodiscard]] APM_INLINE literal_scope<M> open_scope(const literal& name) {
    return literal_scope<M>(name);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
