// ctest: LABELS serial
#include <apm/propagation/xray.hpp>

#include <string>
#include <string_view>

#include "../catch.hpp"
#include "codec.hpp"

namespace {

std::string read(std::string_view text) {
    apm::context c;
    return apm::detail::read_xray(text, c) ? shown(c) : "invalid";
}
std::string write(const apm::context& c) {
    return written([&](auto& to) { apm::detail::write_xray(to, c); });
}

const std::string root = "Root=1-5759e988-bd862e3fe1be46a994272793", parent = "Parent=53995c3f42cd8ad8";
const std::string ids = "5759e988bd862e3fe1be46a994272793 53995c3f42cd8ad8";

}  // namespace

TEST_CASE("X-Amzn-Trace-Id: what is read, and what is malformed") {
    const std::string both = root + ";" + parent;
    const struct { std::string text, means; } cases[] = {
        {both + ";Sampled=1", ids + " sampled remote"},
        {both + ";Sampled=0", ids + " remote"},
        {both + ";Sampled=?", ids + " remote deferred"},
        {both + ";Sampled=2", ids + " remote deferred"},
        {both + ";Sampled=", ids + " remote deferred"},
        {both, ids + " remote deferred"},
        // In any order, with blanks, in letters of any case, and with unknown parts.
        {"Sampled=1;" + parent + ";" + root, ids + " sampled remote"},
        {parent + "; " + root + " ;\tSampled=1", ids + " sampled remote"},
        {both + ";Sampled=1;", ids + " sampled remote"},
        {";;" + both + ";Sampled=1", ids + " sampled remote"},
        {"Self=1-63441c4a-abcdef012345678912345678;" + both + ";Sampled=1", ids + " sampled remote"},
        {both + ";Sampled=1;Lineage=25:a87bd80c:1", ids + " sampled remote"},
        {both + ";Sampled=1;Lineage=1:2|3:4=5", ids + " sampled remote"},
        {"ROOT=1-5759E988-BD862E3FE1BE46A994272793;parent=53995C3F42CD8AD8;sampled=1", ids + " sampled remote"},
        {"Rooted=1;" + both + ";Sampled=1", ids + " sampled remote"},
        // Only a decision, as of a load balancer.
        {root + ";Sampled=1", "- sampled remote"},
        {root + ";Sampled=0", "- remote"},
        {"Sampled=1", "- sampled remote"},
        {parent + ";Sampled=0", "- remote"},
        // Nothing.
        {root, "invalid"},
        {parent, "invalid"},
        {"Sampled=?", "invalid"},
        {root + ";Sampled=?", "invalid"},
        {"", "invalid"},
        {";", "invalid"},
        {"Self=1-2", "invalid"},
        // Malformed: all of it goes.
        {both + ";Sampled", "invalid"},
        {both + ";Sampled=1;what", "invalid"},
        {"Root=2-5759e988-bd862e3fe1be46a994272793;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-5759e988-bd862e3fe1be46a99427279;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-5759e988-bd862e3fe1be46a9942727930;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-5759e988bbd862e3fe1be46a994272793;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-5759e988-bd862e3fe1be46a99427279g;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-5759e98-8bd862e3fe1be46a994272793;" + parent + ";Sampled=1", "invalid"},
        {"Root=;" + parent + ";Sampled=1", "invalid"},
        {"Root=1-00000000-000000000000000000000000;" + parent + ";Sampled=1", "invalid"},
        {root + ";Parent=;Sampled=1", "invalid"},
        {root + ";Parent=53995c3f42cd8ad;Sampled=1", "invalid"},
        {root + ";Parent=53995c3f42cd8ad80;Sampled=1", "invalid"},
        {root + ";Parent=53995c3f42cd8adg;Sampled=1", "invalid"},
        {root + ";Parent=0000000000000000;Sampled=1", "invalid"},
    };
    for (const auto& [text, means] : cases) {
        CAPTURE(text);
        CHECK(read(text) == means);
    }
}

TEST_CASE("X-Amzn-Trace-Id: what is written") {
    apm::context c{.trace = {0x5759e988bd862e3f, 0xe1be46a994272793}, .span = 0x53995c3f42cd8ad8};
    CHECK(write(c) == root + ";" + parent + ";Sampled=0");
    c.sampled = true;
    CHECK(write(c) == root + ";" + parent + ";Sampled=1");
    c.sampled = false, c.deferred = true;
    CHECK(write(c) == root + ";" + parent);
    for (apm::context any : random_contexts(1000)) {
        any.random = false;
        any.deferred = !any.sampled && any.span & 1;
        CHECK(read(write(any)) == shown(any));
    }
}

TEST_CASE("X-Amzn-Trace-Id: no mutation of a valid one is half a context") {
    mutations(root + ";" + parent + ";Sampled=1", [](const std::string& text) {
        apm::context c;
        if (!apm::detail::read_xray(text, c)) return;
        const bool good = c.remote && (c.valid() || (c.trace == apm::trace_id{} && c.span == 0 && !c.deferred));
        if (!good) FAIL(text);
    });
}
