#pragma once
// OTLP as a reader sees it, of either encoding: what opentelemetry-proto's files say, written down apart from what encodes.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <protozero/pbf_reader.hpp>

#include <apm/detail/utf8.hpp>

namespace otlp_test {

// A message has parts, and a scalar is text that says its type, too. A repeated field is there several times.
struct node {
    std::string scalar = {};
    std::vector<std::pair<std::string, node>> parts = {};

    bool operator==(const node&) const = default;

    node& add(std::string name, node part) {
        parts.emplace_back(std::move(name), std::move(part));
        return *this;
    }
    // The only part of that name.
    [[nodiscard]] const node& operator[](std::string_view name) const {
        const node* found = nullptr;
        for (const auto& [have, part] : parts)
            if (have == name) found = found ? throw std::runtime_error("twice: " + std::string(name)) : &part;
        return found ? *found : throw std::runtime_error("no " + std::string(name) + " in " + text());
    }
    [[nodiscard]] std::vector<node> all(std::string_view name) const {
        std::vector<node> found;
        for (const auto& [have, part] : parts)
            if (have == name) found.push_back(part);
        return found;
    }
    [[nodiscard]] bool has(std::string_view name) const { return !all(name).empty(); }
    // By name; those of one name stay in their order.
    void sort() {
        std::vector<std::pair<std::string, node>> sorted;  // not std::stable_sort(): libstdc++'s calls what is deprecated
        for (auto& one : parts) {
            one.second.sort();
            const auto behind = std::upper_bound(sorted.begin(), sorted.end(), one,
                                                 [](const auto& a, const auto& b) { return a.first < b.first; });
            sorted.insert(behind, std::move(one));
        }
        parts = std::move(sorted);
    }
    [[nodiscard]] std::string text() const {
        if (parts.empty() && !scalar.empty()) return scalar;
        std::string all = "{";
        for (const auto& [name, part] : parts) all += name + ": " + part.text() + " ";
        return all + "}";
    }
};

inline std::ostream& operator<<(std::ostream& out, const node& n) { return out << n.text(); }

// --- scalars ----------------------------------------------------------------------------------------------------------

inline node text(std::string_view v) {
    if (!apm::detail::utf8_valid(v.data(), v.size())) throw std::runtime_error("no UTF-8: " + std::string(v));
    return {'"' + std::string(v) + '"'};
}
inline node number(std::int64_t v) { return {std::to_string(v)}; }
inline node number(std::uint64_t v) { return {std::to_string(v)}; }
inline node number(std::uint32_t v) { return {std::to_string(v)}; }
inline node number(int v) { return {std::to_string(v)}; }
inline node boolean(bool v) { return {v ? "true" : "false"}; }
inline node real(double v) {  // to the last bit, save those of NaN, which JSON does not have
    if (std::isnan(v)) return {"real nan"};
    char digits[32];
    std::snprintf(digits, sizeof digits, "real %016llx", static_cast<unsigned long long>(std::bit_cast<std::uint64_t>(v)));
    return {digits};
}
inline node id(std::string_view bytes) {
    std::string digits = "id ";
    for (const char c : bytes) {
        digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4u];
        digits += "0123456789abcdef"[static_cast<unsigned char>(c) & 15u];
    }
    return {digits};
}
inline node id(std::uint64_t high, std::uint64_t low) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "id %016llx%016llx", static_cast<unsigned long long>(high),
                  static_cast<unsigned long long>(low));
    return {digits};
}
inline node id(std::uint64_t n) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "id %016llx", static_cast<unsigned long long>(n));
    return {digits};
}

// --- messages ---------------------------------------------------------------------------------------------------------

enum class type { text, boolean, real, int64, uint32, sint32, fixed32, fixed64, sfixed64, id, message };
enum class count { one, any, packed };
struct message;
struct part {
    unsigned number;
    std::string_view name;
    type is;
    count many = count::one;
    const message* of = nullptr;
};
struct message {
    std::vector<part> parts;
};

extern const message any_value;
inline const message array_value{{{1, "values", type::message, count::any, &any_value}}};
inline const message any_value{{{1, "stringValue", type::text}, {2, "boolValue", type::boolean}, {3, "intValue", type::int64},
                                {4, "doubleValue", type::real}, {5, "arrayValue", type::message, count::one, &array_value}}};
