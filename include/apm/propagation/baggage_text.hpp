// W3C Baggage as text: https://www.w3.org/TR/baggage/
//
//     baggage: tenant=acme,region=eu%20west;source=cookie      key=value, percent-encoded; then properties, which are opaque
#pragma once

#include <cstddef>
#include <string_view>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/url.hpp>
#include <apm/propagation/text.hpp>
#include <apm/tracing/shared_trace.hpp>

namespace apm::inline APM_ABI::detail {

inline constexpr std::size_t most_baggage = 64, most_baggage_text = shared_trace::most_text;

constexpr bool baggage_char(char c) { return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\'; }

constexpr bool valid_baggage_key(std::string_view key) {
    for (const char c : key)
        if (!is_token(c)) return false;
    return !key.empty();
}
constexpr bool valid_baggage_value(std::string_view value) {
    for (const char c : value)
        if (!baggage_char(c)) return false;
    return true;
}

// A list's member; the properties are everything behind the first semicolon.
struct baggage_member {
    std::string_view key, value, properties;
};
inline bool read_baggage_member(std::string_view text, baggage_member& m) {
    std::string_view properties = trimmed(text);
    const std::string_view pair = cut_until(properties, ';');
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos) return false;
    m = {trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1)), trimmed(properties)};
    return valid_baggage_key(m.key) && valid_baggage_value(m.value);
}

// `a ; b = c` as `a;b=c`, each with a semicolon before. False where one is malformed.
template <class Out>
bool put_properties(Out& to, std::string_view properties) {
    while (properties.data()) {
        const std::string_view one = trimmed(cut_until(properties, ';'));
        if (one.empty()) continue;
        const std::size_t equals = one.find('=');
        const std::string_view key = trimmed(one.substr(0, equals));
        if (!valid_baggage_key(key)) return false;
        to.put(';');
        to.put(key);
        if (equals == one.npos) continue;
        const std::string_view value = trimmed(one.substr(equals + 1));
        if (!valid_baggage_value(value)) return false;
        to.put('=');
        to.put(value);
    }
    return true;
}

// What a header does not take as it is, as %XX.
template <class Out>
void put_percent_encoded(Out& to, std::string_view raw) {
    put_percent_encoded(to, raw, [](char c) { return c != '%' && baggage_char(c); });
}
// Calls f(char) for each byte. A % that two digits do not follow stands for itself.
template <class F>
void percent_decoded(std::string_view text, F&& f) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (char byte = 0; is_percent_encoded(text, i, byte)) {
            f(byte);
            i += 2;
        } else {
            f(text[i]);
        }
    }
}

inline bool baggage_has(std::string_view canonical, std::string_view key) {
    while (canonical.data()) {
        const std::string_view member = cut_until(canonical, ',');
        if (member.substr(0, member.find('=')) == key) return true;
    }
    return false;
}

// The value of one header or of several, as it is sent on: blanks and empty members gone, and malformed ones. Beyond the limits
// whole members are dropped, from the right.
class baggage_text {
public:
    void add(std::string_view header) {
        while (header.data() && !full_) {
            const std::string_view member = trimmed(cut_until(header, ','));
            if (baggage_member m; !member.empty() && read_baggage_member(member, m)) add(m);
        }
    }
    void add(const baggage_member& m) {
        if (full_) return;
        const std::size_t before = text_.size();
        if (before) text_.put(',');
        text_.put(m.key);
        text_.put('=');
        text_.put(m.value);
        const bool good = put_properties(text_, m.properties);
        full_ = good && (members_ == most_baggage || text_.overflows());
        if (!good || full_) text_.cut_to(before);
        else ++members_;
    }
    // Of Jaeger: encoded as in a URL; what a header does not take is encoded, too. What is there already stays. Doubles are
    // counted: no more are read than there may be members.
    [[gnu::noinline]] void add_url_encoded(std::string_view key, std::string_view value) {
        if (full_ || !valid_baggage_key(key)) return;
        if (baggage_has(view(), key)) {
            full_ = ++doubled_ > most_baggage;
            return;
        }
        fixed_text<most_baggage_text> encoded;
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (char byte = 0; is_percent_encoded(value, i, byte)) encoded.put(value.substr(i, 3)), i += 2;
            else if (value[i] == '+') encoded.put("%20");
            else put_percent_encoded(encoded, value.substr(i, 1));
        }
        if (encoded.overflows()) full_ = true;
        else add({key, encoded.view(), {}});
    }
    [[nodiscard]] std::string_view view() const { return text_.view(); }
    [[nodiscard]] bool cut() const { return full_; }

private:
    fixed_text<most_baggage_text> text_;
    std::size_t members_ = 0, doubled_ = 0;
    bool full_ = false;
};

// --- what may leave ---------------------------------------------------------------------------------------------------

// Made once, and never freed: a thread may be reading it.
struct baggage_keys {
    std::size_t count;
    std::string_view* keys;
    baggage_keys* next;  // of all that were made

    [[nodiscard]] bool has(std::string_view key) const {
        for (std::size_t i = 0; i < count; ++i)
            if (keys[i] == key) return true;
        return false;
    }
};
inline void put_allowed(bounded_text& to, std::string_view baggage, const baggage_keys& allowed) {
    while (baggage.data()) {
        const std::string_view member = cut_until(baggage, ',');
        if (!allowed.has(member.substr(0, member.find('=')))) continue;
        if (to.size()) to.put(',');
        to.put(member);
    }
}

[[APM_HIDDEN]] inline constinit cell baggage_was_cut{};
APM_COLD inline void say_baggage_was_cut() {
    if (__atomic_fetch_add(&baggage_was_cut.bits, 1u, __ATOMIC_RELAXED) == 0)
        report("baggage of more than %zu members or %zu bytes: what is beyond is dropped (said once)", most_baggage,
               most_baggage_text);
}

}  // namespace apm::inline APM_ABI::detail
