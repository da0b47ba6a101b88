// One POST by libcurl, and how it is set up: no redirects, no environment variables, nothing but HTTP/1.1 and verified TLS, and a
// bounded reply.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <curl/curl.h>
#include <sys/socket.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/backend/gzip.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/sigpipe.hpp>

namespace apm::inline APM_ABI::detail::delivery {

// Before anything else of libcurl's: it reads the environment then, and never later. Any thread; costs nothing after the first.
inline bool curl_is_ready() {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    return ready;
}

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* p) const { Free(p); }
};
template <class T, auto Free>
using freed = std::unique_ptr<T, freed_by<Free>>;

// Requests to one destination, one after the other. Not copied nor moved, for libcurl knows where it is; `to` outlives it.
// One thread at a time.
class exchange {
public:
    explicit exchange(const destination& to) : to_(to) {}
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    // Ready to be performed; null where memory is short. `body` has to stay until finish(). No time: without a limit.
    CURL* prepare(std::string_view body, bool gzip, const char* content_type, std::chrono::milliseconds time) {
        reply_ = {};
        head_bytes_ = 0;
        head_ended_ = false;
        error_text_[0] = '\0';
        if (!curl_ && !set_up()) return nullptr;
        CURL* const c = curl_.get();
        curl_slist* list = nullptr;
        const auto add = [&list](const std::string& line) {
            if (curl_slist* const longer = curl_slist_append(list, line.c_str())) return list = longer, true;
            return false;
        };
        bool well = add(std::string("Content-Type: ") + content_type);
        if (gzip) well = well && add("Content-Encoding: gzip");
        well = well && add("Expect:");  // a receiver that does not know it would cost a second
        for (const auto& [name, value] : to_.headers) well = well && add(value.empty() ? name + ';' : name + ": " + value);
        headers_.reset(list);
        if (!well) return nullptr;
        set(CURLOPT_HTTPHEADER, list);
        set(CURLOPT_POSTFIELDS, body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        const long ms = time.count();  // of the type that libcurl reads
        set(CURLOPT_TIMEOUT_MS, ms);
        set(CURLOPT_CONNECTTIMEOUT_MS, ms);
        begun_ = std::chrono::steady_clock::now();
        return c;
    }

    [[nodiscard]] reply finish(CURLcode code) {
        if (code == CURLE_OK && !head_ended_) code = CURLE_PARTIAL_FILE;  // libcurl is content with a part of the head
        reply_.failed = code;
        reply_.duration = std::chrono::steady_clock::now() - begun_;
        if (code != CURLE_OK) reply_.detail = error_text_[0] ? error_text_.data() : curl_easy_strerror(code);
        if (curl_) curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &reply_.status);
        if (reply_.status < 200) reply_.status = 0;
        return std::move(reply_);
    }

