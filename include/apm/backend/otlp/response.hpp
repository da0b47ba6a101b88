// What ExportTraceServiceResponse, its siblings, and google.rpc.Status contain (OTLP's specification, "OTLP/HTTP Response").
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <protozero/pbf_reader.hpp>

#include <apm/backend/delivery/protocol.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/backend/otlp/encoding.hpp>
#include <apm/config.hpp>
#include <apm/detail/number.hpp>

namespace apm::inline APM_ABI::detail::otlp {

using delivery::contains, delivery::reply, delivery::response;

// A message that has a `message` with text in field 2: of ExportPartialSuccess (field 1 a count), or google.rpc.Status.
inline void read_fields(protozero::pbf_reader from, response& r, bool counts) {
    using protozero::pbf_wire_type, protozero::tag_and_type;
    while (from.next()) switch (from.tag_and_type()) {
        case tag_and_type(1, pbf_wire_type::varint): counts ? r.rejected = from.get_int64() : from.get_int64(); break;
        case tag_and_type(2, pbf_wire_type::length_delimited): r.message = from.get_string(); break;
        default: from.skip();
    }
}
inline void read_protobuf(std::string_view body, response& r, bool success) {
    using protozero::pbf_wire_type, protozero::tag_and_type;
    protozero::pbf_reader from(body.data(), body.size());
    if (!success) return read_fields(from, r, false);
    while (from.next()) {
        if (from.tag_and_type() == tag_and_type(1, pbf_wire_type::length_delimited)) read_fields(from.get_message(), r, true);
        else from.skip();
    }
}

// JSON, of which the names that mean something are picked out wherever they are: receivers differ in what is around them.
class json_response {
public:
    explicit json_response(std::string_view text) : text_(text) {}

    void read(response& r) {
        const std::size_t begin = text_.find_first_not_of(" \t\r\n");
        r.readable = begin != text_.npos && text_[begin] == '{';
        while (r.readable && (at_ = text_.find('"', at_)) != text_.npos) {
            const std::string key = string();
            if (!accept(':')) continue;
            const bool quoted = accept('"', false);
            if (key == "errorMessage" || key == "error_message" || key == "message") {
                if (quoted) r.message = string();
            } else if (key.starts_with("rejected")) {  // an int64 is a string in JSON's mapping, and often a number
                const std::string value = quoted ? string() : std::string(text_.substr(at_, 32));
                r.rejected = 0;  // what follows the integer does not count: "3.0" is 3
                const std::string_view number = std::string_view(value).substr(0, value.find_first_not_of("-0123456789"));
                static_cast<void>(read_integer(number, r.rejected));
            } else if (quoted) {
                static_cast<void>(string());
            }
        }
    }

private:
    bool accept(char c, bool take = true) {
        at_ = (std::min)(text_.find_first_not_of(" \t\r\n", at_), text_.size());
        const bool there = at_ < text_.size() && text_[at_] == c;
        at_ += there && take;
        return there;
    }
    // What is between the quotes; an escape that is no ASCII character becomes '?'.
    std::string string() {
        std::string s;
        for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
            if (text_[at_] != '\\') {
                s += text_[at_];
            } else if (++at_ < text_.size()) {
                const char c = text_[at_];
                if (c == 'u') at_ += 4;
                s += c == 'n' || c == 't' || c == 'r' ? ' ' : c == 'u' || c == 'b' || c == 'f' ? '?' : c;
            }
        }
        at_ = (std::min)(at_ + 1, text_.size());
        return s;
    }
    std::string_view text_;
    std::size_t at_ = 0;
};

inline response read_response(const reply& of, encoding sent) {
    response r;
    const bool success = of.status >= 200 && of.status < 300;
    if (success && of.status != 200) return r;  // a partial success is a 200
    const bool json = contains(of.content_type, "json") || (sent == encoding::json && !contains(of.content_type, "protobuf"));
    if (contains(of.content_type, "text/")) {  // of a web server, or a proxy, that knows nothing of OTLP
        r.readable = false;
        if (contains(of.content_type, "text/plain")) r.message = of.body.substr(0, 4096);
        return r;
    }
    if (json) json_response(of.body).read(r);
    else read_protobuf(of.body, r, success);
    return r;
}

}  // namespace apm::inline APM_ABI::detail::otlp
