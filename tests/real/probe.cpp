// Records a known set of metrics and spans, and prints what it recorded, for real.py to compare with what the peers received.
// Where to send it is up to the environment.
//
//     probe all ORDERS          everything that metrics and spans can say, flushed
//     probe times ORDERS        the same in three parts, each flushed
//     probe stream              orders and their spans until SIGTERM
//
// The last line is `recorded` and a JSON object; before it, a stream says `placed N` now and then. Names and texts are hexadecimal
// where they may be no UTF-8, times of day and 64-bit integers are texts, doubles are in C's notation of hexadecimal fractions.
#include <chrono>
#include <cinttypes>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <apm/apm.hpp>
#include <apm/runtime.hpp>
#include <apm/testing/clock.hpp>

namespace {

using namespace std::chrono_literals;

BOOST_DEFINE_ENUM_CLASS(Method, card, paypal)
APM_FIELDS(Order, (Method, method), (bool, paid), (apm::range<200, 599>, status), (apm::text<32>, route));
APM_FIELDS(Closed, (Method, method), (bool, paid));
APM_FIELDS(Method_only, (Method, method));
APM_FIELDS(Everything, (apm::named<std::int64_t, "an.integer">, integer), (double, real), (bool, yes), (Method, method),
           (std::string_view, text), (std::vector<std::int64_t>, integers), (std::vector<double>, reals));
APM_FIELDS(Step, (int, n));

struct few_buckets {
    static constexpr auto bounds = apm::explicit_bounds(1, 2.5, 10);
};
constexpr int scale = 2, lowest = -2, highest = 10;

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "probe", .version = "2.0", .schema_url = "https://example.org/schema/2"};
    counter<Order>                               orders  {this, "probe.orders", "Orders, by all kinds of labels", {.limit = 500}};
    counter<Closed>                              closed  {this, "probe.closed", "Orders, by labels that are known before"};
    counter<apm::no_labels, apm::money<"USD">>   revenue {this, "probe.revenue", "Doubles"};
    counter<apm::no_labels, apm::seconds>        busy    {this, "probe.busy", "Kept in nanoseconds"};
    updown<Method_only>                          open    {this, "probe.open", "Up and down"};
    gauge<Method_only, apm::ratio>               load    {this, "probe.load", "A double"};
    gauge<>                                      depth   {this, "probe.depth", "An integer"};
    histogram<Method_only, apm::real<"kg">, few_buckets>
                                                 weight  {this, "probe.weight", "Explicit bounds", {.exemplars = true}};
    histogram<apm::no_labels, apm::real<"MiBy">, apm::base2_buckets<scale, lowest, highest>>
                                                 size    {this, "probe.size", "Base-2 exponential"};
    span<Everything>          everything{this, "everything", "All types"};
    span<Step, apm::server>   served    {this, "served", "Kinds"};
    span<Step, apm::client>   called    {this, "called", "Kinds"};
    span<Step, apm::producer> sent      {this, "sent", "Kinds"};
    span<Step, apm::consumer> received  {this, "received", "Kinds"};
    span<Step>                order     {this, "order", "Work"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

// --- what is said about it --------------------------------------------------------------------------------------------

std::string format(const char* how, auto... values) {
    char text[512];
    std::snprintf(text, sizeof text, how, values...);
    return text;
}
std::string hex(std::string_view s) {
    std::string out;
    for (const char c : s) out += format("%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    return out;
}
std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& p : parts) out += (out.empty() ? "" : ",") + p;
    return out;
}
std::string id(std::uint64_t high, std::uint64_t low) { return format("%016" PRIx64 "%016" PRIx64, high, low); }

// [name, kind, value]
std::string attribute(std::string_view name, const char* kind, const std::string& value) {
    return "[\"" + hex(name) + "\",\"" + kind + "\"," + value + "]";
}
std::string is(std::string_view name, std::int64_t v) { return attribute(name, "int", format("\"%" PRId64 "\"", v)); }
std::string is(std::string_view name, double v) { return attribute(name, "double", format("\"%a\"", v)); }
std::string is_bool(std::string_view name, bool v) { return attribute(name, "bool", v ? "true" : "false"); }
std::string is(std::string_view name, std::string_view v) { return attribute(name, "text", "\"" + hex(v) + "\""); }
std::string is(std::string_view name, const std::vector<std::int64_t>& all) {
    std::vector<std::string> parts;
    for (const auto v : all) parts.push_back(format("\"%" PRId64 "\"", v));
    return attribute(name, "ints", "[" + joined(parts) + "]");
}
std::string is(std::string_view name, const std::vector<double>& all) {
    std::vector<std::string> parts;
    for (const auto v : all) parts.push_back(format("\"%a\"", v));
    return attribute(name, "doubles", "[" + joined(parts) + "]");
}
using attributes = std::vector<std::string>;

