// What one protocol has of its own: headers, names of files, the reading of replies, what to do about failures. Plain data and
// functions without state; a protocol is a constant that lasts as long as the program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

struct destination;
struct reply;
enum class failure : std::uint8_t;

// One of the forms that a body may have.
struct encoding {
    std::string_view name;     // in the names of spooled files: no dot in it
    const char* content_type;
};

// What the body of a reply says.
struct response {
    bool readable = true;
    std::int64_t rejected = 0;  // items of a success that were not taken
    std::string message = {};   // the receiver's own words
};

constexpr bool usually_retryable(long status) { return status == 429 || status == 502 || status == 503 || status == 504; }

struct protocol {
    std::string_view name = "HTTP";              // in messages
    const char* user_agent = "apm/" APM_VERSION;
    const char* thread_name = "apm-delivery";    // 15 characters at most
    std::string_view file_ending = "body";       // of spooled files; no dot in it
    std::span<const encoding> encodings = {};    // one at least, where bodies are sent; destination::encoding is an index
    bool (*retryable)(long status) = usually_retryable;  // statuses that are worth another attempt
    // Reads the reply to a body of that encoding; null: there is nothing to be read. What it throws counts as not readable.
    response (*read)(const reply&, std::uint8_t encoding) = nullptr;
    // What to do about a failure, in words that follow a semicolon; empty, or null: what is said of any protocol.
    std::string (*advice)(failure, const destination&) = nullptr;
};

inline constexpr encoding any_bytes[] = {{"bytes", "application/octet-stream"}};
inline constexpr protocol plain_http{.encodings = any_bytes};

}  // namespace apm::inline APM_ABI::detail::delivery
