// ctest: LABELS serial
#include <apm/detail/hash.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using namespace apm::detail;

std::uint64_t hash_of(const std::string& s, std::uint64_t seed = 1) { return hash_bytes(seed, s.data(), s.size()); }

}  // namespace

TEST_CASE("fnv is FNV-1a") {
    const auto of = [](const char* text) {
        std::uint64_t hash = fnv_basis;
        while (*text) hash = fnv(hash, *text++);
        return hash;
    };
    // Test vectors from the authors' page.
    CHECK(of("") == 0xcbf29ce484222325u);
    CHECK(of("a") == 0xaf63dc4c8601ec8cu);
    CHECK(of("foobar") == 0x85944171f73967e8u);
    CHECK(of("\xff") == fnv(fnv_basis, '\xff'));
}

TEST_CASE("where one text ends and the next begins is part of the hash") {
    CHECK(fnv(fnv(fnv_basis, "ab"), "c") != fnv(fnv(fnv_basis, "a"), "bc"));
    CHECK(fnv(fnv(fnv_basis, "ab"), "") != fnv(fnv(fnv_basis, ""), "ab"));
}

TEST_CASE("all bytes of a number are part of the hash") {
    std::set<std::uint64_t> seen;
    for (int bit = 0; bit < 64; ++bit) seen.insert(fnv_number(fnv_basis, std::uint64_t{1} << bit));
    CHECK(seen.size() == 64);
}

TEST_CASE("every bit of every byte counts, whatever the length") {
    std::size_t same = 0;
    for (std::size_t size = 1; size <= 40; ++size) {
        const std::string text(size, 'x');
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            std::string other = text;
            other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << bit % 8));
            same += hash_of(text) == hash_of(other);
        }
    }
    CHECK(same == 0);
}

TEST_CASE("length counts, even of zeros") {
    std::set<std::uint64_t> seen;
    for (std::size_t size = 0; size <= 64; ++size) seen.insert(hash_of(std::string(size, '\0')));
    CHECK(seen.size() == 65);
}

TEST_CASE("the seed counts") { CHECK(hash_of("user", 1) != hash_of("user", 2)); }

TEST_CASE("reads nothing beyond the end") {
    for (std::size_t size = 0; size <= 40; ++size) {
        const std::vector<char> exactly(size, 'x');  // on the heap: AddressSanitizer watches its end
        CHECK(hash_bytes(7, exactly.data(), exactly.size()) == hash_of(std::string(size, 'x'), 7));
    }
}

TEST_CASE("keys as programs have them spread over the low bits") {
    constexpr std::size_t slots = 1024, keys = 4 * slots;
    for (const char* form : {"user-", "/api/v1/orders/", "10.0.0."}) {
        std::vector<std::size_t> load(slots);
        for (std::size_t i = 0; i < keys; ++i) ++load[hash_of(form + std::to_string(i)) % slots];
        // 4 per slot on average; a slot with 20 has a probability of 1e-8 if hashing is as good as chance.
        CHECK(*std::max_element(load.begin(), load.end()) < 20);
        CHECK(std::count(load.begin(), load.end(), 0u) < 60);  // about 19 expected
    }
}
