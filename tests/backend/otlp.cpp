// The back end as a runtime uses it: what a program records arrives, what does not is counted.
#include <apm/backend/otlp.hpp>
#include <apm/runtime/settings.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include <apm/runtime.hpp>

#include "runtime/support.hpp"
#include "catch.hpp"
#include "backend/delivery/receiver.hpp"

using namespace std::chrono_literals;

namespace {

APM_FIELDS(Step, (int, n), (std::string_view, text), (apm::secret, password));
APM_FIELDS(Kind, (apm::text<>, kind));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "test.otlp", .version = "7", .schema_url = "https://example.com/1"};

    counter<Kind>        done  {this, "test.done", "Things done"};
    counter<Kind>        more  {this, "test.more", "More things done"};
    counter<Kind>        third {this, "test.third", "And others"};
    span<Step>           step  {this, "step", "One step"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

// Spans and points that a request has, read off its bytes: with one letter each, which is nowhere else.
std::size_t count(std::string_view text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++n;
    return n;
}

struct collector {
    std::mutex mutex;
    std::string traces, metrics;
    std::atomic<std::size_t> requests{0};
    receiver at{[this](const peer& p, const request& r, std::size_t) {
        {
            const std::lock_guard guard(mutex);
            (r.line.find("/v1/traces") != std::string::npos ? traces : metrics) += r.body;
        }
        ++requests;
        return p.say(answer_text(200, {}, {}));
    }};
    std::string url = "http://127.0.0.1:" + std::to_string(at.port());

    std::size_t spans() {
        const std::lock_guard guard(mutex);
        return count(traces, "only-in-a-step");
    }
};

void record(int n) {
    for (int i = 0; i < n; ++i) static_cast<void>(telemetry.step.scope<on>({.n = i, .text = "only-in-a-step", .password = "hush"}));
}

// What the library says about its exporter of spans: "" for those that arrived.
std::uint64_t exported(std::string_view error = {}) {
    const apm::snapshot now = apm::collect();
    std::uint64_t sum = 0;
    for (const apm::family& f : now.families) {
        if (std::string_view(f.row->name) != "otel.sdk.exporter.span.exported") continue;
        for (const apm::series_view& s : f.series) {
            std::string is;
            s.labels([&](std::string_view name, std::string_view value) {
                if (name == "error.type") is = value;
            });
            if (is == error) sum += s.total();
        }
    }
    return sum;
}
std::int64_t in_flight() {
    const apm::snapshot now = apm::collect();
    for (const apm::family& f : now.families)
        if (std::string_view(f.row->name) == "otel.sdk.exporter.span.inflight" && !f.series.empty()) return f.series[0].integer();
    return 0;
}

constexpr apm::runtime_options only_otlp(const apm::otlp_options& o) {
    return {.service = {.name = "shop"}, .metrics_exporter = "otlp", .traces_exporter = "otlp", .otlp = o,
            .span_interval = std::chrono::hours(1), .shutdown_timeout = patience};
}

}  // namespace

static_assert(apm::push_backend<apm::otlp> && apm::span_backend<apm::otlp> && apm::flushing_backend<apm::otlp>);

TEST_CASE("one that was not started has nothing to flush, nor to stop") {
    apm::basic_otlp<apm::mode::on> idle;
    CHECK(idle.flush(std::chrono::steady_clock::now()));
    CHECK(idle.stop(std::chrono::steady_clock::now()).empty());
    CHECK(idle.span_totals().put == 0);
}

TEST_CASE("an endpoint in the environment is all it takes") {
    const reported said;
    collector c;
    const environment e{{"OTEL_EXPORTER_OTLP_ENDPOINT", c.url.c_str()}};
    apm::drain_spans();
    const auto before = exported();
    {
        apm::basic_runtime<on> runtime{{.metrics_exporter = "", .shutdown_timeout = patience}};
        record(100);
        telemetry.done.add<on>(3, {.kind = "only-in-done"});
        CHECK(runtime.flush(patience));
        CHECK(c.spans() == 100);
        record(11);
        CHECK(exported() == before + 100);
    }
    CHECK(c.spans() == 111);
    CHECK(count(c.metrics, "only-in-done") == 2);  // at flush(), and at the end
    CHECK(count(c.metrics, "test.otlp") >= 2);
    CHECK(c.traces.find("https://example.com/1") != std::string::npos);
    CHECK((c.traces + c.metrics).find("hush") == std::string::npos);
    CHECK(c.traces.find("service.name") != std::string::npos);
    CHECK(exported() == before + 111);
    CHECK(in_flight() == 0);
    CHECK(said.take().empty());
}

