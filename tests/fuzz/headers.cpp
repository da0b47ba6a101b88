// All formats at once: the first byte says which are on, the lines behind it are headers.
#include <apm/propagation/headers.hpp>

#include <utility>

#include "fuzz.hpp"

namespace {

using header_list = std::vector<std::pair<std::string, std::string>>;
using apm::propagator;

apm::context read(const header_list& headers, std::uint64_t formats) {
    return apm::detail::read_headers(apm::detail::source_of(headers), formats);
}
header_list write(header_list headers, const apm::context& c, std::uint64_t formats) {
    apm::detail::write_headers(apm::detail::sink_of(headers), c, formats);
    return headers;
}
bool ours(std::string_view name) {
    for (const std::string_view one : {"traceparent", "tracestate", "baggage", "b3", "uber-trace-id"})
        if (apm::detail::equal_ignoring_case(name, one)) return true;
    for (const std::string_view prefix : {"x-b3-", "uberctx-", "x-datadog-", "x-amzn-trace-id"})
        if (apm::detail::equal_ignoring_case(name.substr(0, prefix.size()), prefix)) return true;
    return false;
}

}  // namespace

void fuzz(std::string_view input) {
    if (input.empty()) return;
    const auto which = static_cast<unsigned char>(input[0]);
    std::uint64_t formats = 0;
    for (unsigned i = 0; i < 7; ++i)
        if (which >> i & 1) formats = apm::detail::with_propagator(formats, static_cast<propagator>(which & 128 ? 7 - i : i + 1));
    header_list headers;
    for (const std::string_view line : lines_of(input.substr(1))) {
        const std::size_t colon = line.find(": ");
        if (colon != line.npos) headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }

    const apm::context c = read(headers, formats);
    ALWAYS(c.remote ? whole(c) : c.trace == apm::trace_id{} && c.span == 0 && !c.sampled && !c.deferred);
    ALWAYS(c.valid() || apm::detail::state_of(c).empty());
    ALWAYS(apm::detail::state_of(c).size() <= 8192 && apm::detail::baggage_of(c).size() <= 8192);

    // What is there stays, in its order; ours is there once.
    const header_list sent = write(headers, c, formats);
    header_list others, still;
    for (const auto& one : headers)
        if (!ours(one.first)) others.push_back(one);
    for (const auto& one : sent)
        if (!ours(one.first)) still.push_back(one);
    ALWAYS(others == still);
    if (c.valid() && apm::detail::has_propagator(formats, propagator::tracecontext)) {
        int count = 0;
        for (const auto& one : sent) count += apm::detail::equal_ignoring_case(one.first, "traceparent");
        ALWAYS(count == 1);
    }

    // The next process reads the same; where several formats are on, after some of them have said what others left open. (Jaeger's
    // baggage is in the names of headers, where case means nothing.)
    const auto comparable = [formats](apm::context x) {
        if (apm::detail::has_propagator(formats, propagator::jaeger)) x.shared = apm::detail::share_texts({}, apm::detail::state_of(x), {});
        return x;
    };
    const auto next_of = [formats](const apm::context& x) { return read(write({}, x, formats), formats); };
    const apm::context next = next_of(c), settled = next_of(next);
    if (c.valid()) ALWAYS(next.trace == c.trace || c.trace.low == 0);
    if (c.valid() && formats < 16 && c.trace.low != 0) ALWAYS(comparable(next) == comparable(c));
    ALWAYS(comparable(next_of(settled)) == comparable(settled));
}