inline const message key_value{{{1, "key", type::text}, {2, "value", type::message, count::one, &any_value}}};
inline const message resource{{{1, "attributes", type::message, count::any, &key_value}}};
inline const message scope{{{1, "name", type::text}, {2, "version", type::text}}};

inline const message event{{{1, "timeUnixNano", type::fixed64}, {2, "name", type::text},
                            {3, "attributes", type::message, count::any, &key_value},
                            {4, "droppedAttributesCount", type::uint32}}};
inline const message link{{{1, "traceId", type::id}, {2, "spanId", type::id}, {3, "traceState", type::text},
                           {4, "attributes", type::message, count::any, &key_value},
                           {5, "droppedAttributesCount", type::uint32}, {6, "flags", type::fixed32}}};
inline const message status{{{2, "message", type::text}, {3, "code", type::uint32}}};
inline const message span{{{1, "traceId", type::id}, {2, "spanId", type::id}, {3, "traceState", type::text},
                           {4, "parentSpanId", type::id}, {5, "name", type::text}, {6, "kind", type::uint32},
                           {7, "startTimeUnixNano", type::fixed64}, {8, "endTimeUnixNano", type::fixed64},
                           {9, "attributes", type::message, count::any, &key_value},
                           {10, "droppedAttributesCount", type::uint32}, {11, "events", type::message, count::any, &event},
                           {12, "droppedEventsCount", type::uint32}, {13, "links", type::message, count::any, &link},
                           {14, "droppedLinksCount", type::uint32}, {15, "status", type::message, count::one, &status},
                           {16, "flags", type::fixed32}}};
inline const message scope_spans{{{1, "scope", type::message, count::one, &scope}, {2, "spans", type::message, count::any, &span},
                                  {3, "schemaUrl", type::text}}};
inline const message resource_spans{{{1, "resource", type::message, count::one, &resource},
                                     {2, "scopeSpans", type::message, count::any, &scope_spans}}};
inline const message traces{{{1, "resourceSpans", type::message, count::any, &resource_spans}}};

inline const message exemplar{{{2, "timeUnixNano", type::fixed64}, {3, "asDouble", type::real}, {4, "spanId", type::id},
                               {5, "traceId", type::id}, {6, "asInt", type::sfixed64}}};
inline const message number_point{{{2, "startTimeUnixNano", type::fixed64}, {3, "timeUnixNano", type::fixed64},
                                   {4, "asDouble", type::real}, {5, "exemplars", type::message, count::any, &exemplar},
                                   {6, "asInt", type::sfixed64}, {7, "attributes", type::message, count::any, &key_value},
                                   {8, "flags", type::uint32}}};
inline const message histogram_point{{{2, "startTimeUnixNano", type::fixed64}, {3, "timeUnixNano", type::fixed64},
                                      {4, "count", type::fixed64}, {5, "sum", type::real},
                                      {6, "bucketCounts", type::fixed64, count::packed},
                                      {7, "explicitBounds", type::real, count::packed},
                                      {8, "exemplars", type::message, count::any, &exemplar},
                                      {9, "attributes", type::message, count::any, &key_value}, {10, "flags", type::uint32},
                                      {11, "min", type::real}, {12, "max", type::real}}};
inline const message exponential_buckets{{{1, "offset", type::sint32}, {2, "bucketCounts", type::int64, count::packed}}};
inline const message exponential_point{{{1, "attributes", type::message, count::any, &key_value},
                                        {2, "startTimeUnixNano", type::fixed64}, {3, "timeUnixNano", type::fixed64},
                                        {4, "count", type::fixed64}, {5, "sum", type::real}, {6, "scale", type::sint32},
                                        {7, "zeroCount", type::fixed64},
                                        {8, "positive", type::message, count::one, &exponential_buckets},
                                        {9, "negative", type::message, count::one, &exponential_buckets},
                                        {10, "flags", type::uint32}, {11, "exemplars", type::message, count::any, &exemplar},
                                        {12, "min", type::real}, {13, "max", type::real}, {14, "zeroThreshold", type::real}}};
