// ctest: LIBS ZLIB::ZLIB LABELS serial
#include <apm/backend/gzip.hpp>

#include <cstdint>
#include <string>

#include "catch.hpp"

TEST_CASE("gzip of nothing, of little and of much is a gzip file") {
    for (const std::string& text : {std::string(), std::string("a"), std::string(1 << 20, 'x')}) {
        std::string packed;
        REQUIRE(apm::detail::gzipped(text, packed));
        REQUIRE(packed.size() >= 18);  // RFC 1952: header and trailer
        CHECK(packed.substr(0, 3) == "\x1f\x8b\x08");
        const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(packed[packed.size() - 4 + i])); };
        CHECK((byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24) == text.size());
    }
}
