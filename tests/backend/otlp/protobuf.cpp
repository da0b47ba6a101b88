// ctest: LABELS serial
#include <apm/backend/otlp/protobuf.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include <apm/backend/otlp/common.hpp>
#include <apm/backend/otlp/metrics.hpp>

#include "backend/otlp/decoded.hpp"
#include "catch.hpp"

namespace otlp = apm::detail::otlp;
using otlp::field;
using otlp_test::hex;

namespace {

template <class Put>
std::string bytes(Put&& put, std::string out = {}) {
    {
        otlp::protobuf_encoder to(out);
        put(to);
    }
    return out;
}
template <class Value>
std::string pair_of_k(const Value& v) {
    return hex(bytes([&](auto& to) { otlp::put_key_value(to, "k", v); }));
}
std::string zeros(int n) {
    std::string all;
    for (int i = 0; i < n; ++i) all += " 00";
    return all;
}

}  // namespace

TEST_CASE("attributes are the bytes they should be") {
    CHECK(pair_of_k(std::int64_t{7}) == "0a 01 6b 12 02 18 07");
    CHECK(pair_of_k(std::int64_t{-1}) == "0a 01 6b 12 0b 18 ff ff ff ff ff ff ff ff ff 01");
    CHECK(pair_of_k(std::string_view("v")) == "0a 01 6b 12 03 0a 01 76");
    CHECK(pair_of_k(std::string_view()) == "0a 01 6b 12 02 0a 00");
    CHECK(pair_of_k(true) == "0a 01 6b 12 02 10 01");
    CHECK(pair_of_k(false) == "0a 01 6b 12 02 10 00");
    CHECK(pair_of_k(1.5) == "0a 01 6b 12 09 21 00 00 00 00 00 00 f8 3f");
    const std::int64_t integers[] = {1, 2};
    const auto* const raw = reinterpret_cast<const char*>(integers);
    CHECK(pair_of_k(apm::packed_numbers<std::int64_t>(raw, 2)) == "0a 01 6b 12 0a 2a 08 0a 02 18 01 0a 02 18 02");
    CHECK(pair_of_k(apm::packed_numbers<std::int64_t>(raw, 0)) == "0a 01 6b 12 02 2a 00");
}

TEST_CASE("points are the bytes they should be") {
    CHECK(hex(bytes([](auto& to) {
              to.fixed64(otlp::number_fields::start_time, 1);
              to.fixed64(otlp::number_fields::time, 2);
              to.sfixed64(otlp::number_fields::as_int, -5);
          })) == "11 01" + zeros(7) + " 19 02" + zeros(7) + " 31 fb ff ff ff ff ff ff ff");
    const std::vector<std::uint64_t> ones{1, 1, 1}, exponential{1, 300};
    const std::vector<double> bounds{0.5, 1};
    const std::string exponential_bytes = bytes([&](auto& to) {
        using f = otlp::exponential_fields;
        to.fixed64(f::start_time, 1), to.fixed64(f::time, 2), to.fixed64(f::count, 3);
        to.real(f::sum, 3.5);
        to.sint32(f::scale, -1);
        to.fixed64(f::zero_count, 1);
        to.message(f::positive, [&] { to.sint32(f::offset, -2), to.uint64s(f::bucket_counts, exponential); });
    });
    CHECK(exponential_bytes.size() == 56);
    CHECK(hex(exponential_bytes) == "11 01" + zeros(7) + " 19 02" + zeros(7) + " 21 03" + zeros(7) + " 29" + zeros(6) +
                                        " 0c 40 30 01 39 01" + zeros(7) + " 42 07 08 03 12 03 01 ac 02");
    const std::string histogram_bytes = bytes([&](auto& to) {
        using f = otlp::histogram_fields;
        to.fixed64(f::start_time, 1), to.fixed64(f::time, 2), to.fixed64(f::count, 3);
        to.real(f::sum, 3.5);
        to.fixed64s(f::bucket_counts, ones), to.reals(f::explicit_bounds, bounds);
        to.real(field{11, "min"}, 0.25), to.real(field{12, "max"}, 2.5);
    });
    CHECK(histogram_bytes.size() == 98);
    const std::string one = " 01" + zeros(7);
    CHECK(hex(histogram_bytes) == "11 01" + zeros(7) + " 19 02" + zeros(7) + " 21 03" + zeros(7) + " 29" + zeros(6) +
                                      " 0c 40 32 18" + one + one + one + " 3a 10" + zeros(6) + " e0 3f" + zeros(6) +
                                      " f0 3f 59" + zeros(6) + " d0 3f 61" + zeros(6) + " 04 40");
}

TEST_CASE("other fields are the bytes they should be") {
    CHECK(hex(bytes([](auto& to) { to.fixed32(field{16, "flags"}, 0x101); })) == "85 01 01 01 00 00");
    CHECK(hex(bytes([](auto& to) { to.uint32(field{10, "n"}, 300); })) == "50 ac 02");
    CHECK(hex(bytes([](auto& to) { to.uint32(field{10, "n"}, ~0u); })) == "50 ff ff ff ff 0f");
    CHECK(hex(bytes([](auto& to) { to.enumerator(field{6, "kind"}, 5); })) == "30 05");
    CHECK(hex(bytes([](auto& to) { to.sint32(field{6, "scale"}, std::numeric_limits<std::int32_t>::min()); })) ==
          "30 ff ff ff ff 0f");
    CHECK(hex(bytes([](auto& to) { to.id(field{2, "id"}, std::uint64_t{0x0102030405060708}); })) ==
          "12 08 01 02 03 04 05 06 07 08");
    CHECK(hex(bytes([](auto& to) { to.id(field{1, "id"}, std::uint64_t{1}, std::uint64_t{2}); })) ==
          "0a 10" + zeros(7) + " 01" + zeros(7) + " 02");
    CHECK(bytes([](auto&) {}).empty());
}

