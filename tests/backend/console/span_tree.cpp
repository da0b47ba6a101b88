// ctest: LABELS serial
// Trees of spans, whatever the order in which the spans come.
#include <apm/backend/console/span_tree.hpp>

#include <algorithm>
#include <random>

#include "catch.hpp"
#include "threads.hpp"

namespace {

apm::span_data make(std::string name, std::uint64_t id, std::uint64_t parent, std::uint64_t start, std::uint64_t duration = 1) {
    apm::span_data s{std::move(name)};
    s.trace = {1, 1};
    s.id = id, s.parent = parent, s.start = start, s.duration = duration;
    return s;
}

// One line a place: as many blanks as levels, the name or `?` with the parent's id, `.` where it is a leaf, `$` where it is last.
std::vector<std::string> lines(const std::vector<apm::span_data>& spans) {
    std::vector<std::string> result;
    apm::span_tree(spans).each([&](const apm::span_tree::place& at) {
        result.push_back(std::string(at.depth, ' ') + (at.span ? at.span->name : "?" + std::to_string(at.missing.id)) +
                         (at.leaf ? "." : "") + (at.last ? "$" : ""));
    });
    return result;
}
using list = std::vector<std::string>;

// Spans and, by plain recursion over who is whose child, the lines that they must give.
struct forest {
    std::vector<apm::span_data> spans;
    list expected;

    forest(std::mt19937& random, std::size_t count) {
        std::vector<std::uint64_t> starts(count);
        for (std::size_t i = 0; i < count; ++i) starts[i] = i;
        std::shuffle(starts.begin(), starts.end(), random);  // a child may begin before its parent: clocks of threads differ
        children.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            apm::span_data s = make("s" + std::to_string(i), 1000 + i, 0, starts[i], random() % 50);
            s.trace.low = 1;
            const auto kind = random() % 16;
            if (kind < 12 && i > 0) {
                const std::size_t above = random() % i;
                s.parent = spans[above].id, s.trace = spans[above].trace;
                s.parent_is_remote = kind == 0;  // it went out and came back: the parent is here all the same
                children[above].push_back(i);
            } else {
                s.trace.low = 1 + random() % 2;
                if (kind == 12) s.parent = 7, s.parent_is_remote = true;
                if (kind > 12) s.parent = 1 + random() % 3;  // lost
                tops.push_back(i);
            }
            spans.push_back(std::move(s));
        }
        // Tops by start; those with a lost parent at the place of the first of them.
        std::vector<std::vector<std::size_t>> groups;
        by_start(tops);
        for (const std::size_t t : tops) {
            const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& g) {
                const auto &a = spans[g[0]], &b = spans[t];
                return !a.is_local_root() && !b.is_local_root() && a.parent_key() == b.parent_key();
            });
            if (same == groups.end()) groups.push_back({t});
            else same->push_back(t);
        }
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const bool last = g + 1 == groups.size();
            const apm::span_data& first = spans[groups[g][0]];
            if (first.is_local_root()) {
                expect(groups[g][0], 0, last);
                continue;
            }
            expected.push_back("?" + std::to_string(first.parent) + (last ? "$" : ""));
            expect_all(groups[g], 1);
        }
    }

private:
    void by_start(std::vector<std::size_t>& which) {
        std::sort(which.begin(), which.end(), [&](auto a, auto b) { return spans[a].start < spans[b].start; });
    }
    void expect(std::size_t i, std::size_t depth, bool last) {
        expected.push_back(std::string(depth, ' ') + spans[i].name + (children[i].empty() ? "." : "") + (last ? "$" : ""));
        expect_all(children[i], depth + 1);
    }
    void expect_all(std::vector<std::size_t> which, std::size_t depth) {
        by_start(which);
        for (std::size_t n = 0; n < which.size(); ++n) expect(which[n], depth, n + 1 == which.size());
    }
    std::vector<std::vector<std::size_t>> children;
    std::vector<std::size_t> tops;
};

}  // namespace

