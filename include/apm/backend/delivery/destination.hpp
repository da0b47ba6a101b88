// Where bodies are sent to, and how.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <apm/backend/delivery/protocol.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Everything is resolved and checked by what makes it: no environment variable is read later.
struct destination {
    std::string name;         // "traces", "metrics": in messages and the names of files
    std::string url;          // http://host:4318/v1/traces; of a unix socket http://localhost/v1/traces
    std::string unix_socket;  // its path; empty: TCP
    const delivery::protocol* protocol = &plain_http;
    std::uint8_t encoding = 0;        // of the protocol's
    std::string items = "items";      // what they are called in messages: "spans"
    std::vector<std::pair<std::string, std::string>> headers = {};  // in addition; values are secrets, which nothing here prints
    std::vector<std::string> secrets = {};                          // more that is not to be printed
    bool gzip = false;
    std::chrono::milliseconds timeout{10'000};               // of one attempt; 0: none
    std::string certificate, client_key, client_certificate; // paths of PEM files; no certificate: the system's
    std::string proxy, no_proxy;                             // as curl takes them; empty: none
    std::uint64_t queue_bytes = 16 << 20, queue_items = 0;   // of what waits in memory; items 0: no bound of their own
    bool drop_oldest = false;                                // full: the oldest that waits goes; else what comes is rejected
    std::chrono::milliseconds max_elapsed_time{300'000};     // a batch that was not delivered for so long is lost
    std::chrono::milliseconds initial_backoff{1'000}, max_backoff{30'000};  // between attempts
    std::uint64_t max_request_bytes = 64 << 20;              // before compression
    std::uint64_t max_reply_bytes = 4 << 20;
    std::chrono::milliseconds quiet{60'000};                 // the same failure is not said again before that
    std::string spool_directory;                             // what waits is kept there; empty: in memory
    std::uint64_t spool_bytes = 256 << 20;
};

}  // namespace apm::inline APM_ABI::detail::delivery
