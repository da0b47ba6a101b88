#include <apm/detail/table.hpp>

#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using apm::detail::key;
using apm::detail::key_view;
using apm::detail::piece;
using apm::detail::table;

// A key of one text, and the memory for it.
struct one_text {
    std::string text;
    piece at;
    std::uint32_t closed;
    explicit one_text(std::string t, std::uint32_t c = 0) : text(std::move(t)), at{text.data(), text.size()}, closed(c) {}
    [[nodiscard]] key_view view() const { return {closed, 1, &at}; }
    operator key_view() const { return view(); }
};

std::string text_of(const table& t, std::uint32_t id) { return {t.by_id[id]->bytes(), t.by_id[id]->sizes()[0]}; }

// Tables live as long as their process. Kept, so that LeakSanitizer finds them.
table& fresh(std::uint32_t limit) {
    static auto* const all = new std::vector<table*>;
    all->push_back(table::make(limit));
    return *all->back();
}

}  // namespace

TEST_CASE("ids are given in the order of admission, and found again") {
    table& t = fresh(10);
    CHECK(t.find(one_text("a")) == 0);
    CHECK(t.admit(one_text("a")) == 1);
    CHECK(t.admit(one_text("b")) == 2);
    CHECK(t.admit(one_text("a")) == 1);
    CHECK(t.find(one_text("a")) == 1);
    CHECK(t.find(one_text("b")) == 2);
    CHECK(t.find(one_text("c")) == 0);
    CHECK(text_of(t, 1) == "a");
    CHECK(text_of(t, 2) == "b");
    CHECK(t.admitted.load() == 2);
}

TEST_CASE("the key is copied") {
    table& t = fresh(4);
    {
        one_text gone("here today, gone tomorrow");
        t.admit(gone);
        gone.text.assign(gone.text.size(), '?');
    }
    CHECK(t.find(one_text("here today, gone tomorrow")) == 1);
}

TEST_CASE("all parts of a key count: the number, each text, and where one ends") {
    table& t = fresh(100);
    const auto id = [&](std::uint32_t closed, std::string_view a, std::string_view b) {
        const piece texts[] = {{a.data(), a.size()}, {b.data(), b.size()}};
        return t.admit({closed, 2, texts});
    };
    std::set<std::uint32_t> ids{id(0, "ab", "c"), id(0, "a", "bc"), id(0, "abc", ""), id(0, "", "abc"), id(1, "ab", "c"),
                                id(0, std::string_view("ab\0", 3), "c"), id(0, "", "")};
    CHECK(ids.size() == 7);
    CHECK(id(0, "ab", "c") == 1);
}

TEST_CASE("keys without text are numbers") {
    table& t = fresh(1000);
    for (std::uint32_t n = 0; n < 1000; ++n) REQUIRE(t.admit({n, 0, nullptr}) == n + 1);
    for (std::uint32_t n = 0; n < 1000; ++n) REQUIRE(t.find({n, 0, nullptr}) == n + 1);
}

TEST_CASE("a limit of N admits exactly N") {
    const auto limit = GENERATE(1u, 2u, 7u, 8u, 9u, 16u, 100u, 2000u);
    table& t = fresh(limit);
    for (std::uint32_t i = 0; i < 2 * limit + 5; ++i)
        REQUIRE(t.admit(one_text(std::to_string(i))) == (i < limit ? i + 1 : 0));
    CHECK(t.admitted.load() == limit);
    for (std::uint32_t i = 0; i < limit; ++i) REQUIRE(t.find(one_text(std::to_string(i))) == i + 1);
}

TEST_CASE("two keys of one hash are two ids") {
    table& t = fresh(100);
    for (std::uint32_t i = 0; i < 100; ++i) REQUIRE(t.admit(42, one_text("key " + std::to_string(i))) == i + 1);
    for (std::uint32_t i = 0; i < 100; ++i) {
        REQUIRE(t.find(42, one_text("key " + std::to_string(i))) == i + 1);
        REQUIRE(text_of(t, i + 1) == "key " + std::to_string(i));
    }
    CHECK(t.find(42, one_text("another")) == 0);
}

TEST_CASE("two keys of one hash and one text, but different numbers, are two ids") {
    table& t = fresh(10);
    CHECK(t.admit(42, one_text("same", 1)) == 1);
    CHECK(t.admit(42, one_text("same", 2)) == 2);
}

