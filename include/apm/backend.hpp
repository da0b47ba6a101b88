// The concept of a back end, and what the runtime guarantees to it.
//
// Threads: start(), export_metrics(), export_spans() and stop() are called by one thread at a time, never concurrently. A pull
// back end (Prometheus) has threads of its own and calls apm::collect() from them. Lifetime: start() once, then stop() once;
// after stop() nothing of the back end runs any more. Errors are values, and what a call throws is taken as one; the runtime
// reports it in one line. A call should return by its deadline; one that does not is left behind in the call, gets no stop(), and
// the runtime goes on without it. A batch, and all views into it, are valid during export_spans() only.
//
// A back end may have these, too:
//     snapshot collect()                         metrics come from here, not from apm::collect()
//     bool sends_spans(), sends_metrics()        both; asked once after start(): false, and it is not handed these
//     static constexpr bool survives_forks       true: a forked child may call it, whatever the parent was doing in it
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <unistd.h>

#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/uuid.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

// The source of telemetry: OpenTelemetry's resource, `service.name` first. Text is UTF-8.
using resource_value = std::variant<std::string, std::int64_t>;
struct resource {
    std::vector<std::pair<std::string, resource_value>> attributes;
    bool generated_instance_id = false;  // service.instance.id is random, of this process alone
};
inline std::string text_of(const resource_value& v) {
    const auto* n = std::get_if<std::int64_t>(&v);
    return n ? std::to_string(*n) : std::get<std::string>(v);
}

namespace detail {

// In a forked child, whose process and instance are others than its parent's.
inline resource of_this_process(resource who) {
    for (auto& [name, value] : who.attributes) {
        if (name == "process.pid") value = std::int64_t{getpid()};
        if (name == "service.instance.id" && who.generated_instance_id) value = random_uuid();
    }
    return who;
}

}  // namespace detail

using deadline = std::chrono::steady_clock::time_point;

// One line that says what failed, where, and what to do; empty: all is well.
using error = std::string;

template <class B>
concept backend = requires(B& b, const resource& who, deadline by) {
    { b.name() } -> std::convertible_to<std::string_view>;
    { b.start(who) } -> std::same_as<error>;  // on an error the back end is as if never started; the program runs on
    { b.stop(by) } -> std::same_as<error>;    // flushes what it can until then
};

// A back end that is handed snapshots at an interval, by the runtime's one thread, and once more before stop(). They come from
// apm::collect(), or from its own collect(), if it has one: a delta_reader's, say.
template <class B>
concept push_backend = backend<B> && requires(B& b, snapshot& s, deadline by) {  // s is the back end's own to keep
    { b.interval() } -> std::same_as<std::chrono::milliseconds>;
    { b.export_metrics(s, by) } -> std::same_as<error>;
};

// A back end that is handed finished spans, by the runtime's one thread: at the runtime's span interval, when a ring is half
// full, and once more before stop(). Every such back end sees the same batch, one after the other. What it fails to deliver is
// counted as lost; the batch is not offered again.
template <class B>
concept span_backend = backend<B> && requires(B& b, const span_batch& s, deadline by) {
    { b.export_spans(s, by) } -> std::same_as<error>;
};

// A back end that keeps for later what it is handed, and delivers it when the program flushes. Called by the thread
// that flushes, at any time between start() and stop().
template <class B>
concept flushing_backend = backend<B> && requires(B& b, deadline by) {
    { b.flush(by) } -> std::same_as<bool>;  // whether that was all done by then
};

}  // namespace apm::inline APM_ABI