inline const message gauge{{{1, "dataPoints", type::message, count::any, &number_point}}};
inline const message sum{{{1, "dataPoints", type::message, count::any, &number_point},
                          {2, "aggregationTemporality", type::uint32}, {3, "isMonotonic", type::boolean}}};
inline const message histogram{{{1, "dataPoints", type::message, count::any, &histogram_point},
                                {2, "aggregationTemporality", type::uint32}}};
inline const message exponential_histogram{{{1, "dataPoints", type::message, count::any, &exponential_point},
                                            {2, "aggregationTemporality", type::uint32}}};
inline const message metric{{{1, "name", type::text}, {2, "description", type::text}, {3, "unit", type::text},
                             {5, "gauge", type::message, count::one, &gauge}, {7, "sum", type::message, count::one, &sum},
                             {9, "histogram", type::message, count::one, &histogram},
                             {10, "exponentialHistogram", type::message, count::one, &exponential_histogram}}};
inline const message scope_metrics{{{1, "scope", type::message, count::one, &scope},
                                    {2, "metrics", type::message, count::any, &metric}, {3, "schemaUrl", type::text}}};
inline const message resource_metrics{{{1, "resource", type::message, count::one, &resource},
                                       {2, "scopeMetrics", type::message, count::any, &scope_metrics}}};
inline const message metrics{{{1, "resourceMetrics", type::message, count::any, &resource_metrics}}};

// --- protobuf ---------------------------------------------------------------------------------------------------------

// Throws where it is not what the description says, or is not in the order of the fields' numbers.
inline node from_protobuf(std::string_view bytes, const message& m) {
    using wire = protozero::pbf_wire_type;
    node result;
    unsigned last = 0;
    protozero::pbf_reader in(bytes.data(), bytes.size());
    while (in.next()) {
        const auto p = std::find_if(m.parts.begin(), m.parts.end(), [&](const part& x) { return x.number == in.tag(); });
        if (p == m.parts.end()) throw std::runtime_error("an unknown field: " + std::to_string(in.tag()));
        const std::string name(p->name);
        if (in.tag() < last || (in.tag() == last && p->many != count::any)) throw std::runtime_error(name + " out of order");
        last = in.tag();
        const auto expect = [&](wire type) {
            if (in.wire_type() != type) throw std::runtime_error(name + " has another wire type");
        };
        if (p->many == count::packed) {
            expect(wire::length_delimited);
            node list;
            if (p->is == type::real)
                for (const double v : in.get_packed_double()) list.add("", real(v));
            else if (p->is == type::fixed64)
                for (const std::uint64_t v : in.get_packed_fixed64()) list.add("", number(v));
            else
                for (const std::uint64_t v : in.get_packed_uint64()) list.add("", number(v));
            result.add(name, list);
            continue;
        }
        switch (p->is) {
            case type::text: expect(wire::length_delimited), result.add(name, text(in.get_string())); break;
            case type::id: expect(wire::length_delimited), result.add(name, id(in.get_string())); break;
            case type::boolean: expect(wire::varint), result.add(name, boolean(in.get_bool())); break;
            case type::int64: expect(wire::varint), result.add(name, number(in.get_int64())); break;
            case type::uint32: expect(wire::varint), result.add(name, number(in.get_uint32())); break;
            case type::sint32: expect(wire::varint), result.add(name, number(in.get_sint32())); break;
            case type::fixed32: expect(wire::fixed32), result.add(name, number(in.get_fixed32())); break;
            case type::fixed64: expect(wire::fixed64), result.add(name, number(in.get_fixed64())); break;
            case type::sfixed64: expect(wire::fixed64), result.add(name, number(in.get_sfixed64())); break;
            case type::real: expect(wire::fixed64), result.add(name, real(in.get_double())); break;
            case type::message: {
                expect(wire::length_delimited);
                const auto view = in.get_view();
                result.add(name, from_protobuf({view.data(), view.size()}, *p->of));
            }
        }
    }
    result.sort();
    return result;
}

// --- JSON -------------------------------------------------------------------------------------------------------------

// Reads what json_writer writes: no blanks.
class json_reader {
public:
    explicit json_reader(std::string_view all) : rest_(all) {}

