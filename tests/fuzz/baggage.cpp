#include <apm/baggage.hpp>

#include "fuzz.hpp"

void fuzz(std::string_view input) {
    apm::detail::baggage_text text, again;
    for (const std::string_view line : lines_of(input)) text.add(line);
    again.add(text.view());
    ALWAYS(again.view() == text.view() && !again.cut());
    ALWAYS(text.view().size() <= 8192);
    std::size_t members = 0;
    for (std::string_view rest = text.view(); !text.view().empty() && rest.data(); ++members) {
        apm::detail::baggage_member m;
        ALWAYS(apm::detail::read_baggage_member(apm::detail::cut_until(rest, ','), m));
        ALWAYS(apm::detail::utf8_valid(apm::detail::baggage_value(m.value).data(), apm::detail::baggage_value(m.value).size()));
    }
    ALWAYS(members <= 64);

    // As a value: each key once, and the same when it is read again.
    ALWAYS(apm::baggage(input).header().size() <= 8192 && apm::baggage(input).size() <= 64);
    apm::baggage value(text.view());
    const auto same_read_again = [&] {
        const bool fits = value.size() <= 64 && value.header().size() <= 8192;
        return !fits || apm::baggage(value.header()) == value;
    };
    ALWAYS(value.size() <= members && apm::baggage(value.header()) == value);
    value.each([&](std::string_view key, const std::string& one, std::string_view) { ALWAYS(value.get(key) == one); });
    // Any text can be a value.
    value.set("any", input);
    std::string repaired(3 * input.size() + 1, '\0');
    repaired.resize(apm::detail::utf8_repair(input.data(), input.size(), repaired.data()));
    ALWAYS(value.get("any") == repaired);
    value.set(input, "1");
    ALWAYS(same_read_again());
    value.set("meta", "1", input);
    ALWAYS(value.get("meta") == "1" && same_read_again());
    const apm::context c = value.in({});
    ALWAYS(!c.shared.get() || c.shared.get()->baggage_size <= 8192);
    // Jaeger's.
    apm::detail::baggage_text jaeger;
    jaeger.add_url_encoded("key", input);
    apm::detail::baggage_text same;
    same.add(jaeger.view());
    ALWAYS(same.view() == jaeger.view() && (jaeger.cut() || jaeger.view().substr(0, 4) == "key="));
}
