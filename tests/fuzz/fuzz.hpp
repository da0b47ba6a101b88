#pragma once
// A target is a file with `void fuzz(std::string_view input)`, which breaks off where a property does not hold. Its first inputs
// are the files in corpus/<target>/. Who makes others of them: libFuzzer, or driver.cpp where there is none.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <apm/tracing/context.hpp>
#include <apm/propagation/text.hpp>

void fuzz(std::string_view input);

#define ALWAYS(...)                                                                       \
    do {                                                                                  \
        if (!(__VA_ARGS__)) {                                                             \
            std::fprintf(stderr, "%s:%d: not always: %s\n", __FILE__, __LINE__, #__VA_ARGS__); \
            std::abort();                                                                 \
        }                                                                                 \
    } while (false)

inline std::vector<std::string_view> lines_of(std::string_view input) {
    std::vector<std::string_view> lines;
    for (;;) {
        const std::size_t end = input.find('\n');
        lines.push_back(input.substr(0, end));
        if (end == input.npos) return lines;
        input.remove_prefix(end + 1);
    }
}
// Of a list of headers that may be absent: line n, null where there is none, or only a dash.
inline std::string_view line_or_null(const std::vector<std::string_view>& lines, std::size_t n) {
    return n < lines.size() && lines[n] != "-" ? lines[n] : std::string_view{};
}

// What write(text) puts into a text.
template <class Write>
std::string written(Write&& write) {
    static apm::detail::fixed_text<20000> text;
    text.cut_to(0);
    write(text);
    return std::string(text.view());
}

// A context with ids, or a decision without.
inline bool whole(const apm::context& c) {
    const bool decision = c.trace == apm::trace_id{} && c.span == 0 && !c.deferred;
    return c.remote && (c.valid() || decision) && (!c.debug || c.sampled) && !(c.sampled && c.deferred);
}
