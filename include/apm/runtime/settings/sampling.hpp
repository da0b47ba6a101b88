// Sampling: the options, overridden by OTEL_TRACES_SAMPLER and its argument, TRACE_SAMPLE_RATE, APM_TAIL_*, APM_MAX_LEVEL; and
// the control file and token, by which sampling changes while the program runs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/config.hpp>
#include <apm/detail/ascii.hpp>
#include <apm/detail/root.hpp>
#include <apm/detail/url.hpp>
#include <apm/runtime/control/text.hpp>
#include <apm/runtime/options.hpp>
#include <apm/runtime/settings/reader.hpp>

namespace apm::inline APM_ABI::detail {

// Jaeger's, if it was chosen.
struct remote_sampling {
    std::string endpoint = {};  // empty: it was not
    std::chrono::milliseconds interval{};
    double initial_rate = 0;
    bool parent_based = true;
};

// Of an endpoint as people give it: with a scheme and a path; of one for gRPC, HTTP's at the same host.
inline std::string sampling_over_http(std::string_view given, bool& was_grpc) {
    url_parts p = split_url(given);
    was_grpc = p.port == "14250" || p.scheme == "grpc://";
    if (was_grpc) p.scheme = {}, p.port = "5778", p.path = p.query = {};
    std::string url(p.scheme.empty() ? "http://" : p.scheme);
    url.append(p.host);
    if (!p.port.empty()) url.append(":").append(p.port);
    return url.append(p.path.empty() || p.path == "/" ? "/sampling" : p.path).append(p.query);
}

// endpoint=http://host:5778/sampling,pollingIntervalMs=5000,initialSamplingRate=0.25. What is wrong with it; empty: nothing.
inline std::string read_remote_sampling(std::string_view argument, remote_sampling_options& o) {
    std::string wrong;
    split(argument, ',', [&](std::string_view part) {
        if (part.empty() || !wrong.empty()) return;
        const std::size_t equals = part.find('=');
        const std::string_view key = trimmed(part.substr(0, equals));
        const std::string_view value = equals == part.npos ? std::string_view() : trimmed(part.substr(equals + 1));
        std::uint64_t ms = 0;
        bool well = false;
        if (key == "endpoint" && (well = !value.empty())) o.endpoint = value;
        constexpr std::uint64_t day = 24 * hour;
        if (key == "pollingIntervalMs" && (well = read_integer(value, ms, 1, day)))
            o.interval = std::chrono::milliseconds(ms);
        if (double rate = 0; key == "initialSamplingRate" && (well = read_real(value, rate) && rate >= 0 && rate <= 1))
            o.initial_rate = rate;
        if (!well) wrong = url_without_secrets(part);
    });
    return wrong;
}

class sampling_reader {
public:
    sampling_reader(settings_reader& reader, runtime_options& o, const resource& who) : reader_(reader), o_(o) {
        const bool left_out = !o.sampler.root.decide;
        if (left_out) o.sampler = parent_based(always_on);
        const bool usual = left_out && o.remote_sampling.endpoint.empty();
        std::string name = usual ? "parentbased_always_on" : "the code's", argument, rate;
        if (const std::string own = words_for(o.sampler); !usual && !own.empty()) name = own;
        if (!o.remote_sampling.endpoint.empty()) name = "parentbased_jaeger_remote";
        bool chosen = reader.text(name, "OTEL_TRACES_SAMPLER");
        const std::size_t sampler_at = reader.effective.size() - 1;
        reader.text(argument, "OTEL_TRACES_SAMPLER_ARG");
        reader.shown_as(url_without_secrets(argument));
        const bool jaeger = name == "jaeger_remote" || name == "parentbased_jaeger_remote";
        if (chosen && jaeger) remote_from(name, argument);
        else if (chosen) chosen = choose(name, argument);
        const sampling_rules named = o.sampler;
        const bool rated = reader.text(rate, "TRACE_SAMPLE_RATE");
        double share = 0;
        const bool good = read_real(rate, share) && share >= 0 && share <= 1;
        if (rated && !good) {
            report("TRACE_SAMPLE_RATE=%s is no number from 0 to 1; ignored", rate.c_str());
        } else if (rated && !chosen) {
            o.sampler = parent_based(probability(share));
            o.remote_sampling.endpoint = {};
            show(sampler_at, o.sampler, "TRACE_SAMPLE_RATE");
            chosen = true;
        } else if (rated && (jaeger || !same(named, share))) {
            report("TRACE_SAMPLE_RATE=%s is ignored: OTEL_TRACES_SAMPLER=%s says otherwise", rate.c_str(), name.c_str());
        }
        if (!chosen && usual) production(who, sampler_at);
        if (!o.remote_sampling.endpoint.empty()) translate();
        o.tail_sampling.errors = reader.boolean("APM_TAIL_ERRORS", o.tail_sampling.errors);
        reader.duration(o.tail_sampling.slower_than, 0, longest_slower_than, "APM_TAIL_SLOWER_THAN");
        reader.number(o.tail_sampling.bytes, 0, most_tail_bytes, "APM_TAIL_BYTES");
        reader.number(o.max_level, 0, control::every_level, "APM_MAX_LEVEL");
    }
    remote_sampling remote;

private:
    // Whether two samplers do the same: keep all, none, or one share.
    static bool same(const sampling_rules& r, double share) {
        if (r == parent_based(always_on)) return share == 1;
        return r == parent_based(probability(share)) || r == parent_based(trace_id_ratio(share));
    }
    void show(std::size_t at, const sampling_rules& r, const char* due_to) {
        reader_.effective[at].value = words_for(r);
        reader_.effective[at].from = due_to;
    }
    void remote_from(const std::string& name, const std::string& argument) {
        remote_sampling_options given = o_.remote_sampling;
        if (const std::string wrong = read_remote_sampling(argument, given); wrong.empty())
            o_.remote_sampling = given;
        else
            report("OTEL_TRACES_SAMPLER_ARG is not endpoint=http://HOST:5778/sampling,pollingIntervalMs=60000,"
                   "initialSamplingRate=0.001 (at \"%s\"); ignored", wrong.c_str());
        if (!o_.remote_sampling.endpoint.empty()) endpoint_ = o_.remote_sampling.endpoint;
        else endpoint_ = "http://localhost:5778/sampling";
        o_.remote_sampling.endpoint = endpoint_;
        remote.parent_based = name.starts_with(parent_based_prefix);
    }
    // False where it is ignored.
    bool choose(std::string_view name, const std::string& argument) {
        const std::string_view given = name;
        const bool follows = name.starts_with(parent_based_prefix);
        if (follows) name.remove_prefix(parent_based_prefix.size());
        const auto show_all = [&](const char* why) {
            report("OTEL_TRACES_SAMPLER=%.*s is %s; it may be always_on, always_off, traceidratio, probability, rate_limited or "
                   "jaeger_remote, each also with parentbased_ before it", static_cast<int>(given.size()), given.data(), why);
            return false;
        };
        if (name == "xray") return show_all("not supported (AWS X-Ray's rules are its own)");
        const named_sampler* const n = sampler_named(name);
        if (!n) return show_all("unknown");
        std::optional<sampler> s = takes_argument(*n) ? made_of(*n, argument) : n->make(0);
        if (!s && n->high > 1) {
            report("OTEL_TRACES_SAMPLER=%.*s needs OTEL_TRACES_SAMPLER_ARG=%s; ignored", static_cast<int>(given.size()),
                   given.data(), n->argument);
            return false;
        }
        if (!s && !argument.empty()) report("OTEL_TRACES_SAMPLER_ARG=%s is no number from 0 to 1; using 1", argument.c_str());
        if (!s) s = n->make(1);
        o_.sampler = follows ? parent_based(*s) : sampling_rules(*s);
        o_.remote_sampling.endpoint = {};
        return true;
    }
    void production(const resource& who, std::size_t at) {
        std::string place;
        for (const auto& [key, value] : who.attributes)
            if (key == "deployment.environment.name") place = apm::text_of(value);
        if (!equal_ignoring_case(place, "production")) return;
        o_.sampler = parent_based(probability(0.1));
        show(at, o_.sampler, "the environment production");
        report("in the environment production one trace of ten is sampled (parentbased_probability, 0.1); TRACE_SAMPLE_RATE=1, "
               "OTEL_TRACES_SAMPLER or the option `sampler` says otherwise");
    }
    void translate() {
        bool was_grpc = false;
        remote.endpoint = sampling_over_http(o_.remote_sampling.endpoint, was_grpc);
        remote.interval = std::clamp<std::chrono::milliseconds>(o_.remote_sampling.interval, std::chrono::milliseconds(1),
                                                                std::chrono::hours(24));
        remote.initial_rate = o_.remote_sampling.initial_rate;
        if (was_grpc)
            report("remote sampling by gRPC is not supported; using %s, where Jaeger says the same over HTTP. Set "
                   "endpoint=%s", url_without_secrets(remote.endpoint).c_str(), url_without_secrets(remote.endpoint).c_str());
    }

    settings_reader& reader_;
    runtime_options& o_;
    std::string endpoint_;
};

inline remote_sampling read_sampling(settings_reader& reader, runtime_options& options, const resource& who) {
    remote_sampling chosen = sampling_reader(reader, options, who).remote;
    options.remote_sampling.endpoint = {};  // it is in what is returned
    return chosen;
}

inline void read_control(settings_reader& reader, control_options& o) {
    reader.text(o.file, "APM_CONTROL_FILE");
    reader.secret(o.token, "APM_CONTROL_TOKEN");
    constexpr std::size_t least = 16;
    if (o.token.empty() || o.token.size() >= least) return;
    report("the token for /control (APM_CONTROL_TOKEN, control.token) has fewer than %zu characters, so there is no /control",
           least);
    o.token = {};
}

// A negative time is none, and more than a day a day.
inline tail_rules rules_of(const tail_sampling_options& o) {
    const auto slower = std::clamp<std::chrono::milliseconds>(o.slower_than, {}, std::chrono::hours(24));
    return {o.errors, static_cast<std::uint64_t>(slower.count()) * 1'000'000, o.bytes};
}

}  // namespace apm::inline APM_ABI::detail
