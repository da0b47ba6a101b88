// OTLP as JSON (opentelemetry.io: protocol/otlp.md, "JSON Protobuf Encoding"): ids in hexadecimal, enums as integers, 64-bit
// integers as strings.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <apm/backend/otlp/fields.hpp>
#include <apm/config.hpp>
#include <apm/detail/json_writer.hpp>

namespace apm::inline APM_ABI::detail::otlp {

// See fields.hpp. Appends to `out`, which nothing else may change meanwhile. Throws std::bad_alloc.
class json_encoder {
public:
    // Readers of JSON, unlike those of protobuf, see fields in the order in which they stand: ids and flags come first.
    static constexpr bool in_order_of_numbers = false;

    explicit json_encoder(std::string& out) : json_(out) {}

    // Bytes that are no UTF-8 become U+FFFD.
    void text(const field& f, std::string_view v) { json_.key(f.name), json_.text(v); }
    void boolean(const field& f, bool v) { json_.key(f.name), json_.boolean(v); }
    void real(const field& f, double v) { json_.key(f.name), json_.real(v); }
    void int64(const field& f, std::int64_t v) { json_.key(f.name), json_.quoted(v); }
    void fixed64(const field& f, std::uint64_t v) { json_.key(f.name), json_.quoted(v); }
    void sfixed64(const field& f, std::int64_t v) { json_.key(f.name), json_.quoted(v); }
    void uint32(const field& f, std::uint32_t v) { json_.key(f.name), json_.integer(v); }
    void sint32(const field& f, std::int32_t v) { json_.key(f.name), json_.integer(v); }
    void fixed32(const field& f, std::uint32_t v) { json_.key(f.name), json_.integer(v); }
    void enumerator(const field& f, std::uint32_t v) { json_.key(f.name), json_.integer(v); }
    template <std::same_as<std::uint64_t>... Words>
    void id(const field& f, Words... words) { json_.key(f.name), json_.hex(words...); }

    void reals(const field& f, std::span<const double> all) {
        json_.key(f.name), json_.begin_array();
        for (const double v : all) json_.real(v);
        json_.end_array();
    }
    void fixed64s(const field& f, std::span<const std::uint64_t> all) {
        json_.key(f.name), json_.begin_array();
        for (const std::uint64_t v : all) json_.quoted(v);
        json_.end_array();
    }
    void uint64s(const field& f, std::span<const std::uint64_t> all) { fixed64s(f, all); }

    template <class Fill>
    void whole(Fill&& fill) { json_.begin_object(), fill(), json_.end_object(); }
    template <class Fill>
    void message(const field& f, Fill&& fill) { json_.key(f.name), whole(fill); }
    template <class Each>
    void list(const field& f, Each&& each) {
        bool any = false;
        each([&](auto&& fill) {
            if (!any) json_.key(f.name), json_.begin_array();
            any = true;
            whole(fill);
        });
        if (any) json_.end_array();
    }
    template <class Each>
    void array(const field& f, Each&& each) {
        json_.key(f.name), json_.begin_array();
        each([&](auto&& fill) { whole(fill); });
        json_.end_array();
    }

private:
    json_writer json_;
};

}  // namespace apm::inline APM_ABI::detail::otlp
