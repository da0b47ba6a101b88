#include <charconv>
#include <memory>
#include <string_view>

#include <curl/curl.h>

#include "http.hpp"

namespace shop::http {

namespace {

std::size_t keep(const char* data, std::size_t, std::size_t size, void* body) {
    static_cast<std::string*>(body)->append(data, size);
    return size;
}

struct Close {
    void operator()(CURL* c) const { curl_easy_cleanup(c); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// One for each thread: it keeps the connection for the next call.
CURL* handle() {
    thread_local const std::unique_ptr<CURL, Close> mine(curl_easy_init());
    return mine.get();
}

}  // namespace

Answer post(const std::string& url, const Headers& headers, const std::string& body) {
    CURL* const c = handle();
    if (!c) return {0, "no memory for a connection"};
    curl_slist* lines = curl_slist_append(nullptr, "Content-Type: application/x-www-form-urlencoded");
    for (const auto& [name, value] : headers) lines = curl_slist_append(lines, (name + ": " + value).c_str());
    const std::unique_ptr<curl_slist, Close> owner(lines);
    Answer a;
    curl_easy_setopt(c, CURLOPT_URL, url.c_str());
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, &keep);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, static_cast<void*>(&a.body));
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 10'000L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");   // neighbours, whatever the environment says
    if (const CURLcode failed = curl_easy_perform(c); failed != CURLE_OK) return {0, curl_easy_strerror(failed)};
    long status = 0;
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    a.status = static_cast<int>(status);
    return a;
}

bool is_address(const std::string& url, Address& parts) {
    constexpr std::string_view scheme = "http://";
    if (!url.starts_with(scheme)) return false;
    const std::size_t colon = url.rfind(':');
    if (colon <= scheme.size()) return false;
    parts.host = url.substr(scheme.size(), colon - scheme.size());
    const char* const end = url.data() + url.size();
    const auto [stop, failed] = std::from_chars(url.data() + colon + 1, end, parts.port);
    return failed == std::errc{} && stop == end && parts.port > 0 && parts.port < 65'536 && parts.host.find('/') == url.npos;
}

}  // namespace shop::http
