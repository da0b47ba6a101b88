// ctest: LABELS serial
#include <apm/backend/http/clients.hpp>

#include <chrono>
#include <string>

#include "catch.hpp"

using namespace std::chrono_literals;
using apm::detail::http_phase;

namespace {

using clients = apm::detail::http_clients<char>;
const clients::clock::time_point start{1000h};

struct crowd : clients {
    using clients::clients;
    // The names of those that are cut off at a time.
    std::string cut_at(clock::duration at) {
        std::string names;
        cut_off(start + at, [&](client& c) { names += c.connection; });
        return names;
    }
    client& come(char name, clock::duration at) { return add(name, -1, start + at); }
};

}  // namespace

TEST_CASE("each client has its time, by what it is about") {
    crowd c(10, 5s, 90s);
    CHECK(c.next() == clients::clock::time_point::max());
    auto& a = c.come('a', 0s);
    auto& b = c.come('b', 1s);
    auto& d = c.come('d', 2s);
    CHECK(c.next() == start + 5s);
    c.enters(a, http_phase::idle, start + 3s);
    c.enters(b, http_phase::unwanted, start + 3s);
    CHECK(c.next() == start + 4s);
    CHECK(c.cut_at(4s - 1ns) == "");
    CHECK(c.cut_at(4s) == "b");
    CHECK(c.cut_at(7s) == "d");
    CHECK(c.cut_at(8s) == "");  // once
    CHECK(c.next() == start + 93s);
    c.remove(d);
    c.remove(b);
    CHECK(c.size() == 1);
    CHECK(c.cut_at(93s) == "a");
}

TEST_CASE("of too many, the longest waiting goes: idle ones first, one that is served last, and none that has just come") {
    crowd c(3, 5s, 90s);
    c.enters(c.come('s', 0s), http_phase::served, start);
    c.come('a', 10ms), c.come('b', 20ms);
    CHECK(c.cut_at(30ms) == "");
    c.enters(c.come('i', 30ms), http_phase::idle, start + 30ms);
    CHECK(c.cut_at(60ms) == "");  // all have just come
    CHECK(c.next() == start + 100ms);
    CHECK(c.cut_at(100ms) == "s");
    c.come('x', 100ms);
    CHECK(c.cut_at(130ms) == "i");
    c.come('c', 200ms);
    CHECK(c.cut_at(200ms) == "a");
    c.enters(c.come('t', 200ms), http_phase::served, start + 200ms);
    CHECK(c.cut_at(210ms) == "b");
    c.come('d', 300ms), c.come('e', 300ms);
    CHECK(c.cut_at(300ms) == "xc");
    c.come('f', 300ms);
    CHECK(c.cut_at(300ms) == "t");
}

TEST_CASE("a client that is made to wait is resumed when it has, or when it is cut off") {
    crowd c(1, 5s, 90s);
    auto& a = c.come('a', 0s);
    a.resumes = start + 200ms;
    CHECK(c.next() == start + 200ms);
    std::string resumed;
    const auto resume = [&](clients::client& who) { resumed += who.connection; };
    CHECK_FALSE(c.resume(start + 199ms, resume));
    CHECK(c.resume(start + 200ms, resume));
    CHECK_FALSE(c.resume(start + 300ms, resume));
    a.resumes = start + 900ms;
    c.come('b', 500ms);
    CHECK(c.cut_at(500ms) == "a");
    CHECK(c.resume(start + 500ms, resume));
    CHECK(resumed == "aa");
}