    [[nodiscard]] CURL* handle() const { return curl_.get(); }
    // Frees what libcurl holds; the connection goes with the multi handle.
    void close() {
        curl_.reset();
        headers_.reset();
    }

private:
    template <class Value>
    void set(CURLoption option, Value value) {
        const CURLcode failed = curl_easy_setopt(curl_.get(), option, value);
        if (failed == CURLE_OUT_OF_MEMORY) well_ = false;
    }
    bool set_up() {
        curl_.reset(curl_easy_init());
        if (!curl_) return false;
        well_ = true;
        set(CURLOPT_URL, to_.url.c_str());
        set(CURLOPT_POST, 1L);
        set(CURLOPT_USERAGENT, to_.protocol->user_agent);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
#if LIBCURL_VERSION_NUM >= 0x075500
        set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
        set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
        set(CURLOPT_FOLLOWLOCATION, 0L);  // what is in our headers is for this receiver alone
        set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
        set(CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs is left alone
#endif
        // Said even where there is none: libcurl would look into the environment.
        set(CURLOPT_PROXY, to_.unix_socket.empty() ? to_.proxy.c_str() : "");
        set(CURLOPT_NOPROXY, to_.no_proxy.c_str());
        set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        if (!to_.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, to_.unix_socket.c_str());
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        if (!to_.certificate.empty()) {
            set(CURLOPT_CAINFO, to_.certificate.c_str());
            set(CURLOPT_CAPATH, nullptr_text);  // this one, and not the system's as well
        }
        if (!to_.client_certificate.empty()) set(CURLOPT_SSLCERT, to_.client_certificate.c_str());
        if (!to_.client_key.empty()) set(CURLOPT_SSLKEY, to_.client_key.c_str());
        set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
        set(CURLOPT_WRITEFUNCTION, &take_body);
        set(CURLOPT_WRITEDATA, static_cast<void*>(this));
        set(CURLOPT_HEADERFUNCTION, &take_header);
        set(CURLOPT_HEADERDATA, static_cast<void*>(this));
        set(CURLOPT_ERRORBUFFER, error_text_.data());
        if (!well_) curl_.reset();
        return well_;
    }

    static curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* a) {
        return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);  // not for programs that this one starts
    }
    // Called by C: nothing may be thrown through it.
    static std::size_t take_body(char* text, std::size_t, std::size_t size, void* self) noexcept {
        auto& e = *static_cast<exchange*>(self);
        e.reply_.too_long = size > e.to_.max_reply_bytes || e.reply_.body.size() > e.to_.max_reply_bytes - size;
        return !e.reply_.too_long && e.append(e.reply_.body, {text, size}) ? size : 0;
    }
    static std::size_t take_header(char* text, std::size_t, std::size_t size, void* self) noexcept {
        auto& e = *static_cast<exchange*>(self);
        reply& r = e.reply_;
        constexpr std::size_t most_of_head = 64 << 10;
        r.too_long = (e.head_bytes_ += size) > most_of_head;
        if (r.too_long) return 0;
        const std::string_view line(text, size);
        const std::size_t colon = line.find(':');
        e.head_ended_ = line == "\r\n" || line == "\n";
        if (line.starts_with("HTTP/")) r.content_type.clear(), r.retry_after.clear(), r.location.clear();
        if (colon == line.npos) return size;
        const std::string_view name = line.substr(0, colon);
        std::string_view value = line.substr(colon + 1);
        value = trimmed(value.substr(0, value.find_last_not_of("\r\n") + 1));
        std::string* const wanted = equal_ignoring_case(name, "content-type")  ? &r.content_type
                                    : equal_ignoring_case(name, "retry-after") ? &r.retry_after
                                    : equal_ignoring_case(name, "location")    ? &r.location
                                                                               : nullptr;
        return !wanted || (wanted->clear(), e.append(*wanted, value)) ? size : 0;
    }
    static bool append(std::string& to, std::string_view text) noexcept {
        try {
            to.append(text);
            return true;
        } catch (...) {
            return false;
        }
    }

    static constexpr const char* nullptr_text = nullptr;
    const destination& to_;
    freed<CURL, curl_easy_cleanup> curl_;
    freed<curl_slist, curl_slist_free_all> headers_;
    std::array<char, CURL_ERROR_SIZE> error_text_{};
    reply reply_;
    std::size_t head_bytes_ = 0;
    bool head_ended_ = false;
    std::chrono::steady_clock::time_point begun_;
    bool well_ = true;
};

// The time that is left until then, within a limit (0: none): at least a millisecond.
inline std::chrono::milliseconds time_for(std::chrono::milliseconds limit, deadline by) {
    using std::chrono::milliseconds;
    const auto now = std::chrono::steady_clock::now();
    constexpr milliseconds longest = std::chrono::hours(24);
    const auto left = by <= now ? milliseconds(0) : by - now > longest ? longest : std::chrono::ceil<milliseconds>(by - now);
    return std::clamp(limit.count() > 0 ? (std::min)(limit, left) : left, milliseconds(1), longest);
}

// Sends one body at once, by a connection of its own, and waits for the reply until then. One attempt. Any thread. For judge()
// and explain().
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