TEST_CASE("JSON where that is asked for, and gzip") {
    collector c;
    const environment e;
    apm::drain_spans();
    {
        apm::basic_runtime<on> runtime{only_otlp({.endpoint = c.url, .protocol = "http/json"})};
        record(3);
    }
    CHECK(c.spans() == 3);
    CHECK(c.traces.starts_with("{\"resourceSpans\":["));
    CHECK(c.metrics.starts_with("{\"resourceMetrics\":["));
    collector packed;
    {
        apm::basic_runtime<on> runtime{only_otlp({.endpoint = packed.url, .compression = "gzip"})};
        record(300);
    }
    CHECK(packed.traces.starts_with("\x1f\x8b"));
    CHECK(packed.traces.size() < c.traces.size() * 50);
}

TEST_CASE("requests have as many spans as they may") {
    collector c;
    const environment e{{"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10"}};
    apm::drain_spans();
    {
        apm::basic_runtime<on> runtime{[&] {
            apm::runtime_options o = only_otlp({.endpoint = c.url});
            o.metrics_exporter = "none";
            return o;
        }()};
        record(95);
    }
    CHECK(c.spans() == 95);
    CHECK(c.requests == 10);
}

TEST_CASE("deltas: what came since the last request, and nothing where nothing came") {
    collector c;
    const environment e;
    apm::drain_spans();
    {
        apm::basic_runtime<on> runtime{only_otlp({.endpoint = c.url, .protocol = "http/json", .temporality = "delta"})};
        telemetry.more.add<on>(5, {.kind = "a"});
        CHECK(runtime.flush(patience));
        telemetry.more.add<on>(7, {.kind = "a"});
        CHECK(runtime.flush(patience));
    }
    const auto at = c.metrics.find("test.more");
    REQUIRE(at != std::string::npos);
    CHECK(count(c.metrics, "\"name\":\"test.more\"") == 2);
    CHECK(c.metrics.find("\"asInt\":\"5\"", at) != std::string::npos);
    CHECK(c.metrics.find("\"asInt\":\"7\"", at) != std::string::npos);
    CHECK(c.metrics.find("\"asInt\":\"12\"") == std::string::npos);
}

TEST_CASE("a collector that is not there: the loss is known to the span, and the end comes in time") {
    const reported said;
    const environment e;
    const taken port;  // listens, and never answers
    const std::string url = "http://127.0.0.1:" + std::to_string(port.port);
    apm::drain_spans();
    const auto arrived = exported(), lost = exported("shutdown");
    const auto begin = std::chrono::steady_clock::now();
    {
        apm::runtime_options o = only_otlp({.endpoint = url});
        o.otlp.timeout = 2 * patience;
        o.shutdown_timeout = 2s;
        apm::basic_runtime<on> runtime{o};
        record(50);
        CHECK_FALSE(runtime.flush(100ms));
        record(20);
    }
    CHECK(std::chrono::steady_clock::now() - begin < patience / 2);
    CHECK(exported() == arrived);
    CHECK(exported("shutdown") == lost + 70);
    CHECK(in_flight() == 0);
    const lines was = said.take();
    REQUIRE_FALSE(was.empty());
    for (const std::string& line : was) CHECK(line.find(url) != std::string::npos);
}

TEST_CASE("of a protocol that is not spoken, one line; the other signal is sent") {
    const reported said;
    collector c;
    const environment e;
    apm::drain_spans();
    {
        apm::otlp_options o{.endpoint = c.url};
        o.traces.protocol = "grpc";
        apm::basic_runtime<on> runtime{only_otlp(o)};
        record(1);
        CHECK(runtime.flush(patience));
    }
    CHECK(c.traces.empty());
    CHECK_FALSE(c.metrics.empty());
    const lines was = said.take();
    REQUIRE(was.size() == 1);
    CHECK(was[0].find("otlp: traces: the protocol grpc is not spoken here") == 0);
    static_cast<void>(apm::drain_spans());
}

