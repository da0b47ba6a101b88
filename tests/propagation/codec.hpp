#pragma once
// What the tests of all codecs share.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/tracing/context.hpp>
#include <apm/propagation/headers.hpp>

// How a context is shown: 32 digits, 16 digits, and what else is true of it.
inline std::string shown(const apm::context& c) {
    char text[64];
    snprintf(text, sizeof text, "%016llx%016llx %016llx", static_cast<unsigned long long>(c.trace.high),
             static_cast<unsigned long long>(c.trace.low), static_cast<unsigned long long>(c.span));
    std::string result = c.trace == apm::trace_id{} && c.span == 0 ? "-" : text;
    for (const auto& [what, word] : {std::pair(c.sampled, " sampled"), {c.remote, " remote"}, {c.random, " random"},
                                     {c.debug, " debug"}, {c.deferred, " deferred"}})
        if (what) result += word;
    if (!apm::detail::state_of(c).empty()) result.append(" state ").append(apm::detail::state_of(c));
    if (!apm::detail::baggage_of(c).empty()) result.append(" baggage ").append(apm::detail::baggage_of(c));
    return result;
}

// What write(text) puts into a text.
template <class Write>
std::string written(Write&& write) {
    apm::detail::fixed_text<20000> text;
    write(text);
    return std::string(text.view());
}

// Every prefix, every text with one byte removed, changed or doubled.
template <class F>
void mutations(std::string_view valid, F&& f) {
    for (std::size_t i = 0; i < valid.size(); ++i) {
        f(std::string(valid.substr(0, i)));
        f(std::string(valid.substr(i)));
        f(std::string(valid).erase(i, 1));
        f(std::string(valid).insert(i, 1, valid[i]));
        for (int c = 0; c < 256; ++c) {
            std::string other(valid);
            other[i] = static_cast<char>(c);
            f(std::move(other));
        }
    }
}

// Contexts of every kind that can be sent; the same ones in every run.
inline std::vector<apm::context> random_contexts(std::size_t count) {
    std::mt19937_64 random(1);
    std::vector<apm::context> all;
    while (all.size() < count) {
        const std::uint64_t bits = random();
        apm::context c{.trace = {bits & 16 ? random() : 0, random() >> (bits & 63)}, .span = random() >> (bits >> 6 & 63)};
        c.remote = true;
        c.sampled = bits & 256, c.random = bits & 512;
        if (c.valid() && c.trace.low) all.push_back(c);
    }
    return all;
}

using header_vector = std::vector<std::pair<std::string, std::string>>;