TEST_CASE("spellings that read alike are one id") {
    table& t = fresh(10);
    const std::uint32_t id = t.admit(one_text("caf\xe9"));  // Latin-1
    CHECK(text_of(t, id) == "caf\xef\xbf\xbd");
    CHECK(t.admit(one_text("caf\xe8")) == id);
    CHECK(t.admit(one_text("caf\xef\xbf\xbd")) == id);  // the replacement character, well-formed
    CHECK(t.find(one_text("caf\xe9")) == id);           // no repair is needed the second time
    CHECK(t.admit(one_text("caf\xc3\xa9")) != id);      // UTF-8: another name
    CHECK(t.admitted.load() == 2);
}

TEST_CASE("spellings that read alike stay one id when the table is full") {
    table& t = fresh(2);
    CHECK(t.admit(one_text("a")) == 1);
    CHECK(t.admit(one_text("\xff")) == 2);
    CHECK(t.admit(one_text("\xfe")) == 2);
    CHECK(t.admit(one_text("\xfd")) == 2);
    CHECK(t.admit(one_text("b\xfd")) == 0);
}

TEST_CASE("a flood of spellings takes no room from others") {
    table& t = fresh(8);
    CHECK(t.admit(one_text("\x80")) == 1);
    for (int i = 0; i < 10000; ++i) {
        // Every one of them reads as eight replacement characters.
        std::string s;
        for (int n = i, k = 0; k < 8; ++k, n /= 4) s += static_cast<char>(0xfc + n % 4);
        REQUIRE(t.admit(one_text(s)) == 2);
    }
    for (std::uint32_t i = 0; i < 6; ++i) REQUIRE(t.admit(one_text(std::to_string(i))) == i + 3);
    CHECK(t.admit(one_text("late")) == 0);
    CHECK(t.find(one_text("not there")) == 0);  // ends: there is an empty slot
}

TEST_CASE("64 KiB of text is a key like any other") {
    table& t = fresh(10);
    const std::string big(65536, 'x');
    std::string other = big;
    other.back() = 'y';
    CHECK(t.admit(one_text(big)) == 1);
    CHECK(t.admit(one_text(other)) == 2);
    CHECK(t.admit(one_text(big)) == 1);
    CHECK(text_of(t, 1) == big);
    CHECK(t.admit(one_text(std::string(65536, '\xff'))) == 3);  // three times as long when it is repaired
    CHECK(t.by_id[3]->sizes()[0] == 3 * 65536);
}

TEST_CASE("eight threads that race for a limit of N: exactly N keys, each of one id, and no admitted key is turned away") {
    constexpr std::uint32_t limit = 200;
    for (int round = 0; round < 20; ++round) {
        table& t = fresh(limit);
        // What each thread was told about each key, first and last.
        std::vector<std::vector<std::uint32_t>> told(8, std::vector<std::uint32_t>(2 * limit));
        std::atomic<std::size_t> changed{0}, turned_away{0};
        in_threads(8, [&](std::size_t thread) {
            for (std::uint32_t i = 0; i < 2 * limit; ++i) {
                const std::uint32_t n = (i + static_cast<std::uint32_t>(thread) * 50) % (2 * limit);
                const one_text k(std::to_string(n));
                const std::uint32_t id = t.admit(k);
                told[thread][n] = id;
                changed += t.admit(k) != id;
                turned_away += id == 0 && t.find(k) != 0;
            }
        });
        REQUIRE(changed == 0);
        REQUIRE(turned_away == 0);
        REQUIRE(t.admitted.load() == limit);
        for (std::uint32_t n = 0; n < 2 * limit; ++n)
            for (const auto& one : told) REQUIRE(one[n] == told[0][n]);
        std::set<std::string> texts;
        for (std::uint32_t id = 1; id <= limit; ++id) texts.insert(text_of(t, id));
        REQUIRE(texts.size() == limit);
    }
}

TEST_CASE("as many keys as `admitted` says may be read") {
    constexpr std::uint32_t limit = 2000;
    table& t = fresh(limit);
    std::atomic<std::size_t> wrong{0};
    meanwhile reading([&] {
        const auto n = static_cast<std::uint32_t>(t.admitted.load_acquire());
        for (std::uint32_t id = 1; id <= n; ++id) {
            const key* k = t.by_id[id];
            wrong += !k || k->id != id || t.find(one_text(text_of(t, id))) != id;
        }
    });
    in_threads(4, [&](std::size_t) {
        for (std::uint32_t i = 0; i < limit; ++i) t.admit(one_text("key " + std::to_string(i)));
    });
    reading.stop();
    CHECK(wrong == 0);
}