struct said_span {
    apm::context context;
    std::uint64_t parent;
    unsigned flags;
    std::string name;
    int kind;
    std::uint64_t start, end;
    int status;
    std::string message;
    std::string scope;
    attributes all, events, links;

    std::string json() const {
        return format("{\"trace\":\"%s\",\"id\":\"%016" PRIx64 "\",\"parent\":\"%016" PRIx64 "\",\"flags\":%u,\"kind\":%d,"
                      "\"start\":\"%" PRIu64 "\",\"end\":\"%" PRIu64 "\",", id(context.trace.high, context.trace.low).c_str(),
                      context.span, parent, flags, kind, start, end) +
               format("\"status\":%d,", status) + "\"message\":\"" + hex(message) + "\",\"name\":\"" + hex(name) +
               "\",\"scope\":\"" + scope + "\",\"attributes\":[" + joined(all) + "],\"events\":[" + joined(events) +
               "],\"links\":[" + joined(links) + "]}";
    }
};
std::vector<std::string> spans;

std::string event(std::uint64_t time, std::string_view name, const attributes& all = {}) {
    return format("{\"time\":\"%" PRIu64 "\",\"name\":\"", time) + hex(name) + "\",\"attributes\":[" + joined(all) + "]}";
}
std::string link(const apm::context& to, unsigned flags, const attributes& all = {}) {
    return format("{\"trace\":\"%s\",\"id\":\"%016" PRIx64 "\",\"flags\":%u,\"attributes\":[",
                  id(to.trace.high, to.trace.low).c_str(), to.span, flags) + joined(all) + "]}";
}

// --- metrics ----------------------------------------------------------------------------------------------------------

// Our own tally, kept apart from apm: by the labels as they are printed.
std::map<std::string, std::uint64_t> orders, closed;
std::map<std::string, std::vector<std::pair<double, std::uint64_t>>> weights;  // by method, each with its span
std::vector<double> sizes;
std::map<std::string, std::int64_t> open_now;
std::map<std::string, double> load;
double revenue = 0;
std::int64_t busy_ns = 0, depth = 0;

std::string method_name(Method m) { return m == Method::card ? "card" : "paypal"; }
const char* const routes[] = {"/product/{name}", "/basket", "a \"quoted\" one", "caf\xc3\xa9"};

