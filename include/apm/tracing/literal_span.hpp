// Spans without a row: of a string literal, or of a function's name.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>
#include <apm/detail/character.hpp>
#include <apm/detail/fixed_string.hpp>
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

constexpr bool continues_name(char c) { return c == '_' || is_alphanumeric(c); }
// Behind the parenthesis that closes the one at s[i].
constexpr std::uint32_t behind_parentheses(const char* s, std::uint32_t i) {
    std::uint32_t open = 0;
    for (; s[i]; ++i) {
        if (s[i] == '(') ++open;
        if (s[i] == ')' && --open == 0) return i + 1;
    }
    return i;
}
// Of an operator: where its parameters begin. `i` is behind the word.
constexpr std::uint32_t behind_operator(const char* s, std::uint32_t i) {
    if (s[i] == '(') return i + 2;  // operator()
    const bool of_words = s[i] == ' ';  // new, delete, or a type: operator std::function<void()>
    for (std::uint32_t depth = 0; s[i] && (depth || s[i] != '('); ++i) {
        if (of_words && s[i] == '<') ++depth;
        if (of_words && s[i] == '>') --depth;
    }
    return i;
}

// "shop::Cart::add" of "void shop::Cart::add(const T&) [with T = int]": before the parameters, behind the result. Of a lambda,
// or of a class within a function, it is that function's.
constexpr literal function_name(const char* pretty) {
    std::uint32_t begin = 0, depth = 0, i = 0;
    while (pretty[i]) {
        const char c = pretty[i];
        if (c == '<' || c == '>') {
            c == '<' ? ++depth : depth -= depth > 0;
        } else if (depth) {
        } else if (c == '(') {
            const std::uint32_t behind = behind_parentheses(pretty, i);
            const bool is_name = begins_with(pretty + behind, "::") && (i == begin || pretty[i - 1] == ':');
            if (is_name || begins_with(pretty + begin, "decltype(")) {  // (anonymous namespace)::f(), decltype(auto) f()
                i = behind;
                continue;
            }
            if (i != begin) break;
            begin = i + 1;  // void (*f())(int)
        } else if (c == ' ' || c == '*' || c == '&') {
            begin = i + 1;
        } else if (c == 'o' && begins_with(pretty + i, "operator") && !(i && continues_name(pretty[i - 1])) &&
                   !continues_name(pretty[i + 8])) {
            i = behind_operator(pretty, i + 8);
            break;
        }
        ++i;
    }
    return {pretty + begin, i > begin ? i - begin : 0};
}

// Whose spans without a row are.
inline constexpr apm::scope unnamed_scope{.name = ""};
inline constexpr span_row unnamed_row{nullptr, "", "", &unnamed_scope, &attributes<no_attributes>::info, span_kind::internal, 1,
                                      nullptr};

template <mode M>
class literal_scope : public span_handle<M> {
public:
    APM_INLINE explicit literal_scope(const literal& name)
        : span_handle<M>(begin<start_options{.linked = true, .measured = false, .own_sampler = false}>(unnamed_row)) {
        if (this->recording()) add_name(*this->span_, name);
    }
    literal_scope(const literal_scope&) = delete;
    literal_scope& operator=(const literal_scope&) = delete;
    APM_INLINE ~literal_scope() {
        if (this->span_) end(*this->span_, this->id_);
    }
    APM_INLINE void begin_with() const {}

private:
    // The first item, for which there is room in every span.
    APM_COLD static void add_name(open_span& s, const literal& name) {
        constexpr std::uint32_t size = sizeof name;
        static_assert(5 + size <= sizeof s.within);
        put_raw(put_raw(put_raw(s.items, item::name_at), size), name);
        s.used = 5 + size;
    }
};
template <>
class literal_scope<mode::off> : public span_handle<mode::off> {
public:
    APM_INLINE constexpr explicit literal_scope(const literal&) {}
    APM_INLINE constexpr void begin_with() const {}
};

// Of level 1, as a row is unless it says otherwise.
template <mode M = APM_MODE, int Highest = APM_TRACE_LEVEL>
[[nodiscard]] APM_INLINE auto open_scope(const literal& name) {
    return literal_scope<Highest >= 1 ? M : mode::off>(name);
}

}  // namespace detail

}  // namespace apm::inline APM_ABI
