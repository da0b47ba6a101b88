// Environment variables: OpenTelemetry's names, ours, and older names that programs already set. A value that cannot be
// read is one line and the default; an unknown APM_* name is one line with the nearest known name.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/root.hpp>

namespace apm::inline APM_ABI::detail::environment {

// The first of these variables that is set and not empty (an empty value is an unset one).
template <class... Name>
const char* first_set(const char*& name, Name... candidates) {
    for (const char* candidate : {candidates...}) {
        const char* value = std::getenv(candidate);
        if (value && *value) return name = candidate, value;
    }
    return nullptr;
}

template <class... Name>
void text(std::string& target, Name... names) {
    const char* name = nullptr;
    if (const char* value = first_set(name, names...)) target = value;
}

template <class T, class... Name>
void number(T& target, std::uint64_t low, std::uint64_t high, Name... names) {
    const char* name = nullptr;
    const char* value = first_set(name, names...);
    if (!value) return;
    const std::string_view digits = value;
    std::uint64_t n = 0;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (failed == std::errc{} && end == digits.data() + digits.size() && n >= low && n <= high) {
        target = static_cast<T>(n);
        return;
    }
    report("%s=%s is no number from %llu to %llu; using %llu", name, value, static_cast<unsigned long long>(low),
           static_cast<unsigned long long>(high), static_cast<unsigned long long>(target));
}

// OpenTelemetry's booleans are `true` and `false`, in any case.
inline bool boolean(const char* variable, bool otherwise) {
    const char* value = std::getenv(variable);
    if (!value || !*value) return otherwise;
    if (equal_ignoring_case(value, "true")) return true;
    if (equal_ignoring_case(value, "false")) return false;
    report("%s=%s is neither true nor false; using %s", variable, value, otherwise ? "true" : "false");
    return otherwise;
}

// `k1=v1,k2=v2`, percent-encoded. Any error discards the whole variable, as the specification says.
inline std::vector<std::pair<std::string, std::string>> pairs(const char* variable) {
    std::vector<std::pair<std::string, std::string>> result;
    const char* value = std::getenv(variable);
    if (!value || !*value) return result;
    const auto decoded = [](std::string_view s, std::string& out) {
        for (std::size_t i = 0; i < s.size(); ++i) {
            if (s[i] != '%') {
                out += s[i];
                continue;
            }
            unsigned byte = 0;
            if (i + 2 >= s.size() || std::from_chars(&s[i + 1], &s[i + 1] + 2, byte, 16).ptr != &s[i + 1] + 2) return false;
            out += static_cast<char>(byte);
            i += 2;
        }
        return true;
    };
    bool good = true;
    split(value, ',', [&](std::string_view pair) {
        if (!good) return;
        const std::size_t equals = pair.find('=');
        auto& [key, text] = result.emplace_back();
        good = equals != pair.npos && decoded(trimmed(pair.substr(0, equals)), key) && !key.empty() &&
               decoded(trimmed(pair.substr(equals + 1)), text);
        if (good) return;
        report("%s is not a list k1=v1,k2=v2 with percent-encoding (at \"%.*s\"); ignored", variable,
               static_cast<int>(pair.size()), pair.data());
    });
    if (!good) result.clear();
    return result;
}

// A comma-separated list, trimmed, lower case.
inline std::vector<std::string> list(const char* value) {
    std::vector<std::string> items;
    split(value, ',', [&items](std::string_view item) {
        if (item.empty()) return;
        std::ranges::transform(item, std::back_inserter(items.emplace_back()), to_lower);
    });
    return items;
}

// Levenshtein's distance: how many edits apart two names are.
inline std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

// One line for each APM_* variable that nobody reads.
inline void report_unknown(std::initializer_list<std::string_view> known) {
    for (char** entry = environ; entry && *entry; ++entry) {
        const std::string_view variable = *entry;
        const std::string_view name = variable.substr(0, variable.find('='));
        if (!name.starts_with("APM_") || std::find(known.begin(), known.end(), name) != known.end()) continue;
        const auto nearest = std::min_element(known.begin(), known.end(), [name](auto a, auto b) {
            return distance(name, a) < distance(name, b);
        });
        report("unknown setting %.*s; did you mean %.*s?", static_cast<int>(name.size()), name.data(),
               static_cast<int>(nearest->size()), nearest->data());
    }
}

}  // namespace apm::inline APM_ABI::detail::environment
