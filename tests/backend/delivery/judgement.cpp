// ctest: LABELS serial
#include <apm/backend/delivery/judgement.hpp>

#include <set>
#include <string>

#include "../../catch.hpp"

using namespace apm::detail::delivery;
using action = judgement::action;

namespace {

reply answered(long status, std::string type = {}, std::string body = {}) {
    reply r;
    r.status = status, r.content_type = std::move(type), r.body = std::move(body);
    return r;
}
reply broke(CURLcode code, std::string detail = {}, long status = 0) {
    reply r;
    r.failed = code, r.detail = std::move(detail), r.status = status;
    return r;
}
judgement judge(const reply& r, std::uint64_t items) {
    return apm::detail::delivery::judge(plain_http, r, items);
}

}  // namespace

TEST_CASE("2xx is a success, 429, 502, 503 and 504 are worth another attempt, no other status is") {
    for (long status = 200; status < 600; ++status) {
        CAPTURE(status);
        const judgement j = judge(answered(status), 5);
        const bool again = status == 429 || status == 502 || status == 503 || status == 504;
        CHECK(j.outcome == (status < 300 ? action::delivered : again ? action::retry : action::lost));
        CHECK((j.kind == failure::none) == (status < 300));
        CHECK(j.rejected == 0);
        CHECK((j.outcome != action::lost || j.cause == loss::rejected));
    }
}

TEST_CASE("no answer is worth another attempt, but for a URL that cannot work") {
    for (int code = 1; code < CURL_LAST; ++code) {
        const judgement j = judge(broke(static_cast<CURLcode>(code), curl_easy_strerror(static_cast<CURLcode>(code))), 5);
        CAPTURE(code);
        CHECK(j.outcome == (j.kind == failure::bad_url ? action::lost : action::retry));
        CHECK(j.kind != failure::none);
    }
    CHECK(judge(broke(CURLE_URL_MALFORMAT), 5).outcome == action::lost);
    CHECK(judge(broke(CURLE_UNSUPPORTED_PROTOCOL, "Protocol \"ftp\" not supported"), 5).outcome == action::lost);
    CHECK(judge(broke(CURLE_UNSUPPORTED_PROTOCOL, "Received HTTP/0.9 when not allowed"), 5).kind == failure::not_http);
}

TEST_CASE("an answer that broke off counts where its status says no, and not where it says yes") {
    CHECK(judge(broke(CURLE_RECV_ERROR, "reset", 413), 5).outcome == action::lost);
    CHECK(judge(broke(CURLE_SEND_ERROR, "reset", 503), 5).outcome == action::retry);
    CHECK(judge(broke(CURLE_PARTIAL_FILE, "short", 200), 5).outcome == action::retry);
    reply flood = broke(CURLE_WRITE_ERROR, "", 200);
    flood.too_long = true;
    CHECK(judge(flood, 5).outcome == action::lost);
    CHECK(judge(flood, 5).cause == loss::bad_reply);
}

TEST_CASE("where nothing is, or nothing that understands, another attempt at once is unreachable") {
    using enum failure;
    for (const failure f : {name_not_found, refused, not_http, proxy, tls_issuer, tls_host, tls_client, tls_file, tls, bad_url})
        CHECK(apm::detail::delivery::unreachable(f));
    for (const failure f : {none, timeout, reset, no_memory, other, busy, status, credentials, queue_full, stopped})
        CHECK_FALSE(apm::detail::delivery::unreachable(f));
    STATIC_REQUIRE(static_cast<std::size_t>(stopped) < 64);  // a bit for each, for what was said
}
