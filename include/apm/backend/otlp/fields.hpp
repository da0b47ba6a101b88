// A field of an OTLP message: what it is called in each of the two encodings.
//
// What a message has is said once, as a function over an encoder (put_span() in span_message.hpp, say). protobuf.hpp and
// json.hpp are the two encoders. Each has a function for each type of field, `to.fixed64(field, value)`, and these four for what
// has parts:
//
//     to.whole(fill)              what is encoded; fill() puts its fields
//     to.message(field, fill)     a message
//     to.list(field, each)        messages: each(one) calls one(fill) for each; none, then nothing is written
//     to.array(field, each)       the same, but JSON says that there are none
//
// A field is written whenever it is put: to leave out what has its default value is up to the caller.
#pragma once

#include <cstdint>
#include <string_view>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::otlp {

struct field {
    std::uint32_t number;
    std::string_view name;
    // Of a message: how many bytes its length takes, most often. Where that is wrong, the message is moved once it is written.
    std::uint32_t length = 1;
};

}  // namespace apm::inline APM_ABI::detail::otlp
