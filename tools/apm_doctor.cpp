// Says what a program with apm::runtime would do in this environment, and tries it: the settings and where each came from, and one
// span and one metric sent to where they would go. tools/apm-doctor builds and runs it.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <unistd.h>

#include <apm/control.hpp>
#include <apm/runtime.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/text.hpp>
#include <apm/runtime/settings.hpp>
#include <apm/schema.hpp>
#include <apm/spans.hpp>
#if APM_BACKEND_OTLP
#include <apm/backend/delivery/explain.hpp>
#include <apm/backend/delivery/http.hpp>
#include <apm/backend/delivery/judgement.hpp>
#include <apm/backend/delivery/spool.hpp>
#include <apm/backend/otlp/metrics.hpp>
#include <apm/backend/otlp/protocol.hpp>
#include <apm/backend/otlp/resolve.hpp>
#include <apm/backend/otlp/spans.hpp>
#endif

namespace {

APM_FIELDS(Canary, (std::string_view, message));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "apm.doctor", .version = APM_VERSION};

    counter<>    runs {this, "apm.doctor.runs", "How often the doctor was asked, by this process"};
    span<Canary> visit{this, "apm.doctor", "A span that shows that spans arrive"};
};
constexpr auto& telemetry = apm::instruments<Schema>;
constexpr auto on = apm::mode::on;

constexpr const char* usage =
    "usage: apm-doctor [--all] [--timeout SECONDS]\n"
    "Prints the settings that this environment gives to a program with apm::runtime, and where each came from; then sends a span and a\n"
    "metric to where they would go, and says in one line what is wrong. Exits with 0 if both arrived, or nothing is to be sent.\n"
    "  --all      settings with their default, too\n"
    "  --timeout  of each attempt, 5 seconds unless said otherwise\n";

void show(const apm::detail::settings_reader& reader, bool all) {
    std::puts("settings:");
    std::size_t defaults = 0;
    for (const auto& s : reader.effective) {
        if (s.from.empty() && !all) {
            ++defaults;
            continue;
        }
        std::printf("  %s = %s", s.name.c_str(), s.value.empty() ? "(empty)" : s.value.c_str());
        if (s.from.empty()) std::puts("   default");
        else if (s.from != s.name) std::printf("   from %s\n", s.from.c_str());
        else std::puts("   from the environment");
    }
    if (defaults) std::printf("  and %zu with their default (--all shows them)\n", defaults);
}

void show(const apm::resource& who) {
    std::puts("resource (the process, and a service without a name, are this doctor's own):");
    for (const auto& [name, value] : who.attributes) std::printf("  %s = %s\n", name.c_str(), apm::text_of(value).c_str());
}

bool try_endpoint(const apm::runtime_options& options, const apm::resource& who) {
    const auto endpoint = apm::detail::builtin_named("prometheus")->make(options, apm::control::now<on>());
    const apm::error failed = endpoint->calls.start(endpoint->calls.self, who);
    const std::string host(options.prometheus.host), path(options.prometheus.path);
    if (failed.empty()) std::printf("  metrics: served at http://%s:%u%s\n", host.c_str(), unsigned{endpoint->port()}, path.c_str());
    else std::printf("  metrics: %s\n", failed.c_str());
    endpoint->calls.stop(endpoint->calls.self, std::chrono::steady_clock::now() + std::chrono::seconds(1));
    return failed.empty();
}

bool try_directory(const std::string& directory) {
    const bool may = access(directory.c_str(), W_OK | X_OK) == 0;
    if (may) std::printf("  traces: into files in %s\n", directory.c_str());
    else std::printf("  traces: cannot write into %s: %s; set APM_TRACE_DIRECTORY\n", directory.c_str(), std::strerror(errno));
    return may;
}

// Who may change sampling while the program runs. False where that does not work.
bool try_control(const apm::control_options& control, const apm::detail::settings& settings) {
    if (!settings.sampling.endpoint.empty())
        std::printf("  sampling: as %s says, asked every %lld ms%s\n",
                    apm::detail::url_without_secrets(settings.sampling.endpoint).c_str(),
                    static_cast<long long>(settings.sampling.interval.count()),
                    apm::detail::in_this_build("otlp") ? "" : "; but this build has no OTLP, and so no libcurl to ask with");
    if (!control.token.empty() && settings.metrics.has("prometheus"))
        std::puts("  control: /control on that server, for clients on this machine that show the token");
    if (control.file.empty()) return true;
    const std::string file(control.file);
    const apm::detail::control_lines lines = apm::detail::read_control(apm::detail::read_file(file));
    if (access(file.c_str(), F_OK) != 0) std::printf("  control: %s is watched; it is not there yet\n", file.c_str());
    else if (access(file.c_str(), R_OK) != 0) return std::printf("  control: cannot read %s\n", file.c_str()), false;
    else std::printf("  control: %s is watched, and says %zu things\n", file.c_str(), lines.edits.size());
    for (const auto& bad : lines.bad) std::printf("  control: %s:%zu: %s\n", file.c_str(), bad.number, bad.why.c_str());
    return lines.bad.empty();
}

