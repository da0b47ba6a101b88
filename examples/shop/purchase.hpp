// What goes over the wire between the services: a form, as a browser sends one, so that `curl -d` and any language can.
//
//     customer=7&items=3&cents=2499&method=card&card=4000+0000
#pragma once

#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>

#include <apm/schema/shop.hpp>

namespace shop {

struct Purchase {
    std::uint64_t customer = 0;
    int items = 1;
    std::int64_t cents = 0;
    Method method = Method::card;
    std::string card = {};          // its number
};

using Form = std::map<std::string, std::string, std::less<>>;

std::string to_text(const Form& form);
Form form_of(std::string_view text);

template <class Number>
bool read(const Form& form, std::string_view name, Number& to) {
    const auto at = form.find(name);
    if (at == form.end()) return true;   // as it was
    const char* const end = at->second.data() + at->second.size();
    const auto [stop, failed] = std::from_chars(at->second.data(), end, to);
    return failed == std::errc{} && stop == end && to >= 0;
}
inline bool read(const Form& form, std::string_view name, Method& to) {
    const auto at = form.find(name);
    return at == form.end() || boost::describe::enum_from_string(at->second.c_str(), to);
}

inline std::string to_text(const Purchase& p) {
    return to_text(Form{{"customer", std::to_string(p.customer)}, {"items", std::to_string(p.items)},
                        {"cents", std::to_string(p.cents)}, {"card", p.card},
                        {"method", boost::describe::enum_to_string(p.method, "card")}});
}
// None where a field is not what it should be.
inline std::optional<Purchase> purchase_of(const Form& form) {
    Purchase p;
    if (!read(form, "customer", p.customer) || !read(form, "items", p.items) || !read(form, "cents", p.cents) ||
        !read(form, "method", p.method)) return {};
    if (const auto card = form.find("card"); card != form.end()) p.card = card->second;
    return p;
}

}  // namespace shop
