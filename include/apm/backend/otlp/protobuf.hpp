// OTLP as protobuf (protobuf.dev: "Encoding").
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <protozero/types.hpp>
#include <protozero/varint.hpp>

#include <apm/backend/otlp/fields.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/config.hpp>
#include <apm/detail/utf8_text.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// See fields.hpp. Appends to `out`, which nothing else may touch meanwhile: it is longer than what was written until this object
// is gone. Throws std::bad_alloc; then `out` ends with what was written so far.
//
// protozero's own writer asks for room byte by byte, and leaves five bytes for each length, back over which it moves what
// follows. Measured, a span with three attributes, drained and encoded: 196 -> 87 ns.
class protobuf_encoder {
public:
    static constexpr bool in_order_of_numbers = true;

    explicit protobuf_encoder(std::string& out) : out_(&out), at_(out.data() + out.size()), end_(at_) {}
    ~protobuf_encoder() { out_->resize(position()); }
    protobuf_encoder(const protobuf_encoder&) = delete;
    protobuf_encoder& operator=(const protobuf_encoder&) = delete;

    // Bytes that are no UTF-8 become U+FFFD: a reader rejects the whole request for one of them.
    APM_INLINE void text(const field& f, std::string_view v) {
        if (!is_ascii(v) && !utf8_valid(v.data(), v.size())) [[unlikely]] return put_bytes(f, utf8_repaired(v));
        put_bytes(f, v);
    }
    APM_INLINE void boolean(const field& f, bool v) { put_varint(f, v ? 1u : 0u); }
    APM_INLINE void real(const field& f, double v) { put_8(f, std::bit_cast<std::uint64_t>(v)); }
    APM_INLINE void int64(const field& f, std::int64_t v) { put_varint(f, static_cast<std::uint64_t>(v)); }
    APM_INLINE void fixed64(const field& f, std::uint64_t v) { put_8(f, v); }
    APM_INLINE void sfixed64(const field& f, std::int64_t v) { put_8(f, static_cast<std::uint64_t>(v)); }
    APM_INLINE void uint32(const field& f, std::uint32_t v) { put_varint(f, v); }
    APM_INLINE void sint32(const field& f, std::int32_t v) { put_varint(f, protozero::encode_zigzag32(v)); }
    APM_INLINE void fixed32(const field& f, std::uint32_t v) {
        need(most);
        tag(f, protozero::pbf_wire_type::fixed32);
        raw(little(v));
    }
    APM_INLINE void enumerator(const field& f, std::uint32_t v) { put_varint(f, v); }
    template <std::same_as<std::uint64_t>... Words>
    APM_INLINE void id(const field& f, Words... words) {
        need(most + sizeof...(words) * 8);
        tag(f, protozero::pbf_wire_type::length_delimited);
        varint(sizeof...(words) * 8);
        (raw(big(words)), ...);
    }

    void reals(const field& f, std::span<const double> all) { put_packed_8(f, all); }
    void fixed64s(const field& f, std::span<const std::uint64_t> all) { put_packed_8(f, all); }
    void uint64s(const field& f, std::span<const std::uint64_t> all) {
        message(f, [&] {
            for (const std::uint64_t v : all) need(most), varint(v);
        });
    }

    template <class Fill>
    APM_INLINE void whole(Fill&& fill) { fill(); }
    template <class Fill>
    APM_INLINE void message(const field& f, Fill&& fill) {
        need(most);
        tag(f, protozero::pbf_wire_type::length_delimited);
        const std::size_t begin = position();
        at_ += f.length;
        fill();
        put_length(begin, f.length);
    }
    template <class Each>
    APM_INLINE void list(const field& f, Each&& each) {
        each([&](auto&& fill) APM_LAMBDA_INLINE { message(f, fill); });
    }
    template <class Each>
    APM_INLINE void array(const field& f, Each&& each) { list(f, each); }

private:
    static constexpr std::size_t most = 2 * protozero::max_varint_length;  // of a tag and a number, or a length

    // --- room ---------------------------------------------------------------------------------------------------------

