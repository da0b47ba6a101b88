// ctest: LABELS serial
#include <apm/propagation/carrier.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../catch.hpp"

// A container that is none of those known.
struct Request {
    std::vector<std::pair<std::string, std::string>> lines;
};
template <>
struct apm::carrier<Request> {
    static void get(const Request& r, std::string_view name, auto&& found) {
        for (const auto& [n, value] : r.lines)
            if (n == name) found(value);
    }
    static void set(Request& r, std::string_view name, std::string_view value) { r.lines.emplace_back(name, value); }
};
// With the two functions that one may have besides.
struct FullRequest : Request {};
template <>
struct apm::carrier<FullRequest> : apm::carrier<Request> {
    static void remove(FullRequest& r, std::string_view name) { std::erase_if(r.lines, [&](const auto& l) { return l.first == name; }); }
    static void each(const FullRequest& r, auto&& f) {
        for (const auto& [n, value] : r.lines) f(n, value);
    }
};

namespace {

template <class C>
std::vector<std::string> values(const C& headers, std::string_view name) {
    std::vector<std::string> all;
    apm::detail::source_of(headers).find(name, [&](std::string_view value) { all.emplace_back(value); });
    return all;
}
template <class C>
std::size_t count_all(const C& headers) {
    std::size_t n = 0;
    apm::detail::source_of(headers).find_all([&](std::string_view, std::string_view) { ++n; });
    return n;
}
template <class C>
void set(C& headers, std::string_view name, std::string_view value) { apm::detail::sink_of(headers).set(name, value); }
template <class C>
void remove(C& headers, std::string_view name) { apm::detail::sink_of(headers).remove(name); }

using strings = std::vector<std::string>;

template <class C>
void keeps_what_is_there() {
    C headers;
    headers.insert(headers.end(), {"Host", "a"});
    headers.insert(headers.end(), {"TraceParent", "old"});
    headers.insert(headers.end(), {"Accept", "b"});
    CHECK(values(headers, "traceparent") == strings{"old"});
    CHECK(values(headers, "tracestate").empty());
    CHECK(count_all(headers) == 3);
    set(headers, "traceparent", "new");
    CHECK(values(headers, "TRACEPARENT") == strings{"new"});
    CHECK(headers.size() == 3);
    set(headers, "tracestate", "a=b");
    CHECK(values(headers, "tracestate") == strings{"a=b"});
    CHECK(headers.size() == 4);
    remove(headers, "traceParent");
    CHECK(values(headers, "traceparent").empty());
    remove(headers, "traceparent");
    CHECK(values(headers, "host") == strings{"a"});
    CHECK(values(headers, "accept") == strings{"b"});
    CHECK(headers.size() == 3);
}

const char* plain_function(const char* name) { return std::string_view(name) == "b3" ? "0" : nullptr; }

}  // namespace

TEST_CASE("maps and sequences of pairs are carriers") {
    keeps_what_is_there<std::map<std::string, std::string>>();
    keeps_what_is_there<std::map<std::string, std::string, std::less<>>>();
    keeps_what_is_there<std::multimap<std::string, std::string>>();
    keeps_what_is_there<std::unordered_map<std::string, std::string>>();
    keeps_what_is_there<std::unordered_multimap<std::string, std::string>>();
    keeps_what_is_there<std::vector<std::pair<std::string, std::string>>>();
    keeps_what_is_there<std::list<std::pair<std::string, std::string>>>();
    keeps_what_is_there<std::deque<std::pair<std::string, std::string>>>();
}

TEST_CASE("several headers of one name: all are read, and one is left") {
    std::vector<std::pair<std::string, std::string>> list{{"b3", "1"}, {"x", "y"}, {"B3", "2"}, {"b3", "3"}};
    CHECK(values(list, "b3") == strings{"1", "2", "3"});
    set(list, "b3", "new");
    CHECK(list == std::vector<std::pair<std::string, std::string>>{{"b3", "new"}, {"x", "y"}});
    std::multimap<std::string, std::string> map{{"b3", "1"}, {"B3", "2"}, {"b3", "3"}, {"x", "y"}};
    set(map, "b3", "new");
    CHECK(values(map, "b3") == strings{"new"});
    CHECK(map.size() == 2);
}

TEST_CASE("lists of values are carriers") {
    std::map<std::string, strings> headers{{"Traceparent", {"1", "2"}}, {"x", {"y", "z"}}, {"none", {}}};
    CHECK(values(headers, "traceparent") == strings{"1", "2"});
    CHECK(values(headers, "none").empty());
    CHECK(count_all(headers) == 4);
    set(headers, "traceparent", "new");
    set(headers, "tracestate", "a=b");
    CHECK(headers == std::map<std::string, strings>{{"Traceparent", {"new"}}, {"tracestate", {"a=b"}}, {"x", {"y", "z"}}, {"none", {}}});
    std::vector<std::pair<std::string, std::list<std::string>>> pairs;
    set(pairs, "b3", "0");
    CHECK(pairs.at(0).second.front() == "0");
}

