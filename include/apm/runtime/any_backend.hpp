// A back end of any type, as the runtime calls it.
#pragma once

#include <chrono>
#include <concepts>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/collect.hpp>
#include <apm/config.hpp>
#include <apm/detail/guarded.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/throttle.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// Refers to a back end, which must outlive it, without its type. What the back end throws becomes an error.
struct any_backend {
    void* self = nullptr;
    std::string name = {};
    error (*start)(void*, const resource&) = nullptr;
    error (*stop)(void*, deadline) = nullptr;
    error (*push)(void*, deadline) = nullptr;                  // collect and export; null for a pull back end
    error (*spans)(void*, const span_batch&, deadline) = nullptr;  // null where it takes none
    bool (*flush)(void*, deadline) = nullptr;                  // null where it keeps nothing
    bool survives_forks = false;                               // a child may call it, whatever the parent was in
    std::chrono::milliseconds interval = std::chrono::minutes(1);
    void (*select_signals)(any_backend&) = nullptr;  // once it is started: forgets what it does not want to be handed

    template <backend B>
    static any_backend of(B& b) {
        any_backend any;
        any.self = &b;
        static_cast<void>(guarded([&] { return any.name = b.name(), error{}; }));
        if (any.name.empty()) any.name = "a back end without a name";
        any.start = [](void* p, const resource& who) { return guarded([&] { return static_cast<B*>(p)->start(who); }); };
        any.stop = [](void* p, deadline by) { return guarded([&] { return static_cast<B*>(p)->stop(by); }); };
        if constexpr (span_backend<B>)
            any.spans = [](void* p, const span_batch& s, deadline by) {
                return guarded([&] { return static_cast<B*>(p)->export_spans(s, by); });
            };
        if constexpr (requires { { b.sends_spans() && b.sends_metrics() } -> std::convertible_to<bool>; })
            any.select_signals = [](any_backend& one) {
                const B& started = *static_cast<const B*>(one.self);
                if (!started.sends_spans()) one.spans = nullptr;
                if (!started.sends_metrics()) one.push = nullptr;
            };
        if constexpr (requires { B::survives_forks; }) any.survives_forks = B::survives_forks;
        if constexpr (flushing_backend<B>)
            any.flush = [](void* p, deadline by) {
                bool all = false;
                return guarded([&] { return all = static_cast<B*>(p)->flush(by), error{}; }).empty() && all;
            };
        if constexpr (push_backend<B>) {
            any.push = [](void* p, deadline by) {
                return guarded([&] {
                    B& to = *static_cast<B*>(p);
                    if constexpr (requires { { to.collect() } -> std::same_as<snapshot>; }) {
                        snapshot s = to.collect();
                        return to.export_metrics(s, by);
                    } else {
                        snapshot s = collect();
                        return to.export_metrics(s, by);
                    }
                });
            };
            const error failed = guarded([&] { return any.interval = b.interval(), error{}; });
            if (!failed.empty()) report("%s: interval() %s; taken as a minute", any.name.c_str(), failed.c_str());
        }
        return any;
    }
};

inline void say(std::string_view who, const error& e) {
    if (!e.empty()) report("%.*s: %s", static_cast<int>(who.size()), who.data(), e.c_str());
}

// The same, for what may go wrong again and again.
inline void say(throttle& lines, std::string_view who, const error& e) {
    if (!e.empty() && lines.admits(who, e)) say(who, e);
}

}  // namespace apm::inline APM_ABI::detail