    [[nodiscard]] std::size_t position() const { return static_cast<std::size_t>(at_ - out_->data()); }
    APM_INLINE void need(std::size_t size) {
        if (static_cast<std::size_t>(end_ - at_) < size) [[unlikely]] grow(size);
    }
    APM_COLD void grow(std::size_t size) {
        const std::size_t used = position();
        out_->resize((std::max)({2 * out_->size(), used + size, std::size_t{4096}}));
        at_ = out_->data() + used, end_ = out_->data() + out_->size();
    }

    // --- where there is room ------------------------------------------------------------------------------------------

    APM_INLINE void varint(std::uint64_t v) { at_ += protozero::add_varint_to_buffer(at_, v); }
    APM_INLINE void tag(const field& f, protozero::pbf_wire_type type) { varint(f.number << 3u | static_cast<unsigned>(type)); }
    template <class Number>
    APM_INLINE void raw(Number v) {
        __builtin_memcpy(at_, &v, sizeof v);
        at_ += sizeof v;
    }
    template <class Number>
    static constexpr Number little(Number v) { return std::endian::native == std::endian::little ? v : swapped(v); }
    template <class Number>
    static constexpr Number big(Number v) { return std::endian::native == std::endian::big ? v : swapped(v); }
    static constexpr std::uint64_t swapped(std::uint64_t v) { return __builtin_bswap64(v); }
    static constexpr std::uint32_t swapped(std::uint32_t v) { return __builtin_bswap32(v); }

    // Of a message that began at `begin`, where so many bytes are left for its length.
    APM_INLINE void put_length(std::size_t begin, std::uint32_t reserved) {
        const std::size_t length = position() - begin - reserved;
        const auto taken = static_cast<std::uint32_t>(protozero::length_of_varint(length));
        if (taken != reserved) [[unlikely]] return move(begin, reserved);
        protozero::add_varint_to_buffer(out_->data() + begin, length);
    }
    [[gnu::noinline]] void move(std::size_t begin, std::uint32_t reserved) {
        need(most);
        const std::size_t length = position() - begin - reserved;
        char* const to = out_->data() + begin;
        const auto taken = static_cast<std::size_t>(protozero::length_of_varint(length));
        __builtin_memmove(to + taken, to + reserved, length);
        protozero::add_varint_to_buffer(to, length);
        at_ = to + taken + length;
    }

    // --- fields -------------------------------------------------------------------------------------------------------

    APM_INLINE void put_varint(const field& f, std::uint64_t v) {
        need(most);
        tag(f, protozero::pbf_wire_type::varint);
        varint(v);
    }
    APM_INLINE void put_8(const field& f, std::uint64_t v) {
        need(most);
        tag(f, protozero::pbf_wire_type::fixed64);
        raw(little(v));
    }
    APM_INLINE void put_bytes(const field& f, std::string_view v) {
        need(most + v.size());
        tag(f, protozero::pbf_wire_type::length_delimited);
        varint(v.size());
        __builtin_memcpy(at_, v.data(), v.size());
        at_ += v.size();
    }
    template <class Number>
    void put_packed_8(const field& f, std::span<const Number> all) {
        need(most + all.size_bytes());
        tag(f, protozero::pbf_wire_type::length_delimited);
        varint(all.size_bytes());
        for (const Number v : all) raw(little(std::bit_cast<std::uint64_t>(v)));
    }

    // Eight bytes at a time, the last of them once more.
    APM_INLINE static bool is_ascii(std::string_view v) {
        const char* const s = v.data();
        const std::size_t n = v.size();
        std::uint64_t all = 0;
        if (n >= 8) {
            for (std::size_t i = 0; i + 8 < n; i += 8) all |= get_raw<std::uint64_t>(s + i);
            all |= get_raw<std::uint64_t>(s + n - 8);
        } else if (n >= 4) {
            all = get_raw<std::uint32_t>(s) | get_raw<std::uint32_t>(s + n - 4);
        } else if (n > 0) {
            all = static_cast<unsigned char>(s[0]) | static_cast<unsigned char>(s[n / 2]) | static_cast<unsigned char>(s[n - 1]);
        }
        return (all & 0x8080'8080'8080'8080u) == 0;
    }

    std::string* out_;
    char* at_;
    char* end_;
};

}  // namespace apm::inline APM_ABI::detail::otlp