TEST_CASE("what only can be read: views, constants") {
    const std::vector<std::pair<std::string_view, std::string_view>> views{{"B3", "0"}};
    CHECK(values(views, "b3") == strings{"0"});
    const std::map<std::string, const char*> pointers{{"b3", "1"}};
    CHECK(values(pointers, "b3") == strings{"1"});
}

TEST_CASE("a function is a carrier") {
    const auto is = [](auto&& f) { return values(f, "b3"); };
    const auto asked = [](std::string_view name) { return name == "b3"; };
    CHECK(is([&](const char* name) -> const char* { return asked(name) ? "0" : nullptr; }) == strings{"0"});
    CHECK(is([](const char*) -> const char* { return nullptr; }).empty());
    CHECK(is([&](std::string_view name) { return asked(name) ? std::string_view("0") : std::string_view(); }) == strings{"0"});
    CHECK(is([](std::string_view) { return std::string_view(); }).empty());
    CHECK(is([](std::string_view) { return std::string("a long text that is not in the string itself"); }).at(0).size() == 44);
    CHECK(is([](std::string_view) { return std::optional<std::string>(); }).empty());
    CHECK(is([](std::string_view) { return std::optional<std::string>("x"); }) == strings{"x"});
    CHECK(is([](std::string_view) { return std::optional<std::string_view>("x"); }) == strings{"x"});
    CHECK(is([](std::string_view) { return std::make_unique<std::string>("x"); }) == strings{"x"});
    CHECK(is([](const std::string& name) { return name; }) == strings{"b3"});
    // An empty text is how some libraries say that there is none.
    CHECK(is([](const std::string&) { return std::string(); }).empty());
    CHECK(is([](const char*) { return ""; }).empty());
    CHECK(is([](std::string_view) { return std::string_view(""); }).empty());
    CHECK(is([](std::string_view) { return std::optional<std::string>(""); }).empty());
    auto* const pointer = &plain_function;
    CHECK(values(pointer, "b3") == strings{"0"});
    CHECK(count_all(pointer) == 0);
    int calls = 0;
    auto counts = [&calls](const char*) mutable -> const char* { return ++calls, nullptr; };
    CHECK(apm::detail::source_of(counts).each == nullptr);

    strings sent;
    auto setter = [&](std::string_view name, std::string_view value) { sent.push_back(std::string(name).append(": ").append(value)); };
    set(setter, "b3", "0");
    remove(setter, "b3");
    CHECK(sent == strings{"b3: 0"});
}

TEST_CASE("headers whose names are not known beforehand are removed, where that is possible") {
    const auto left = []<class C>(C headers) {
        apm::detail::sink_of(headers).remove_each("ctx-", [](std::string_view rest) { return rest != "keep"; });
        std::string names;
        apm::detail::source_of(headers).find_all([&](std::string_view name, std::string_view) { names.append(name).append(" "); });
        return names;
    };
    using pairs = std::vector<std::pair<std::string, std::string>>;
    const pairs all{{"a", "1"}, {"CTX-b", "1"}, {"ctx-", "1"}, {"Ctx-keep", "1"}, {"ctx-c", "1"}, {"ctx-c", "2"}, {"ctxx", "1"}};
    CHECK(left(all) == "a ctx- Ctx-keep ctxx ");
    CHECK(left(std::list<std::pair<std::string, std::string>>(all.begin(), all.end())) == "a ctx- Ctx-keep ctxx ");
    CHECK(left(std::multimap<std::string, std::string>(all.begin(), all.end())) == "Ctx-keep a ctx- ctxx ");
    CHECK(left(std::map<std::string, strings>{{"ctx-b", {"1", "2"}}, {"a", {"1"}}}) == "a ");
    FullRequest full;
    full.lines = all;
    CHECK(left(full) == "a ctx- Ctx-keep ctxx ");
    Request request{{{"ctx-b", "1"}}};  // has no function for that
    apm::detail::sink_of(request).remove_each("ctx-", [](std::string_view) { return true; });
    CHECK(values(request, "ctx-b") == strings{"1"});
}

TEST_CASE("which carriers may be temporaries to write to") {
    using headers = std::map<std::string, std::string>;
    const auto setter = [](std::string_view, std::string_view) {};
    STATIC_REQUIRE(apm::detail::temporary_headers<headers>);
    STATIC_REQUIRE(apm::detail::temporary_headers<const headers>);
    STATIC_REQUIRE_FALSE(apm::detail::temporary_headers<headers&>);
    STATIC_REQUIRE_FALSE(apm::detail::temporary_headers<decltype(setter)>);
    STATIC_REQUIRE_FALSE(apm::detail::temporary_headers<Request>);  // maybe a view
}

TEST_CASE("a type becomes a carrier by two functions") {
    Request request{{{"b3", "0"}}};
    CHECK(values(request, "b3") == strings{"0"});
    CHECK(count_all(request) == 0);
    set(request, "b3", "1");
    remove(request, "b3");
    CHECK(values(request, "b3") == strings{"0", "1"});

    FullRequest full;
    set(full, "b3", "1");
    set(full, "x", "y");
    CHECK(count_all(full) == 2);
    remove(full, "b3");
    CHECK(count_all(full) == 1);
}
