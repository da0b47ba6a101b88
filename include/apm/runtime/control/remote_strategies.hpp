// Jaeger's remote sampling: what an answer says, and the sampler that does it.
//
//     {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 0.1}}
//     {"strategyType": "RATE_LIMITING", "rateLimitingSampling": {"maxTracesPerSecond": 5}}
//     {"operationSampling": {"defaultSamplingProbability": 0.1, "defaultLowerBoundTracesPerSecond": 0.01,
//         "perOperationStrategies": [{"operation": "checkout", "probabilisticSampling": {"samplingRate": 1}}]}}
//
// An operation is a row, by its name. The lower bound keeps so many a second of each operation though the share would not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/detail/json_reader.hpp>
#include <apm/detail/mutex.hpp>
#include <apm/tracing/dynamic_sampler.hpp>
#include <apm/tracing/sampler.hpp>

namespace apm::inline APM_ABI::detail {

struct remote_strategies {
    sampler root = always_on;
    double lower_bound = 0;                                 // for operations: so many a second of each
    bool by_operation = false;
    std::vector<std::pair<std::string, double>> operations = {};  // their shares
};

// What is wrong with it; empty: nothing.
inline std::string read_strategies(std::string_view text, remote_strategies& to) {
    json_value v;
    if (!json_reader::read(text, v) || v.is != json_value::object) return "is not JSON as Jaeger gives it";
    // A message of protobuf leaves out what is zero, or an empty text.
    const auto number = [](const json_value* of, std::string_view name, double high, double& n) {
        if (!of || of->is != json_value::object) return false;
        const json_value* const x = of->find(name);
        n = x ? x->n : 0;
        return !x || (x->is == json_value::number && n >= 0 && n <= high);
    };
    double n = 0;
    if (const json_value* const by = v.find("operationSampling"); by && by->is == json_value::object) {
        if (!number(by, "defaultSamplingProbability", 1, n)) return "has a defaultSamplingProbability that is not from 0 to 1";
        to.root = probability(n);
        to.by_operation = true;
        if (!number(by, "defaultLowerBoundTracesPerSecond", 1e9, to.lower_bound))
            return "has a defaultLowerBoundTracesPerSecond that is negative, or no number";
        const json_value* const each = by->find("perOperationStrategies");
        if (!each || each->is == json_value::null) return {};
        if (each->is != json_value::array) return "has perOperationStrategies that are no list";
        for (const json_value& one : each->values) {
            const json_value* const name = one.find("operation");
            if ((name && name->is != json_value::text) || !number(one.find("probabilisticSampling"), "samplingRate", 1, n))
                return "has an operation without a samplingRate from 0 to 1, or whose name is no text";
            if (!name || name->s.empty()) continue;  // no row has that name
            if (name->s.find('\0') != name->s.npos) return "has an operation whose name has a zero byte";
            to.operations.emplace_back(name->s, n);
        }
        return {};
    }
    const json_value* const type = v.find("strategyType");
    const auto is = [type](std::string_view name, double code) {
        return type && (type->is == json_value::text ? type->s == name : type->is == json_value::number && type->n == code);
    };
    const json_value* const share = v.find("probabilisticSampling");
    if (is("PROBABILISTIC", 0) || (!type && share)) {
        if (!share) return "has no probabilisticSampling";
        if (!number(share, "samplingRate", 1, n)) return "has no samplingRate from 0 to 1";
        return to.root = probability(n), std::string();
    }
    if (is("RATE_LIMITING", 1)) {
        if (!number(v.find("rateLimitingSampling"), "maxTracesPerSecond", 1e9, n))
            return "has no maxTracesPerSecond that is not negative";
        return to.root = rate_limited(n), std::string();
    }
    return "has a strategyType that is neither PROBABILISTIC nor RATE_LIMITING";
}

// Does what the answers say. One in the process, never destroyed: spans may ask it at any time.
class remote_sampler {
public:
    static constexpr std::size_t most_operations = 2000;  // as Jaeger's own clients

    static remote_sampler& get() {
        static auto& one = *new remote_sampler;
        return one;
    }
    [[nodiscard]] sampler as_sampler() { return {ask, 0, this}; }

    // Any thread. False where not all operations have room; these are sampled as those that have no share of their own.
    bool follow(const remote_strategies& s) {
        const lock guard(controls::all().guard);  // which no fork cuts in two
        std::set<std::string, std::less<>> named;  // goes first: what throws has changed nothing
        for (const auto& [name, share] : s.operations) named.insert(name);
        bool all = true;
        bound_.store(by_second(s.by_operation ? s.lower_bound : 0));
        root_.set(s.root);
        for (const auto& [name, share] : s.operations) all = operations_.set(name, probability(share)) && all;
        for (const std::string& name : known_)
            if (!named.contains(name)) operations_.set(name, {});
        known_.swap(named);
        return all;
    }

private:
    remote_sampler() = default;
    static std::uint64_t by_second(double n) { return n > 1e-9 ? static_cast<std::uint64_t>(1e9 / n) : 0; }
    static sampling_decision ask(const sampler& s, const sampling_request& r) {
        auto& self = *static_cast<remote_sampler*>(s.data);
        const dynamic_sampler* const own = self.operations_.find(r.row.name);
        const sampling_decision v = own ? own->ask(r, &self.root_) : self.root_.ask(r);
        const std::uint64_t bound = self.bound_.load();
        if (bound == 0) return v;
        // What the share keeps counts for the bound, too. Operations that have the same remainder share one.
        const std::uint64_t hash = fnv(fnv_basis, r.row.name);
        const sampling_decision within = ask_and_spend({sample_by_rate, bound}, r, self.spent_[hash % buckets]);
        return v.sampled ? v : within;
    }

    static constexpr std::size_t buckets = 1024;
    dynamic_sampler root_;
    row_samplers operations_{most_operations};
    std::set<std::string, std::less<>> known_;
    cell bound_{};  // nanoseconds for each; 0: none
    std::uint64_t spent_[buckets]{};
};

}  // namespace apm::inline APM_ABI::detail