TEST_CASE("where nothing can be sent the back end does not start, and the program runs") {
    const reported said;
    const environment e{{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}, {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317"}};
    apm::basic_runtime<on> runtime{{.metrics_exporter = ""}};
    CHECK(runtime.running());
    CHECK(runtime.flush(patience));
    CHECK(said.take().size() == 1);
}

TEST_CASE("a forked child sends what it recorded, once, and its parent sends its own") {
    if (!can_fork) return;
    collector c;
    const environment e;
    apm::drain_spans();
    {
        apm::basic_runtime<on> runtime{only_otlp({.endpoint = c.url})};
        record(5);
        CHECK(in_child([&] {
                  record(3);
                  return runtime.flush(patience) ? 0 : 1;
              }) == 0);
        CHECK(c.spans() == 3);
    }
    CHECK(c.spans() == 8);
}

// What was lost before a back end saw it, for want of room in a ring.
std::uint64_t dropped() { return apm::count_spans().dropped_full; }

TEST_CASE("a bound of the queue that a batch is larger than: it is sent in parts, and flush() says what was refused") {
    const reported said;
    collector c;
    const environment e;
    apm::drain_spans();
    for (const bool bytes : {false, true}) {
        const auto before = exported(), refused = exported("queue_full"), not_read = dropped();
        apm::otlp_options o{.endpoint = c.url};
        if (bytes) o.queue_bytes = 1 << 16;
        else o.max_queue_size = 2048;
        apm::runtime_options all = only_otlp(o);
        all.metrics_exporter = "none";
        apm::basic_runtime<on> runtime{all};
        in_threads(8, [](std::size_t) { record(200); });
        const bool flushed = runtime.flush(patience);
        const std::uint64_t arrived = exported() - before, lost = exported("queue_full") - refused;
        CHECK(arrived + lost + (dropped() - not_read) == 1600);
        CHECK(arrived >= 128);
        CHECK(flushed == (lost == 0));
        record(10);
        CHECK(runtime.flush(patience));  // what was refused before was said before
    }
}

TEST_CASE("deltas of a program's second runtime go on where the first one ended") {
    collector c;
    const environment e;
    apm::otlp_options o{.endpoint = c.url, .protocol = "http/json", .temporality = "delta"};
    o.traces.send = false;
    apm::runtime_options all = only_otlp(o);
    all.traces_exporter = "none";
    telemetry.third.add<on>(1, {.kind = "x"});
    for (const int n : {10, 5, 7}) {
        telemetry.third.add<on>(static_cast<unsigned>(n), {.kind = "x"});
        apm::basic_runtime<on> runtime{all};
        telemetry.third.add<on>(100, {.kind = "x"});
    }
    std::uint64_t sum = 0;
    for (std::size_t at = 0; (at = c.metrics.find("\"name\":\"test.third\"", at)) != std::string::npos; ++at)
        sum += std::stoull(c.metrics.substr(c.metrics.find("\"asInt\":\"", at) + 9));
    CHECK(sum == 1 + 10 + 5 + 7 + 300);
}

TEST_CASE("while a thread flushes to a receiver that does not answer, the rings are read") {
    const environment e;
    std::atomic<bool> hang{true}, done{false};
    std::atomic<int> waiting{0};
    receiver at{[&](const peer& p, const request&, std::size_t) {
        ++waiting;
        while (hang && p.wait(5ms)) {}
        return p.say(answer_text(200, {}, {}));
    }};
    const std::string url = "http://127.0.0.1:" + std::to_string(at.port());
    apm::drain_spans();
    apm::runtime_options o = only_otlp({.endpoint = url});
    o.metrics_exporter = "none";
    apm::basic_runtime<on> runtime{o};
    record(10);
    bool flushed = false;
    std::thread flushes([&] {
        flushed = runtime.flush(2 * patience);
        done = true;
    });
    REQUIRE(soon([&] { return waiting > 0; }));
    const auto drained = apm::count_spans().drained;
    record(400);  // more than half a ring
    CHECK(soon([&] { return apm::count_spans().drained >= drained + 200; }));
    CHECK_FALSE(done);
    hang = false;
    flushes.join();
    CHECK(flushed);
}

TEST_CASE("a child that is forked while a thread flushes exports, as the process that it is") {
    if (!can_fork) return;
    const environment e;
    std::atomic<bool> hang{true};
    std::atomic<int> waiting{0};
    std::mutex mutex;
    std::string bodies;
    receiver at{[&](const peer& p, const request& r, std::size_t) {
        ++waiting;
        while (hang && p.wait(5ms)) {}
        const std::lock_guard guard(mutex);
        bodies += r.body;
        return p.say(answer_text(200, {}, {}));
    }};
    const std::string url = "http://127.0.0.1:" + std::to_string(at.port());
    apm::drain_spans();
    apm::runtime_options o = only_otlp({.endpoint = url, .protocol = "http/json"});
    o.metrics_exporter = "none";
    apm::basic_runtime<on> runtime{o};
    record(1);
    std::thread flushes([&] { static_cast<void>(runtime.flush(patience)); });
    while (!waiting) std::this_thread::sleep_for(1ms);
    std::thread release([&] {
        std::this_thread::sleep_for(200ms);
        hang = false;
    });
    CHECK(in_child([&] {
              record(7);
              return runtime.flush(patience) ? 0 : 1;
          }) == 0);
    release.join();
    flushes.join();
    const std::lock_guard guard(mutex);
    CHECK(count(bodies, "only-in-a-step") == 8);
    const std::string parents = "{\"key\":\"process.pid\",\"value\":{\"intValue\":\"" + std::to_string(getpid()) + "\"}}";
    CHECK(count(bodies, "process.pid") == 2);
    CHECK(count(bodies, parents) == 1);
    // Each has a name of its own.
    std::set<std::string> instances;
    const std::string_view key = "\"service.instance.id\",\"value\":{\"stringValue\":\"";
    for (std::size_t from = 0; (from = bodies.find(key, from)) != std::string::npos; ++from)
        instances.insert(bodies.substr(from + key.size(), 36));
    CHECK(instances.size() == 2);
}

TEST_CASE("what a spool keeps is in flight while a process has it, and not otherwise") {
    const reported said;
    const environment e;
    std::string directory = std::filesystem::temp_directory_path() / "apm-otlp-XXXXXX";
    REQUIRE(mkdtemp(directory.data()));
    apm::drain_spans();
    const auto before = exported();
    apm::runtime_options o = only_otlp({.endpoint = "http://127.0.0.1:1", .spool_directory = directory});
    o.metrics_exporter = "none";
    for (int i = 0; i < 3; ++i) {
        {
            apm::basic_runtime<on> runtime{o};
            record(10);
            CHECK_FALSE(runtime.flush(patience));
            CHECK(in_flight() == 10 * (i + 1));
        }
        CHECK(in_flight() == 0);
    }
    collector c;
    o.otlp.endpoint = c.url;
    {
        apm::basic_runtime<on> runtime{o};
        CHECK(runtime.flush(patience));
    }
    CHECK(c.spans() == 30);
    CHECK(exported() == before + 30);
    CHECK(in_flight() == 0);
    std::filesystem::remove_all(directory);
}

TEST_CASE("spans that cannot be sent, or are not wanted, are not recorded") {
    const reported said;
    collector c;
    const environment e;
    apm::drain_spans();
    apm::otlp_options o{.endpoint = c.url};
    o.traces.endpoint = "ftp://host";
    {
        apm::basic_runtime<on> runtime{only_otlp(o)};
        const auto started = apm::count_spans().started;
        record(10);
        CHECK(apm::count_spans().started == started);  // no back end takes them
    }
    const auto undelivered = apm::detail::process_root().undelivered.load();
    {
        apm::otlp own(o);
        apm::runtime_options none{.metrics_exporter = "none", .traces_exporter = "none"};
        apm::basic_runtime<on> runtime{none, own};
        const auto started = apm::count_spans().started;
        record(10);
        CHECK(apm::count_spans().started == started);
    }
    {
        o.traces = {.send = false};  // by choice
        apm::otlp own(o);
        collector other;
        apm::otlp_options to{.endpoint = other.url};
        apm::basic_runtime<on> runtime{only_otlp(to), own};
        record(10);
        CHECK(runtime.flush(patience));
        CHECK(other.spans() == 10);
    }
    CHECK(apm::detail::process_root().undelivered.load() == undelivered);
}

TEST_CASE("flush() says what was lost since the last time, though it was lost before flush() was called") {
    const reported said;
    const environment e;
    receiver refuses(answers(400));
    const std::string url = "http://127.0.0.1:" + std::to_string(refuses.port());
    apm::drain_spans();
    apm::runtime_options o = only_otlp({.endpoint = url});
    o.metrics_exporter = "none";
    o.span_interval = 5ms;
    apm::basic_runtime<on> runtime{o};
    const auto lost = exported("rejected");
    record(10);
    REQUIRE(soon([&] { return exported("rejected") == lost + 10; }));
    CHECK_FALSE(runtime.flush(patience));
    CHECK(runtime.flush(patience));  // that was said
    record(1);
    CHECK_FALSE(runtime.flush(patience));
}

TEST_CASE("a back end's own call of flush() does not wait for itself") {
    struct calls {
        apm::basic_runtime<on>** runtime;
        std::chrono::steady_clock::duration took{};
        bool said = true;
        std::string_view name() const { return "calls"; }
        apm::error start(const apm::resource&) { return {}; }
        apm::error stop(apm::deadline) { return {}; }
        apm::error export_spans(const apm::span_batch& batch, apm::deadline) {
            if (batch.spans.empty()) return {};
            const auto begin = std::chrono::steady_clock::now();
            said = (*runtime)->flush(patience);
            took = std::chrono::steady_clock::now() - begin;
            return {};
        }
    };
    const environment e;
    apm::drain_spans();
    apm::basic_runtime<on>* here = nullptr;
    calls c{&here};
    apm::runtime_options o{.metrics_exporter = "none", .traces_exporter = "none", .span_interval = std::chrono::hours(1)};
    apm::basic_runtime<on> runtime{o, c};
    here = &runtime;
    record(1);
    CHECK(runtime.flush(2 * patience));
    CHECK_FALSE(c.said);
    CHECK(c.took < patience / 2);
}

TEST_CASE("a child that was forked while the parent was in a back end's flush() ends well") {
    if (!can_fork) return;
    struct keeps {
        std::mutex mutex;
        std::atomic<bool> in{false}, go{false};
        std::string_view name() const { return "keeps"; }
        apm::error start(const apm::resource&) { return {}; }
        apm::error stop(apm::deadline) { return {}; }
        apm::error export_spans(const apm::span_batch&, apm::deadline) {
            const std::lock_guard guard(mutex);
            return {};
        }
        bool flush(apm::deadline) {
            const std::lock_guard guard(mutex);
            in = true;
            while (!go) std::this_thread::sleep_for(1ms);
            return true;
        }
    } k;
    const environment e;
    apm::drain_spans();
    apm::runtime_options o{.metrics_exporter = "none", .traces_exporter = "none", .span_interval = std::chrono::hours(1)};
    auto runtime = std::make_unique<apm::basic_runtime<on>>(o, k);
    std::thread flushes([&] { static_cast<void>(runtime->flush(patience)); });
    while (!k.in) std::this_thread::sleep_for(1ms);
    CHECK(in_child([&] {
              record(1);
              const bool flushed = runtime->flush(1s);
              runtime.reset();
              return flushed ? 1 : 0;  // it could not: no thread is left to unlock that mutex
          }) == 0);
    k.go = true;
    flushes.join();
}

TEST_CASE("secrets in every option, in the environment and in attributes are in no line, no setting and no request's body") {
    const reported said;
    collector c;
    const std::string port = c.url.substr(c.url.rfind(':'));
    receiver refuses{[](const peer& p, const request& r, std::size_t) {
        return p.say(answer_text(401, {}, "no: " + r.header("api-key") + ' ' + r.header("Authorization")));
    }};
    const std::string to = "http://me:hush@127.0.0.1" + port + "/?token=hush";
    const std::string refused = "http://me:hush@127.0.0.1:" + std::to_string(refuses.port()) + "/?token=hush";
    const std::string silent = "http://me:hush@127.0.0.1:1/?token=hush";
    const environment e{{"OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=hush,authorization=Bearer%20hush"}, {"no_proxy", "*"}};
    for (const std::string& url : {to, refused, silent, std::string("hush:hush@127.0.0.1:99999"), std::string("me:hush@127.0.0.1") + port}) {
        apm::drain_spans();
        apm::otlp_options o{.endpoint = url, .headers = "api-key=hush", .client_key = "", .http_proxy = "http://me:hush@127.0.0.1:1",
                            .https_proxy = "http://me:hush@127.0.0.1:1", .traces = {.headers = "x-token=hush"}};
        apm::runtime_options all = only_otlp(o);
        all.prometheus.user = "hush", all.prometheus.password = "hush";
        apm::runtime_options copy = all;
        const apm::detail::settings settings(copy);
        for (const auto& x : settings.reader.effective) CHECK(x.value.find("hush") == std::string::npos);
        apm::basic_runtime<on> runtime{all};
        record(2);
        static_cast<void>(runtime.flush(patience));
    }
    const lines was = said.take();
    CHECK(was.size() >= 6);
    for (const std::string& line : was) {
        CAPTURE(line);
        CHECK(line.find("hush") == std::string::npos);
    }
    CHECK(c.spans() >= 2);
    CHECK((c.traces + c.metrics).find("hush") == std::string::npos);
}