TEST_CASE("nothing, and one") {
    CHECK(lines({}).empty());
    CHECK(lines({make("a", 1, 0, 5)}) == list{"a.$"});
    CHECK(lines({make("", 1, 0, 5)}) == list{".$"});
}

TEST_CASE("children come before their parents, and are below them") {
    CHECK(lines({make("bank", 4, 3, 30), make("pay", 3, 1, 20), make("reserve", 2, 1, 10), make("checkout", 1, 0, 0)}) ==
          list{"checkout$", " reserve.", " pay$", "  bank.$"});
}

TEST_CASE("siblings are in order of start, then of end, then as given") {
    const std::vector<apm::span_data> spans{make("c", 4, 1, 10, 3), make("a", 2, 1, 10, 1), make("b", 3, 1, 10, 2),
                                            make("b2", 5, 1, 10, 2), make("root", 1, 0, 10, 3)};
    CHECK(lines(spans) == list{"root$", " a.", " b.", " b2.", " c.$"});
}

TEST_CASE("a place stands for a parent that is not there") {
    CHECK(lines({make("late", 9, 77, 30), make("root", 1, 0, 20), make("early", 8, 77, 10), make("below", 7, 9, 31),
                 make("other", 6, 78, 5)}) ==
          list{"?78", " other.$", "?77", " early.", " late$", "  below.$", "root.$"});
}

TEST_CASE("a span whose parent is in another process is a root") {
    auto server = make("server", 2, 1, 10);
    server.parent_is_remote = true;
    CHECK(lines({make("work", 3, 2, 11), server}) == list{"server$", " work.$"});
    CHECK(lines({make("work", 3, 2, 11), server, make("client", 1, 0, 9)}) == list{"client$", " server$", "  work.$"});
}

TEST_CASE("an id counts within its trace") {
    auto a = make("a", 1, 0, 0), b = make("b", 1, 0, 1), below_b = make("below b", 2, 1, 2), nowhere = make("nowhere", 3, 1, 3);
    b.trace = below_b.trace = {1, 2};
    nowhere.trace = {2, 1};
    CHECK(lines({below_b, nowhere, a, b}) == list{"a.", "b", " below b.$", "?1$", " nowhere.$"});
}

TEST_CASE("spans that no program could have recorded are neither lost nor a reason to hang") {
    CHECK(lines({make("own", 1, 1, 0)}) == list{"?1$", " own.$"});
    CHECK(lines({make("a", 1, 2, 0), make("b", 2, 1, 1), make("c", 3, 2, 2)}) == list{"?2$", " a$", "  b$", "   c.$"});
    CHECK(lines({make("first", 1, 0, 0), make("twin", 1, 0, 1), make("below", 2, 1, 2)}) ==
          list{"first", " below.$", "twin.$"});
}

TEST_CASE("whatever the order, the trees are the same") {
    std::mt19937 random(1);
    for (std::size_t round = 0; round < repeat(500); ++round) {
        forest f(random, 20);
        for (int order = 0; order < 100; ++order) {  // in all, a million spans
            std::shuffle(f.spans.begin(), f.spans.end(), random);
            if (const auto seen = lines(f.spans); seen != f.expected) REQUIRE(seen == f.expected);
        }
    }
    forest large(random, 20'000);
    std::shuffle(large.spans.begin(), large.spans.end(), random);
    CHECK((lines(large.spans) == large.expected));
}

TEST_CASE("it may be deep") {
    std::vector<apm::span_data> spans;
    for (std::uint64_t i = 0; i < 100'000; ++i) spans.push_back(make("s", i + 1, i, i));
    std::size_t deepest = 0, count = 0;
    std::reverse(spans.begin(), spans.end());
    apm::span_tree(spans).each([&](const apm::span_tree::place& at) {
        if (at.depth != count || at.span->id != count + 1) FAIL("at " << count);
        ++count;
        deepest = at.depth;
    });
    CHECK(count == 100'000);
    CHECK(deepest == 99'999);
}