void place(int i) {
    const Method method = i % 3 ? Method::card : Method::paypal;
    const bool paid = i % 5 != 0;
    const int status = i % 7 == 0 ? 404 : i % 11 == 0 ? 600 : 200;  // 600 is out of range
    const std::string_view route = routes[i % 4];
    const unsigned n = 1 + static_cast<unsigned>(i % 2);
    const std::string by_method = is("method", std::string_view(method_name(method)));

    telemetry.orders.add(n, {.method = method, .paid = paid, .status = status, .route = route});
    const std::string by_status = status == 600 ? is("status", std::string_view("other")) : is("status", std::int64_t{status});
    orders[joined({by_method, is_bool("paid", paid), by_status, is("route", route)})] += n;
    telemetry.closed.add(n, {.method = method, .paid = paid});
    closed[joined({by_method, is_bool("paid", paid)})] += n;
    telemetry.revenue.add(0.25 * i), revenue += 0.25 * i;  // exact in binary
    telemetry.busy.add(15'625us), busy_ns += 15'625'000;  // 1/64 s
    if (i % 4) telemetry.open.add(3, {.method = method}), open_now[by_method] += 3;
    else telemetry.open.sub(10, {.method = method}), open_now[by_method] -= 10;
    telemetry.load.set(i / 8.0, {.method = method}), load[by_method] = i / 8.0;
    telemetry.depth.set(-i), depth = -i;
    const double weight = (i % 50) * 0.5;  // on bounds, too
    telemetry.weight.record(weight, {.method = method}), weights[by_method].push_back({weight, apm::context::current().span});
    const double size = i % 97 == 0 ? 5000 : i * 0.125;  // beyond both ends, and powers of two, too
    telemetry.size.record(size), sizes.push_back(size);
}

std::string metric(const char* name, const char* help, const char* unit, const char* kind, const std::vector<std::string>& points) {
    return format("{\"name\":\"%s\",\"help\":\"%s\",\"unit\":\"%s\",\"kind\":\"%s\",\"points\":[", name, help, unit, kind) +
           joined(points) + "]}";
}
std::string point(const std::string& labels, const char* kind, const std::string& value) {
    return "{\"attributes\":[" + labels + "],\"" + kind + "\":\"" + value + "\"}";
}

std::string said_metrics() {
    // Rows of few closed labels have all their series from the beginning.
    for (const Method m : {Method::card, Method::paypal})
        for (const bool paid : {false, true})
            closed[joined({is("method", std::string_view(method_name(m))), is_bool("paid", paid)})] += 0;
    for (const Method m : {Method::card, Method::paypal}) {
        const std::string by_method = is("method", std::string_view(method_name(m)));
        open_now[by_method] += 0, weights[by_method];
    }
    std::vector<std::string> of_orders, of_closed, of_open, of_load, of_weight, values;
    for (const auto& [labels, n] : orders) of_orders.push_back(point(labels, "int", format("%" PRIu64, n)));
    for (const auto& [labels, n] : closed) of_closed.push_back(point(labels, "int", format("%" PRIu64, n)));
    for (const auto& [labels, n] : open_now) of_open.push_back(point(labels, "int", format("%" PRId64, n)));
    for (const auto& [labels, v] : load) of_load.push_back(point(labels, "double", format("%a", v)));
    for (const auto& [labels, all] : weights) {
        std::vector<std::string> each, in;
        for (const auto& [v, span] : all) each.push_back(format("%.1f", v)), in.push_back(format("\"%016" PRIx64 "\"", span));
        of_weight.push_back("{\"attributes\":[" + labels + "],\"values\":[" + joined(each) + "],\"spans\":[" + joined(in) +
                            "],\"bounds\":[1,2.5,10]}");
    }
    for (const double v : sizes) values.push_back(format("%.3f", v));
    return joined({
        metric("probe.orders", "Orders, by all kinds of labels", "1", "sum", of_orders),
        metric("probe.closed", "Orders, by labels that are known before", "1", "sum", of_closed),
        metric("probe.revenue", "Doubles", "{USD}", "sum", {point("", "double", format("%a", revenue))}),
        metric("probe.busy", "Kept in nanoseconds", "s", "sum",
               {point("", "double", format("%a", static_cast<double>(busy_ns) / 1e9))}),
        metric("probe.open", "Up and down", "1", "updown", of_open),
        metric("probe.load", "A double", "1", "gauge", of_load),
        metric("probe.depth", "An integer", "1", "gauge", {point("", "int", format("%" PRId64, depth))}),
        metric("probe.weight", "Explicit bounds", "kg", "histogram", of_weight),
        metric("probe.size", "Base-2 exponential", "MiBy", "exponential",
               {format("{\"attributes\":[],\"scale\":%d,\"lowest\":%d,\"highest\":%d,\"values\":[", scale, lowest, highest) +
                joined(values) + "]}"}),
    });
}

// --- spans ------------------------------------------------------------------------------------------------------------

void say_everything(apm::testing::manual_clock& clock) {
    using limits = std::numeric_limits<double>;
    const std::uint64_t beginning = clock.now();
    const std::vector<std::int64_t> integers{0, -1, std::numeric_limits<std::int64_t>::max(),
                                             std::numeric_limits<std::int64_t>::min(), (std::int64_t{1} << 53) + 1};
    const std::vector<double> reals{0.1, -0.0, 1e300, limits::denorm_min(), limits::infinity(), -limits::infinity()};
    const std::string text = "quote \" backslash \\ newline \n tab \t nul \x01 del \x7f \xe2\x82\xac \xf0\x9f\x90\x88 \xff end";
    {
        const auto s = telemetry.everything.scope({.integer = integers[3], .real = 0.1, .yes = false, .method = Method::paypal,
                                                   .text = text, .integers = integers, .reals = reals});
        s.set("late \"name\"", true);
        s.set("empty", "");
        s.set("none", std::vector<double>());
        spans.push_back(said_span{s.context(), 0, 0x103, "everything", 1, beginning, beginning, 0, "", "probe",
                                  {is("an.integer", integers[3]), is("real", 0.1), is_bool("yes", false),
                                   is("method", std::string_view("paypal")), is("text", std::string_view(text)),
                                   is("integers", integers), is("reals", reals), is_bool("late \"name\"", true),
                                   is("empty", std::string_view()),
                                   is("none", std::vector<double>())}, {}, {}}.json());
    }
    // A tree, of all kinds; from another process.
    const apm::context elsewhere{{0x0102030405060708, 0x090a0b0c0d0e0f10}, 0xf1f2f3f4f5f6f7f8, true, true};
    const auto from = apm::attach(elsewhere);
    const auto served = telemetry.served.scope({.n = 1});
    clock.advance(1ns);
    const auto called = telemetry.called.scope({.n = 2});
    clock.advance(999ns);
    {
        const auto sent = telemetry.sent.scope({.n = 3});
        sent.status(apm::span_status::ok);
        spans.push_back(said_span{sent.context(), called.context().span, 0x101, "sent", 4, beginning + 1000, beginning + 1000, 1,
                                  "", "probe", {is("n", std::int64_t{3})}, {}, {}}.json());
    }
    {
        const auto received = telemetry.received.scope({.n = 4});
        received.rename("received \"anew\"");
        received.status(apm::span_status::error, "broken \xff pipe");
        received.event("first");
        clock.advance(2ns);
        received.event("second", {{"x", 1.5}, {"y", "z"}});
        received.link(elsewhere);
        const apm::context other{{0, 1}, 2, false, false};
        received.link(other, {{"why", 1}});
        spans.push_back(said_span{received.context(), called.context().span, 0x101, "received \"anew\"", 5, beginning + 1000,
                                  beginning + 1002, 2, "broken \xff pipe", "probe", {is("n", std::int64_t{4})},
                                  {event(beginning + 1000, "first"),
                                   event(beginning + 1002, "second", {is("x", 1.5), is("y", std::string_view("z"))})},
                                  {link(elsewhere, 0x301), link(other, 0x100, {is("why", std::int64_t{1})})}}.json());
    }
    spans.push_back(said_span{called.context(), served.context().span, 0x101, "called", 3, beginning + 1, beginning + 1002, 0, "",
                              "probe", {is("n", std::int64_t{2})}, {}, {}}.json());
    {
        TRACE_SCOPE("quick look");
        spans.push_back(said_span{apm::context::current(), called.context().span, 0x101, "quick look", 1, beginning + 1002,
                                  beginning + 1002, 0, "", "", {}, {}, {}}.json());
    }
    spans.push_back(said_span{served.context(), elsewhere.span, 0x301, "served", 2, beginning, beginning + 1002, 0, "", "probe",
                              {is("n", std::int64_t{1})}, {}, {}}.json());
}

void place_in_span(int i, apm::testing::manual_clock& clock) {
    const std::uint64_t start = clock.now();
    const auto s = telemetry.order.scope({.n = i});
    place(i);
    clock.advance(1us);
    spans.push_back(said_span{s.context(), 0, 0x103, "order", 1, start, start + 1000, 0, "", "probe", {is("n", std::int64_t{i})},
                              {}, {}}.json());
}

// --- modes ------------------------------------------------------------------------------------------------------------

void print_recorded() {
    std::printf("recorded {\"metrics\":[%s],\"spans\":[%s]}\n", said_metrics().c_str(), joined(spans).c_str());
    std::fflush(stdout);
}

const apm::runtime_options options{.service = {.name = "probe", .version = "3.1"},
                                   .resource = {{"a.text", "a \"text\" \\ \xc3\xa4\n"}}};

bool flush(apm::runtime& apm) {
    if (apm.flush(20s)) return true;
    std::fprintf(stderr, "probe: the flush failed\n");
    return false;
}

int record(int count, int parts) {
    // The spans' clock stands still between the calls, so that their times are known exactly.
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    apm::testing::manual_clock clock(static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count()));
    apm::runtime apm{options};
    bool good = true;
    say_everything(clock);
    for (int i = 0; i < count; ++i) {
        place_in_span(i, clock);
        if ((i + 1) % ((count + parts - 1) / parts) == 0) good = flush(apm) && good;
    }
    good = flush(apm) && good;
    print_recorded();
    return good ? 0 : 1;
}

int stream() {
    sigset_t signals;
    sigemptyset(&signals), sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    const apm::runtime apm{options};
    const timespec pause{0, 2'000'000};
    unsigned n = 0;
    while (sigtimedwait(&signals, nullptr, &pause) != SIGTERM) {
        const auto s = telemetry.order.scope({.n = static_cast<int>(n)});
        telemetry.closed.add(1, {.method = Method::card, .paid = true});
        ++n;
        spans.push_back(format("\"%016" PRIx64 "\"", s.context().span));
        if (n % 50 == 0) std::printf("placed %u\n", n), std::fflush(stdout);
    }
    std::printf("recorded {\"orders\":%u,\"spans\":[%s]}\n", n, joined(spans).c_str());
    std::fflush(stdout);
    return 0;
}

}  // namespace

int main(int count, char** arguments) {
    const std::string_view what = count > 1 ? arguments[1] : "";
    if (what == "stream" && count == 2) return stream();
    if ((what == "all" || what == "times") && count == 3) return record(std::atoi(arguments[2]), what == "all" ? 1 : 3);
    return std::fprintf(stderr, "usage: probe all|times ORDERS, or probe stream\n"), 2;
}
