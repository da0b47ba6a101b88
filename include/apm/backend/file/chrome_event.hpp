// One event of Chrome's trace format, as JSON. chrome_trace.hpp says which events a span is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>

#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/json_writer.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// Appends to `out`. Times are in nanoseconds since 1970, and written in microseconds since `zero`.
class chrome_event_writer {
public:
    chrome_event_writer(std::string& out, std::uint64_t zero) : out_(out), zero_(zero) {}

    // The beginning of a file.
    void begin(std::string_view process_name) {
        out_ += "[\n";
        json_writer json(out_);
        put_name(json, "process_name", getpid(), process_name);
    }
    void put_thread_name(std::uint32_t thread, std::string_view name) {
        json_writer json = next();
        put_name(json, "thread_name", thread, name);
    }
    // The time that is 0, for tools that merge the files of several processes (tools/traces). Viewers ignore it.
    void put_zero() {
        json_writer json = next();
        json.begin_object();
        common(json, "M", getpid());
        json.key("name"), json.text("time_zero");
        json.key("args"), json.begin_object(), json.key("unix_seconds"), json.integer(zero_ / 1'000'000'000), json.end_object();
        json.end_object();
    }
    void put_slice(const span_view& s) {
        json_writer json = next();
        json.begin_object();
        common(json, "X", s.thread());
        json.key("ts"), json.thousandths(time(s.start()));
        json.key("dur"), json.thousandths(static_cast<std::int64_t>(s.duration()));
        about(json, s);
        json.end_object();
        s.events([&](const event_view& e) { put_event(s, e, true); });
    }
    void put_asynchronous(const span_view& s) {
        const auto put = [&](const char* phase, std::uint64_t when, bool first) {
            json_writer json = next();
            json.begin_object();
            common(json, phase, s.thread());
            json.key("ts"), json.thousandths(time(when));
            json.key("id"), json.hex(s.id());
            if (first) about(json, s);
            else json.key("cat"), json.text(s.scope().name), json.key("name"), json.text(s.name());
            json.end_object();
        };
        put("b", s.start(), true);
        s.events([&](const event_view& e) { put_event(s, e, false); });
        put("e", s.end(), false);
    }
    // An arrow begins (`s`) or ends (`f`).
    void put_end_of_arrow(std::string_view phase, std::uint32_t on, std::uint64_t when, std::uint64_t id) {
        json_writer json = next();
        json.begin_object();
        common(json, phase, on);
        json.key("ts"), json.thousandths(time(when));
        json.key("cat"), json.text("parent");
        json.key("name"), json.text("parent");
        json.key("id"), json.hex(id);
        if (phase == "f") json.key("bp"), json.text("e");
        json.end_object();
    }

private:
    void put_event(const span_view& s, const event_view& e, bool in_slice) {
        json_writer json = next();
        json.begin_object();
        common(json, in_slice ? "i" : "n", s.thread());
        json.key("ts"), json.thousandths(time(e.time()));
        if (in_slice) json.key("s"), json.text("t");
        else json.key("id"), json.hex(s.id());
        json.key("cat"), json.text(s.scope().name);
        json.key("name"), json.text(e.name());
        json.key("args"), json.begin_object();
        e.attributes([&](const attribute_view& a) { put_attribute(json, a); });
        json.end_object(), json.end_object();
    }
    template <class Id>
    static void put_name(json_writer& json, std::string_view what, Id thread, std::string_view name) {
        json.begin_object();
        common(json, "M", thread);
        json.key("name"), json.text(what);
        json.key("args"), json.begin_object(), json.key("name"), json.text(name), json.end_object();
        json.end_object();
    }
    json_writer next() {
        out_ += "\n,";
        return json_writer(out_);
    }
    template <class Id>
    static void common(json_writer& json, std::string_view phase, Id thread_id) {
        json.key("ph"), json.text(phase);
        json.key("pid"), json.integer(getpid());
        json.key("tid"), json.integer(thread_id);
    }
    static void about(json_writer& json, const span_view& s) {
        json.key("cat"), json.text(s.scope().name);
        json.key("name"), json.text(s.name());
        json.key("args"), json.begin_object();
        s.attributes([&](const attribute_view& a) { put_attribute(json, a); });
        json.key("trace_id"), json.hex(s.trace().high, s.trace().low);
        json.key("span_id"), json.hex(s.id());
        if (s.parent()) json.key("parent_span_id"), json.hex(s.parent());
        if (s.status() != span_status::unset) json.key("status"), json.text(s.status() == span_status::ok ? "ok" : "error");
        if (!s.message().empty()) json.key("status_message"), json.text(s.message());
        json.end_object();
    }
    static void put_attribute(json_writer& json, const attribute_view& a) {
        constexpr std::string_view ours[] = {"trace_id", "span_id", "parent_span_id", "status", "status_message"};
        const bool taken = std::find(std::begin(ours), std::end(ours), a.name()) != std::end(ours);
        if (taken) json.key("attribute." + std::string(a.name()));
        else json.key(a.name());
        a.visit([&](const auto& value) { put_value(json, value); });
    }
    static void put_value(json_writer& json, std::string_view v) { json.text(v); }
    static void put_value(json_writer& json, bool v) { json.boolean(v); }
    static void put_value(json_writer& json, double v) { json.real(v); }
    static void put_value(json_writer& json, std::int64_t v) {
        constexpr std::int64_t exact = std::int64_t{1} << 53;  // in a double, which is what viewers read
        if (v >= -exact && v <= exact) json.integer(v);
        else json.quoted(v);
    }
    template <class T>
    static void put_value(json_writer& json, const packed_numbers<T>& v) {
        json.begin_array();
        for (std::uint32_t i = 0; i < v.size(); ++i) put_value(json, v[i]);
        json.end_array();
    }

    [[nodiscard]] std::int64_t time(std::uint64_t ns) const { return static_cast<std::int64_t>(ns - zero_); }

    std::string& out_;
    const std::uint64_t zero_;
};

}  // namespace apm::inline APM_ABI::detail
