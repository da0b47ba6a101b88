// Polls Jaeger's remote sampling for its strategies: GET <endpoint>?service=<name>. Needs libcurl, as OTLP does.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include <apm/backend.hpp>
#include <apm/backend/delivery/destination.hpp>
#include <apm/backend/delivery/http.hpp>
#include <apm/backend/delivery/redaction.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/sigpipe.hpp>
#include <apm/detail/url.hpp>
#include <apm/runtime/control/remote_source.hpp>
#include <apm/runtime/control/remote_strategies.hpp>
#include <apm/runtime/settings/sampling.hpp>

namespace apm::inline APM_ABI::detail {

class remote_poll final : public remote_source {
public:
    remote_poll(const remote_sampling& how, std::string_view service, const otlp_options& proxies)
        : to_(destination_of(how, service, proxies)), interval_(how.interval), exchange_(to_) {}
    ~remote_poll() override { finish(); }

    error open() override {
        if (!delivery::curl_is_ready()) return "cannot initialize libcurl";
        multi_.reset(curl_multi_init());
        return multi_ ? error() : "no memory for a connection";
    }
    [[nodiscard]] bool busy() const override { return asking_; }
    [[nodiscard]] clock::time_point due() const override { return due_; }

    void go_on() override {
        const without_sigpipe guard;
        if (!asking_ && clock::now() >= due_) ask();
        int running = 0, left = 0;
        if (asking_) curl_multi_perform(multi_.get(), &running);
        while (const CURLMsg* const message = curl_multi_info_read(multi_.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            finish();
            take(exchange_.finish(code));
        }
    }
    void wait(clock::time_point until) override {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now()).count();
        curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(std::clamp<long long>(left, 0, 60'000)), nullptr);
    }
    void wake() override { curl_multi_wakeup(multi_.get()); }

private:
    static delivery::destination destination_of(const remote_sampling& how, std::string_view service,
                                                const otlp_options& proxies) {
        delivery::destination to;
        to.name = "remote sampling";
        to.url = how.endpoint;
        to.url += (to.url.find('?') == to.url.npos ? "?service=" : "&service=") + url_encoded(service);
        to.proxy = to.url.starts_with("https://") ? proxies.https_proxy : proxies.http_proxy;
        to.no_proxy = proxies.no_proxy;
        to.max_reply_bytes = 1 << 20;
        return to;
    }
    void ask() {
        constexpr std::chrono::milliseconds patience{5'000};
        due_ = clock::now() + (std::max)(interval_, soonest);
        CURL* const c = exchange_.prepare({}, false, "", patience);
        if (!c) return;
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, nullptr);  // that of a POST
        curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
        asking_ = curl_multi_add_handle(multi_.get(), c) == CURLM_OK;
    }
    void finish() {
        if (asking_ && exchange_.handle()) curl_multi_remove_handle(multi_.get(), exchange_.handle());
        asking_ = false;
    }
    // The same trouble is said once, until things worked in between.
    void take(const delivery::reply& r) {
        std::string wrong;
        remote_strategies strategies;
        if (r.too_long) wrong = "gave an answer of more than 1 MiB";
        else if (r.failed != CURLE_OK) wrong = "gave no answer: " + delivery::cleaned(r.detail, to_);
        else if (r.status != 200) wrong = "answered with HTTP status " + std::to_string(r.status);
        else if (wrong = read_strategies(r.body, strategies); !wrong.empty()) wrong = "gave an answer that " + wrong;
        const bool all = !wrong.empty() || remote_sampler::get().follow(strategies);
        if (!all) wrong = "names more operations than fit (2000 names in a process's life); the rest are sampled as unnamed ones";
        // A failure is not waited out for an hour.
        if (!wrong.empty() && all) due_ = clock::now() + std::clamp<std::chrono::milliseconds>(interval_, soonest, retry);
        // libcurl's own words tell how many milliseconds it took.
        const std::string trouble = !r.too_long && r.failed != CURLE_OK ? curl_easy_strerror(r.failed) : wrong;
        if (!wrong.empty() && trouble != said_)
            report("remote sampling: %s %s%s", parsed_url_without_secrets(to_.url).c_str(), wrong.c_str(),
                   all ? "; what it said last holds, or else the initial rate" : "");
        said_ = trouble;
    }

    static constexpr std::chrono::milliseconds soonest{10}, retry{10'000};
    delivery::destination to_;
    std::chrono::milliseconds interval_;
    delivery::freed<CURLM, curl_multi_cleanup> multi_;
    delivery::exchange exchange_;  // goes before what holds it
    bool asking_ = false;
    clock::time_point due_ = clock::now();
    std::string said_;
};

}  // namespace apm::inline APM_ABI::detail
