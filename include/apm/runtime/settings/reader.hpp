// Reads settings, one after the other, from the sources over the options. A value that cannot be read is one line and the
// default; an unknown APM_* name is one line with the nearest known one.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/edit_distance.hpp>
#include <apm/detail/number.hpp>
#include <apm/detail/pairs.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/url.hpp>
#include <apm/runtime/settings/source.hpp>

namespace apm::inline APM_ABI::detail {

inline constexpr std::int64_t hour = 3'600'000;  // of milliseconds, as a bound

// A comma-separated list, trimmed, lower case.
inline std::vector<std::string> read_list(std::string_view value) {
    std::vector<std::string> items;
    split(value, ',', [&items](std::string_view item) {
        item = without_white_space(item);
        if (item.empty()) return;
        std::ranges::transform(item, std::back_inserter(items.emplace_back()), to_lower);
    });
    return items;
}

// The value that a setting has, and why, for tools/apm-doctor. A secret's value is not here.
struct effective_setting {
    std::string name, value;
    std::string from;  // what the source says of it: the variable; empty: the code, or the default
};

// Each function takes the names of a setting in order, and leaves in `target` the value of the first that a source has, without
// white space around it; an empty value is an unset one. Of several sources the first that has any of the names counts. The last
// source is the code: what is in `target` already. Text that options view afterwards lives as long as this object.
class settings_reader {
public:
    // Of every setting that was read, in that order.
    std::vector<effective_setting> effective;
    // Every name that was looked for, some of them more than once.
    [[nodiscard]] const std::deque<std::string>& known() const { return known_; }

    settings_reader() : settings_reader(environment()) {}
    // The sources must outlive this object.
    explicit settings_reader(std::vector<const settings_source*> sources) : sources_(std::move(sources)) {}

    static std::vector<const settings_source*> environment() {
        static const environment_variables all;
        return {&all};
    }

    struct found {
        const char* name;
        const char* value;                      // null: none is set
        const settings_source* source = nullptr;
    };
    template <class... Name>
    found first(const Name&... names) {
        const char* const all[] = {known_.emplace_back(names).c_str()...};
        for (const settings_source* const source : sources_)
            for (const char* const name : all)
                if (const char* const value = source->find(name)) {
                    const std::string_view text = without_white_space(value);
                    if (text.empty()) continue;
                    const bool is_whole = text.size() == std::string_view(value).size();
                    return {name, is_whole ? value : kept_.emplace_back(text).c_str(), source};
                }
        return {nullptr, nullptr};
    }

    // True where a source gave it; so with the others. Text is a std::string or a std::string_view.
    template <class Text, class... Name>
    bool text(Text& target, const Name&... names) {
        const found f = first(names...);
        if (f.value) target = kept_.emplace_back(f.value);
        return remember(f, std::string(target), names...);
    }
    // What of it holds a secret is not remembered.
    template <class Text, class... Name>
    bool url(Text& target, const Name&... names) {
        const bool given = text(target, names...);
        shown_as(url_without_secrets(target));
        return given;
    }
    template <class Text, class... Name>
    bool secret(Text& target, const Name&... names) {
        const bool given = text(target, names...);
        shown_as(target.empty() ? "" : "(set, not shown)");
        return given;
    }
    template <class T, class... Name>
    bool number(T& target, std::uint64_t low, std::uint64_t high, const Name&... names) {
        found f = first(names...);
        if (f.value && !read_number(f.value, low, high, target)) {
            report("%s=%s is no number from %llu to %llu; using %llu", f.name, f.value, static_cast<unsigned long long>(low),
                   static_cast<unsigned long long>(high), static_cast<unsigned long long>(target));
            f = {nullptr, nullptr};
        }
        return remember(f, std::to_string(target), names...);
    }
    // Milliseconds. What the code gave is brought within the bounds, too.
    template <class... Name>
    bool duration(std::chrono::milliseconds& target, std::int64_t low, std::int64_t high, const Name&... names) {
        auto ms = std::clamp<std::int64_t>(target.count(), low, high);
        const bool given = number(ms, static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high), names...);
        target = std::chrono::milliseconds(ms);
        return given;
    }
    // OpenTelemetry's booleans are `true` and `false`, in any case.
    bool boolean(const char* variable, bool otherwise) {
        found f = first(variable);
        bool value = otherwise;
        if (f.value && equal_ignoring_case(f.value, "true")) value = true;
        else if (f.value && equal_ignoring_case(f.value, "false")) value = false;
        else if (f.value) {
            report("%s=%s is neither true nor false; using %s", f.name, f.value, otherwise ? "true" : "false");
            f = {nullptr, nullptr};
        }
        remember(f, value ? "true" : "false", variable);
        return value;
    }
    text_pairs pairs(const char* variable) {
        text_pairs result;
        const found f = first(variable);
        std::string at;
        if (f.value && !read_pairs(f.value, result, at))
            report("%s is not a list k1=v1,k2=v2 with percent-encoding (at \"%s\"); ignored", variable, at.c_str());
        remember(f, f.value ? f.value : "", variable);
        return result;
    }

    // Of what was remembered last: how it is to be shown, or where it came from.
    void shown_as(std::string value) { effective.back().value = std::move(value); }
    void due_to(std::string variable) { effective.back().from = std::move(variable); }

    // One line for each unknown APM_* name, and for what is all but a known one of OpenTelemetry's.
    void report_unknown() const {
        for (const settings_source* const source : sources_)
            source->each_name([this](std::string_view name) { report_if_unknown(name); });
    }

private:
    void report_if_unknown(std::string_view name) const {
        const bool ours = name.starts_with("APM_");
        if ((!ours && !name.starts_with("OTEL_")) || std::find(known_.begin(), known_.end(), name) != known_.end()) return;
        // One that was cut short, else the one with the fewest edits.
        auto nearest = std::find_if(known_.begin(), known_.end(), [name](const auto& k) { return k.starts_with(name); });
        if (nearest == known_.end())
            nearest = std::min_element(known_.begin(), known_.end(), [name](const auto& a, const auto& b) {
                return edit_distance(name, a) < edit_distance(name, b);
            });
        // OpenTelemetry's are many, for other languages and for signals that we do not have: only what is nearly a known one.
        if (nearest == known_.end()) return;
        if (!ours && (edit_distance(name, *nearest) > 2 || name.starts_with("OTEL_BLRP_"))) return;
        report("unknown setting %.*s; did you mean %s?", static_cast<int>(name.size()), name.data(), nearest->c_str());
    }
    template <class T>
    static bool read_number(std::string_view digits, std::uint64_t low, std::uint64_t high, T& target) {
        std::uint64_t n = 0;
        if (!read_integer(digits, n, low, high)) return false;
        target = static_cast<T>(n);
        return true;
    }
    template <class Name, class... More>
    bool remember(const found& f, std::string value, const Name& name, const More&...) {
        effective.push_back({name, std::move(value), f.value ? f.source->origin(f.name) : ""});
        return f.value != nullptr;
    }
    std::vector<const settings_source*> sources_;
    std::deque<std::string> known_, kept_;  // names that were asked for; values that options view
};

}  // namespace apm::inline APM_ABI::detail
