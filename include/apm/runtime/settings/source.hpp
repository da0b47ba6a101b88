// Where settings come from: anything that has a value for a name. The names are those of environment variables, for every source.
#pragma once

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include <unistd.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// A source is read while the runtime starts, by one thread, and never again.
class settings_source {
public:
    settings_source() = default;
    settings_source(const settings_source&) = delete;
    settings_source& operator=(const settings_source&) = delete;
    virtual ~settings_source() = default;

    // Null, or empty, where it has none. Valid as long as the source.
    [[nodiscard]] virtual const char* find(const char* name) const = 0;
    // What the value is due to, in words for an operator: the variable, or a place in a file.
    [[nodiscard]] virtual std::string origin(const char* name) const { return name; }
    // Calls f with every name that it has a value for: some are misspelled.
    virtual void each_name(const std::function<void(std::string_view)>& f) const = 0;
};

class environment_variables final : public settings_source {
public:
    [[nodiscard]] const char* find(const char* name) const override { return std::getenv(name); }
    void each_name(const std::function<void(std::string_view)>& f) const override {
        for (char** entry = environ; entry && *entry; ++entry) {
            const std::string_view variable = *entry;
            f(variable.substr(0, variable.find('=')));
        }
    }
};

}  // namespace apm::inline APM_ABI::detail