    node read_all(const message& m) {
        node result = read(m);
        if (!rest_.empty()) throw std::runtime_error("behind the end: " + std::string(rest_));
        result.sort();
        return result;
    }

private:
    node read(const message& m) {
        node result;
        expect('{');
        for (bool first = true; !take('}'); first = false) {
            if (!first) expect(',');
            const std::string name = string();
            expect(':');
            const auto p = std::find_if(m.parts.begin(), m.parts.end(), [&](const part& x) { return x.name == name; });
            if (p == m.parts.end()) throw std::runtime_error("an unknown key: " + name);
            if (result.has(name)) throw std::runtime_error(name + " is there twice");
            if (p->many == count::one) {
                result.add(name, value(*p));
                continue;
            }
            node list;
            expect('[');
            for (bool none = true; !take(']'); none = false) {
                if (!none) expect(',');
                if (p->many == count::packed) list.add("", value(*p));
                else result.add(name, value(*p));
            }
            if (p->many == count::packed) result.add(name, list);
        }
        return result;
    }
    node value(const part& p) {
        switch (p.is) {
            case type::message: return read(*p.of);
            case type::text: return text(string());
            case type::id: return {"id " + string()};
            case type::boolean: return boolean(word() == "true");
            case type::real: {
                if (rest_.front() == '"') {
                    const std::string name = string();
                    if (name != "NaN" && name != "Infinity" && name != "-Infinity") throw std::runtime_error(name);
                    return real(name == "NaN" ? std::nan("") : name[0] == '-' ? -HUGE_VAL : HUGE_VAL);
                }
                const std::string digits = word();
                double v = 0;
                if (std::from_chars(digits.data(), digits.data() + digits.size(), v).ptr != digits.data() + digits.size())
                    throw std::runtime_error("no number: " + digits);
                return real(v);
            }
            case type::uint32: case type::sint32: case type::fixed32: return {integer(word())};
            default: return {integer(string())};  // of 64 bits
        }
    }
    static std::string integer(std::string digits) {
        const std::size_t sign = digits.starts_with('-') ? 1 : 0;
        if (digits.size() == sign || digits.find_first_not_of("0123456789", sign) != std::string::npos)
            throw std::runtime_error("no integer: " + digits);
        return digits;
    }
    std::string word() {
        const std::size_t size = std::min(rest_.find_first_of(",]}"), rest_.size());
        std::string found(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return found;
    }
    std::string string() {
        std::string found;
        for (expect('"'); !take('"');) {
            char c = rest_.at(0);
            rest_.remove_prefix(1);
            if (c == '\\') {
                c = rest_.at(0);
                rest_.remove_prefix(1);
                if (c == 'u') {
                    unsigned code = 0;
                    std::from_chars(rest_.data(), rest_.data() + 4, code, 16);
                    rest_.remove_prefix(4);
                    c = static_cast<char>(code);
                } else {
                    c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
                }
            }
            found += c;
        }
        return found;
    }
    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!take(c)) throw std::runtime_error(std::string("no '") + c + "' before: " + std::string(rest_.substr(0, 60)));
    }

    std::string_view rest_;
};
inline node from_json(std::string_view json, const message& m) { return json_reader(json).read_all(m); }

// --- what tests expect ------------------------------------------------------------------------------------------------

inline node message_of(std::string name, node part) { return node{}.add(std::move(name), std::move(part)); }
inline node string_value(std::string_view v) { return message_of("stringValue", text(v)); }
inline node bool_value(bool v) { return message_of("boolValue", boolean(v)); }
inline node int_value(std::int64_t v) { return message_of("intValue", number(v)); }
inline node double_value(double v) { return message_of("doubleValue", real(v)); }
inline node attribute(std::string_view name, node value) { return node{}.add("key", text(name)).add("value", std::move(value)); }

// What a function that appends to a string appends.
template <class Append>
std::string appended(Append&& append) {
    std::string out;
    append(out);
    return out;
}
inline std::string hex(std::string_view bytes) {
    std::string digits;
    for (const char c : bytes) {
        digits += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4u];
        digits += "0123456789abcdef"[static_cast<unsigned char>(c) & 15u];
        digits += ' ';
    }
    if (!digits.empty()) digits.pop_back();
    return digits;
}

}  // namespace otlp_test
