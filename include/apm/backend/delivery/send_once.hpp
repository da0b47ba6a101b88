// One body to one destination, at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/http.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/config.hpp>
#include <apm/detail/sigpipe.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// What is left until then, of a limit of which 0 says that there is none: at least a millisecond.
inline std::chrono::milliseconds time_for(std::chrono::milliseconds limit, deadline by) {
    using std::chrono::milliseconds;
    const auto now = std::chrono::steady_clock::now();
    constexpr milliseconds longest = std::chrono::hours(24);
    const auto left = by <= now ? milliseconds(0) : by - now > longest ? longest : std::chrono::ceil<milliseconds>(by - now);
    return std::clamp(limit.count() > 0 ? std::min(limit, left) : left, milliseconds(1), longest);
}

// Sends it now, without a delivery, by a connection of its own, and waits for the answer until then. Nothing is tried twice.
// Any thread. For judge() and explain().
inline reply send_once(const destination& to, std::string_view body, deadline by) {
    const without_sigpipe guard;
    reply none;
    none.failed = CURLE_OUT_OF_MEMORY;
    if (!curl_is_ready()) return none;
    std::string smaller;
    const bool gzip = to.gzip && gzipped(body, smaller);
    exchange e(to);
    const char* const content_type = to.protocol->encodings[to.encoding].content_type;
    CURL* const c = e.prepare(gzip ? smaller : body, gzip, content_type, time_for(to.timeout, by));
    return c ? e.finish(curl_easy_perform(c)) : none;
}

}  // namespace apm::inline APM_ABI::detail::delivery
