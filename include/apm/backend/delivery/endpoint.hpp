// An endpoint as people write it, and what of it may be shown.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <curl/curl.h>

#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/base64.hpp>
#include <apm/detail/url.hpp>

namespace apm::inline APM_ABI::detail::delivery {

struct endpoint {
    std::string url;            // http://host:4318/v1/traces; no credentials in it
    std::string unix_socket;    // its path; the url is then http://localhost/v1/traces
    std::string authorization;  // of `http://user:password@host`: the header's value
    std::vector<std::string> secrets;  // what that was made of
    std::string remark;         // what was taken for what, or what is wrong with it: then the url is empty
};

// Appends `path` (`v1/traces`); where that is empty, the endpoint is used as it is, with path `/` where it has none. Without a
// scheme it is http.
inline endpoint read_endpoint(std::string_view given, std::string_view path) {
    endpoint e;
    const auto joined = [path](std::string base) {
        if (path.empty()) return base;
        return base.append(base.ends_with('/') ? "" : "/").append(path);
    };
    if (given.starts_with("unix:")) {
        given.remove_prefix(5);
        if (given.starts_with("//")) given.remove_prefix(2);
        e.unix_socket = given;
        e.url = joined("http://localhost/");
        if (!given.starts_with('/') || given.size() > 107) {
            e.url.clear();
            e.remark = "a unix socket is given as unix:///an/absolute/path of 107 bytes at most";
        }
        return e;
    }
    std::string url(given);
    if (end_of_scheme(url) == 0) {
        url.insert(0, "http://");
        e.remark = "has no scheme; taken as " + url_without_secrets(url);
    }
    const std::string_view scheme = std::string_view(url).substr(0, end_of_scheme(url));
    if (!equal_ignoring_case(scheme, "http://") && !equal_ignoring_case(scheme, "https://")) {
        e.remark = "is neither http://, https:// nor unix://";
        return e;
    }
    const std::unique_ptr<CURLU, void (*)(CURLU*)> parts(curl_url(), curl_url_cleanup);
    const auto get = [&](CURLUPart part, unsigned flags = 0) {
        char* text = nullptr;
        if (!parts || curl_url_get(parts.get(), part, &text, flags) != CURLUE_OK) return std::string();
        const std::unique_ptr<char, void (*)(void*)> owner(text, curl_free);
        return std::string(text);
    };
    if (const CURLUcode failed = curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), 0); failed != CURLUE_OK) {
        e.remark = std::string("is no URL: ") + curl_url_strerror(failed);
        return e;
    }
    const std::string user = get(CURLUPART_USER, CURLU_URLDECODE), password = get(CURLUPART_PASSWORD, CURLU_URLDECODE);
    if (!user.empty() || !password.empty()) {
        e.authorization = "Basic " + base64(user + ':' + password);
        e.secrets = {user + ':' + password, password};
    }
    curl_url_set(parts.get(), CURLUPART_USER, nullptr, 0);
    curl_url_set(parts.get(), CURLUPART_PASSWORD, nullptr, 0);
    curl_url_set(parts.get(), CURLUPART_FRAGMENT, nullptr, 0);
    curl_url_set(parts.get(), CURLUPART_PATH, joined(get(CURLUPART_PATH)).c_str(), 0);
    e.url = get(CURLUPART_URL);
    return e;
}

}  // namespace apm::inline APM_ABI::detail::delivery