TEST_CASE("what is in the string already stays") {
    const auto put = [](auto& to) { to.text(field{1, "a"}, "b"); };
    CHECK(bytes(put, "before") == std::string("before\x0a\x01") + "b");
    const std::string large(100'000, 'x');
    CHECK(bytes(put, large) == large + "\x0a\x01" + "b");
}

TEST_CASE("text that is no UTF-8 is mended, wherever its fault is") {
    const auto put_text = [](std::string_view s) { return bytes([&](auto& to) { to.text(field{1, "a"}, s); }); };
    for (std::size_t size = 0; size < 40; ++size) {
        const std::string good(size, 'x');
        REQUIRE(put_text(good) == '\x0a' + std::string(1, static_cast<char>(size)) + good);
        for (std::size_t at = 0; at < size; ++at) {
            std::string bad = good;
            bad[at] = '\xff';
            const std::string mended = good.substr(0, at) + "\xef\xbf\xbd" + good.substr(at + 1);
            REQUIRE(put_text(bad) == '\x0a' + std::string(1, static_cast<char>(size + 2)) + mended);
        }
    }
    CHECK(put_text("gr\xc3\xbcn") == "\x0a\x05gr\xc3\xbcn");
    CHECK(put_text(std::string_view("a\0b", 3)) == std::string("\x0a\x03" "a\0b", 5));
    CHECK(put_text("\xe2\x82") == "\x0a\x06\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a message's length is right, however many bytes were left for it") {
    static constexpr std::size_t sizes[] = {0,      1,      120,    125,    126,       127,      128,
                                            4'000,  16'379, 16'380, 16'383, 16'384, 2'097'150, 3'000'000};
    for (const std::uint32_t reserved : {1u, 2u, 3u, 5u}) {
        const field outer{1, "outer", reserved}, inner{2, "inner", 2}, tail{3, "tail"};
        for (const std::size_t size : sizes) {
            const std::string text(size, 'y');
            const std::string all = bytes([&](auto& to) {
                to.message(outer, [&] { to.message(inner, [&] { to.text(field{1, "a"}, text); }), to.boolean(tail, true); });
                to.boolean(tail, false);
            });
            protozero::pbf_reader in(all);
            REQUIRE(in.next(1));
            protozero::pbf_reader first = in.get_message();
            REQUIRE(first.next(2));
            protozero::pbf_reader second = first.get_message();
            REQUIRE(second.next(1));
            CHECK(second.get_string() == text);
            CHECK_FALSE(second.next());
            REQUIRE(first.next(3));
            CHECK(first.get_bool());
            CHECK_FALSE(first.next());
            REQUIRE(in.next(3));
            CHECK_FALSE(in.get_bool());
            CHECK_FALSE(in.next());
            const auto length = [](std::size_t n) { return static_cast<std::size_t>(protozero::length_of_varint(n)); };
            const std::size_t text_field = 1 + length(size) + size, inner_field = 1 + length(text_field) + text_field + 2;
            CHECK(all.size() == 1 + length(inner_field) + inner_field + 2);  // no byte too many
        }
    }
}

TEST_CASE("a field that has room is written where there is none left, too") {
    for (std::size_t before = 4'060; before < 4'100; ++before) {
        const std::string all = bytes([&](auto& to) {
            to.text(field{1, "a"}, std::string(before, 'z'));
            to.id(field{2, "b"}, std::uint64_t{1}, std::uint64_t{2});
            to.message(field{3, "c"}, [&] { to.real(field{4, "d"}, 0.5); });
            to.fixed64s(field{5, "e"}, std::vector<std::uint64_t>{1, 2});
            to.uint64s(field{6, "f"}, std::vector<std::uint64_t>{1, ~std::uint64_t{0}});
        });
        REQUIRE(all.size() == 3 + before + 18 + 2 + 9 + 2 + 16 + 2 + 11);
    }
}

TEST_CASE("messages that end together are all moved, even where the room ends") {
    static constexpr int depth = 40;
    for (std::size_t size = 3'900; size < 4'100; ++size) {
        const std::string text(size, 'w');
        const auto nest = [&](auto& to, auto&& self, int levels) -> void {
            if (levels == 0) return to.text(field{1, "a"}, text);
            to.message(field{2, "b"}, [&] { self(to, self, levels - 1); });
        };
        const std::string all = bytes([&](auto& to) { nest(to, nest, depth); });
        std::string expected = "\x0a" + std::string{static_cast<char>(size % 128 + 128), static_cast<char>(size / 128)} + text;
        for (int i = 0; i < depth; ++i) {
            const std::size_t n = expected.size();
            expected = "\x12" + std::string{static_cast<char>(n % 128 + 128), static_cast<char>(n / 128)} + expected;
        }
        REQUIRE(all == expected);
    }
}
