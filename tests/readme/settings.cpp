// Prints what the environment of a program with apm::runtime may say: a line for each variable that the code asks for, and the
// default of those that are settings. tests/readme/settings.py compares it with the document.
//
//     OTEL_BSP_SCHEDULE_DELAY=5000       a setting, and its default
//     APM_SERVICE_NAME                   another name of one, or what only shows where the program runs
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include <apm/runtime.hpp>
#include <apm/runtime/settings.hpp>

int main() {
    apm::on_error([](const char*) {});
    std::set<std::string> names;
    const auto asked_for = [&names](const apm::detail::settings& s) {
        for (const std::string& name : s.reader.known()) names.insert(name);
    };
    clearenv();
    {
        apm::runtime_options options;
        const apm::detail::settings s(options);
        for (const auto& one : s.reader.effective) std::printf("%s=%s\n", one.name.c_str(), one.value.c_str());
        asked_for(s);
        for (const auto& one : s.reader.effective) names.erase(one.name);
    }
    // Asked for only where these are set.
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    setenv("JAEGER_ENDPOINT", "http://jaeger:14268/api/traces", 1);
    {
        apm::runtime_options options;
        const apm::detail::settings s(options);
        asked_for(s);
        for (const auto& one : s.reader.effective) names.erase(one.name);
    }
    for (const std::string& name : names) std::puts(name.c_str());
}
