// The table of back ends that come with apm. A new one is an entry in impl/runtime.ipp, an apm_backend() in
// tools/cmake/apmBackends.cmake, and a file impl/<name>.ipp that defines its make function.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/any_backend.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

// One of ours, running: its calls as a back end, and what only some have.
class builtin_backend {
public:
    any_backend calls;

    builtin_backend() = default;
    builtin_backend(const builtin_backend&) = delete;
    builtin_backend& operator=(const builtin_backend&) = delete;
    virtual ~builtin_backend() = default;

    // Has server threads, which a forked child lacks: they may have held its locks, so that the child never destroys it.
    [[nodiscard]] virtual bool has_threads() const { return false; }
    [[nodiscard]] virtual std::uint16_t port() const { return 0; }
    [[nodiscard]] virtual std::string trace_path() const { return {}; }
    virtual void show(other_families) {}
};

// A back end of type B with no more than that.
template <class B>
class builtin_of : public builtin_backend {
public:
    template <class... Options>
    explicit builtin_of(const Options&... options) : made(options...) { calls = any_backend::of(made); }

protected:
    B made;
};

// A row of the table.
struct builtin {
    const char* name;    // in OTEL_TRACES_EXPORTER and OTEL_METRICS_EXPORTER
    const char* option;  // CMake's, without APM_BACKEND_
    bool takes_traces, takes_metrics;
    // `start`: the state of control when the runtime started. Null: not in this build.
    std::shared_ptr<builtin_backend> (*make)(const runtime_options& options, const control::state& start);
};

// In the order in which they are listed to users, which is the reverse of that in which they start and stop. Those that are not
// in this build are in it, without a make function.
std::span<const builtin> builtins();

// Null where there is none of that name.
inline const builtin* builtin_named(std::string_view name) {
    for (const builtin& b : builtins())
        if (b.name == name) return &b;
    return nullptr;
}
inline bool in_this_build(std::string_view name) {
    const builtin* const b = builtin_named(name);
    return b && b->make;
}

}  // namespace apm::inline APM_ABI::detail
