// Where telemetry is sent to, what became of it, and who is told: the words that the parts of OTLP's transport share.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::otlp {

inline constexpr std::string_view protobuf_type = "application/x-protobuf", json_type = "application/json";

// One for each signal. Everything is resolved, and checked by whoever makes it: no environment variable is read later.
struct destination {
    std::string name;         // "traces", "metrics": in messages and the names of files
    std::string url;          // http://host:4318/v1/traces; of a unix socket http://localhost/v1/traces
    std::string unix_socket;  // its path; empty: TCP
    std::vector<std::pair<std::string, std::string>> headers = {};  // in addition; values are secrets, which nothing here prints
    std::vector<std::string> secrets = {};                          // more that is not to be printed
    std::string content_type = std::string(protobuf_type);          // or json_type
    bool gzip = false;
    std::chrono::milliseconds timeout{10'000};               // of one attempt; 0: none
    std::string certificate, client_key, client_certificate; // paths of PEM files; no certificate: the system's
    std::string proxy, no_proxy;                             // as curl takes them; empty: none
    std::uint64_t queue_bytes = 16 << 20, queue_items = 0;   // of what waits in memory; items 0: no bound of their own
    bool drop_oldest = false;                                // full: the oldest that waits goes; else what comes is refused
    std::chrono::milliseconds max_elapsed_time{300'000};              // a batch that was not delivered for so long is lost
    std::chrono::milliseconds initial_backoff{1'000}, max_backoff{30'000};  // between attempts
    std::uint64_t max_request_bytes = 64 << 20;                   // bytes, before compression
    std::uint64_t max_reply_bytes = 4 << 20;
    std::chrono::milliseconds quiet{60'000};                 // the same failure is not said again before that
    std::string spool_directory;                             // what waits is kept there; empty: in memory
    std::uint64_t spool_bytes = 256 << 20;
};

// Why items are not delivered.
enum class loss : std::uint8_t {
    queue_full,
    too_large,     // larger than a request may be
    rejected,      // by a status that says not to try again
    partial,       // by a receiver that took the rest of the batch
    bad_reply,     // an answer too long to be read
    gave_up,       // too old
    shutdown,      // still waiting when the deadline came, or handed over after that
    spool_failed,  // a file that is gone, or damaged
    no_memory,
};
inline constexpr std::size_t losses = 9;

constexpr std::string_view text_of(loss l) {
    constexpr std::array<std::string_view, losses> texts{"queue_full", "too_large", "rejected", "partial",      "bad_reply",
                                                         "gave_up",    "shutdown",  "spool_failed", "no_memory"};
    return texts[static_cast<std::size_t>(l)];
}

// Items, by the reason they are lost for.
struct lost_items {
    std::array<std::uint64_t, losses> by_cause{};
    std::uint64_t& operator[](loss l) { return by_cause[static_cast<std::size_t>(l)]; }
    std::uint64_t operator[](loss l) const { return by_cause[static_cast<std::size_t>(l)]; }
    [[nodiscard]] std::uint64_t all() const { return std::accumulate(by_cause.begin(), by_cause.end(), std::uint64_t{0}); }
};

// In items, unless it says otherwise. At any moment put + adopted == delivered + lost.all() + waiting + in_flight.
struct totals {
    std::uint64_t put = 0, adopted = 0;  // adopted: found in the spool, of processes that are gone
    std::uint64_t delivered = 0;
    lost_items lost = {};
    std::uint64_t waiting = 0, in_flight = 0;             // after stop(), what waits is what the spool keeps
    std::uint64_t requests = 0, retries = 0, bytes_sent = 0;  // attempts, those after the first of a batch, bytes of bodies
};

// One request that ended; or, where there was none (status 0, no duration), items that are lost without.
struct outcome {
    std::size_t destination = 0;
    std::chrono::nanoseconds duration{};
    int status = 0;              // of HTTP; 0: no answer
    std::uint64_t delivered = 0;
    lost_items lost = {};
};

// Told by the delivery's own thread or by the one that puts, by one at a time, and by none after stop(). Calls are to be quick,
// and not to call back. What they throw is ignored.
struct observer {
    std::function<void(const outcome&)> finished = {};      // each; their sums are those of totals
    std::function<void(const std::string& line)> say = {};  // the first failure of a kind; again after things worked in between
    std::function<void(std::size_t destination, std::uint64_t items)> adopted = {};  // before anything becomes of them
};

}  // namespace apm::inline APM_ABI::detail::otlp