#if APM_BACKEND_OTLP
namespace delivery = apm::detail::delivery;
namespace otlp = apm::detail::otlp;

// True where it arrived.
bool send(const otlp::signal& s, const std::string& body, const char* what, std::chrono::milliseconds timeout) {
    for (const std::string& remark : s.remarks) std::printf("  note: %s\n", remark.c_str());
    if (!s.usable()) return std::printf("  %s\n", s.problem.c_str()), false;
    const auto begin = std::chrono::steady_clock::now();
    const delivery::reply r = delivery::send_once(s.to, body, begin + timeout);
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
    const delivery::judgement j = delivery::judge(*s.to.protocol, r, 1, s.to.encoding);
    const bool arrived = j.outcome == delivery::judgement::action::delivered && j.rejected == 0;
    const std::string words = delivery::explain(s.to, r, j.kind, j.message);
    if (arrived)
        std::printf("  %s: %s took %s in %lld ms (HTTP status %d, %zu bytes%s)\n", s.to.name.c_str(),
                    s.to.unix_socket.empty() ? apm::detail::parsed_url_without_secrets(s.to.url).c_str() : s.to.unix_socket.c_str(), what,
                    static_cast<long long>(took.count()), static_cast<int>(r.status), body.size(), s.to.gzip ? " before gzip" : "");
    if (!words.empty()) std::printf("  %s\n", words.c_str());
    return arrived;
}

bool try_otlp(const apm::runtime_options& options, const apm::detail::settings& settings, std::chrono::milliseconds timeout) {
    bool well = true;
    if (!options.otlp.spool_directory.empty()) {
        delivery::spool disk(std::string(options.otlp.spool_directory), "doctor", otlp::over_http);
        if (const int failed = disk.open()) {
            std::printf("  OTLP: %s\n", disk.because("open", failed, "what waits is kept in memory").c_str());
            well = false;
        }
        disk.close();
    }
    if (settings.traces.has("otlp")) {
        std::string id;
        {
            auto span = telemetry.visit.scope<on>({.message = "apm-doctor was here"});
            char digits[33];
            const auto here = apm::context::current();
            std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(here.trace.high),
                          static_cast<unsigned long long>(here.trace.low));
            id = digits;
        }
        const apm::span_batch batch = apm::drain_spans();
        const otlp::signal s = otlp::resolve(options.otlp, options.otlp.traces, "traces");
        std::string body;
        otlp::append_request(body, s.encoding, batch.spans, settings.who);
        well = send(s, body, ("a span of trace " + id).c_str(), timeout) && well;
    }
    if (settings.metrics.has("otlp")) {
        telemetry.runs.add<on>(1);
        const apm::snapshot now = apm::collect();
        const otlp::signal s = otlp::resolve(options.otlp, options.otlp.metrics, "metrics");
        std::string body;
        otlp::append_request(body, s.encoding, now, now.families, settings.who);
        well = send(s, body, "the metric apm.doctor.runs", timeout) && well;
    }
    return well;
}
#endif

}  // namespace

int main(int count, char** arguments) {
    bool all = false;
    std::chrono::milliseconds timeout{5'000};
    for (int i = 1; i < count; ++i) {
        const std::string_view a = arguments[i];
        char* end = nullptr;
        if (a == "--all") {
            all = true;
        } else if (a == "--timeout" && i + 1 < count) {
            const double seconds = std::strtod(arguments[++i], &end);
            if (end == arguments[i] || *end || !(seconds > 0 && seconds <= 3600)) return std::fputs(usage, stderr), 2;
            timeout = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
        } else {
            std::fputs(usage, a == "--help" || a == "-h" ? stdout : stderr);
            return a == "--help" || a == "-h" ? 0 : 2;
        }
    }
    apm::on_error([](const char* line) { std::printf("note: %s\n", line); });
    apm::runtime_options options;
    const apm::detail::settings settings(options);
    show(settings.reader, all);
    show(settings.who);
    std::puts("what happens, unless the program's own options say otherwise:");
    if (settings.disabled) {
        std::puts("  nothing: it is switched off (OTEL_SDK_DISABLED, APM_ENABLED)");
        return 0;
    }
    bool well = true;
    if (settings.metrics.has("prometheus")) well = try_endpoint(options, settings.who);
    if (settings.traces.has("file")) well = try_directory(std::string(options.file.directory)) && well;
    if (settings.traces.has("console")) std::puts("  traces: printed");
    well = try_control(options.control, settings) && well;
    if (!settings.traces.has("otlp") && !settings.metrics.has("otlp")) {
        std::puts("  OTLP: not chosen; set OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318 to send spans and metrics");
        return well ? 0 : 1;
    }
#if APM_BACKEND_OTLP
    well = try_otlp(options, settings, timeout) && well;
#endif
    return well ? 0 : 1;
}
