// What does it take to send spans by OTLP, all of the way: recorded, drained, encoded, sent to a receiver in another process, and
// acknowledged? And does the thread that records notice who is at the other end?
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <benchmark/benchmark.h>

#include <apm/runtime.hpp>

#include "schema.hpp"

namespace {

APM_FIELDS(Purchase, (std::uint64_t, order), (apm::text<>, product), (bench::Method, method));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "bench.otlp", .version = "1.0"};
    span<Purchase> purchase{this, "purchase", "Three attributes"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

void purchase() { TRACE_SCOPE(telemetry.purchase, {.order = 123'456, .product = "green tea", .method = bench::Method::paypal}); }

// Takes whatever is sent to it, in a process of its own.
class receiver {
public:
    enum class behaviour { answers, hangs };
    explicit receiver(behaviour how) {
        const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (bind(listening, reinterpret_cast<const sockaddr*>(&at), size) != 0 || listen(listening, 8) != 0) std::abort();
        getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size);
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
        child_ = fork();
        if (child_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (how == behaviour::hangs) pause();
            for (;;) serve(accept(listening, nullptr, nullptr));
        }
        close(listening);
    }
    ~receiver() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    receiver(const receiver&) = delete;
    receiver& operator=(const receiver&) = delete;
    [[nodiscard]] std::string_view url() const { return url_; }

private:
    static void serve(int fd) {
        static char buffer[1 << 20];
        std::string head;
        for (std::uint64_t left = 0;;) {
            const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
            if (n <= 0) break;
            std::string_view got(buffer, static_cast<std::size_t>(n));
            while (!got.empty()) {
                if (left == 0) {  // in a head
                    const std::size_t had = head.size();
                    head += got;
                    const std::size_t end = head.find("\r\n\r\n");
                    if (end == head.npos) break;
                    const std::size_t length = head.find("Content-Length: ");
                    left = std::strtoull(head.c_str() + length + 16, nullptr, 10);
                    got.remove_prefix(end + 4 - had);
                    head.clear();
                }
                const std::size_t taken = left < got.size() ? static_cast<std::size_t>(left) : got.size();
                got.remove_prefix(taken);
                left -= taken;
                constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                if (left == 0 && send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
            }
        }
        close(fd);
    }
    std::string url_;
    pid_t child_ = -1;
};

void quiet(const char*) {}

double cpu_seconds(clockid_t which) {
    timespec t;
    clock_gettime(which, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

constexpr int at_once = 50'000;  // spans: they all fit into a ring of 8 MiB

// The time is that of all threads of this process, and of the kernel for them: what a core has to do for a span.
void end_to_end(benchmark::State& state, std::string_view compression) {
    const receiver to(receiver::behaviour::answers);
    apm::runtime runtime{{.metrics_exporter = "none", .traces_exporter = "otlp", .otlp = {.endpoint = to.url(), .compression = compression},
                          .ring_bytes = 8 << 20, .on_error = quiet}};
    const auto begin = std::chrono::steady_clock::now();
    while (state.KeepRunningBatch(at_once)) {
        const double cpu = cpu_seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int i = 0; i < at_once; ++i) purchase();
        if (!runtime.flush(std::chrono::seconds(10))) state.SkipWithError("the receiver did not get it all");
        state.SetIterationTime(cpu_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    state.counters["spans/s by the clock on the wall"] = static_cast<double>(state.iterations()) / wall.count();
}
BENCHMARK_CAPTURE(end_to_end, plain, "none")->UseManualTime();
BENCHMARK_CAPTURE(end_to_end, gzip, "gzip")->UseManualTime();

// Takes spans and forgets them.
struct nowhere {
    std::string_view name() const { return "nowhere"; }
    apm::error start(const apm::resource&) { return {}; }
    apm::error export_spans(const apm::span_batch&, apm::deadline) { return {}; }
    apm::error stop(apm::deadline) { return {}; }
};

// A program's own work: bursts of spans, with time for others in between. Its own thread's time is measured, no other's.
void bursts(benchmark::State& state) {
    constexpr int burst = 256;
    while (state.KeepRunningBatch(burst)) {
        const double begin = cpu_seconds(CLOCK_THREAD_CPUTIME_ID);
        for (int i = 0; i < burst; ++i) purchase();
        state.SetIterationTime(cpu_seconds(CLOCK_THREAD_CPUTIME_ID) - begin);
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}
void record_for_nobody(benchmark::State& state) {
    nowhere none;
    apm::runtime runtime{{.metrics_exporter = "none", .traces_exporter = "none", .on_error = quiet}, none};
    bursts(state);
}
void record_for(benchmark::State& state, std::string_view url) {
    apm::runtime runtime{{.metrics_exporter = "none", .traces_exporter = "otlp", .otlp = {.endpoint = url, .queue_bytes = 1 << 20},
                          .shutdown_timeout = std::chrono::milliseconds(1), .on_error = quiet}};
    bursts(state);
}
void record_for_a_receiver(benchmark::State& state) {
    const receiver to(receiver::behaviour::answers);
    record_for(state, to.url());
}
void record_for_one_that_hangs(benchmark::State& state) {
    const receiver to(receiver::behaviour::hangs);
    record_for(state, to.url());
}
void record_for_one_that_is_not_there(benchmark::State& state) { record_for(state, "http://127.0.0.1:1"); }
BENCHMARK(record_for_nobody)->UseManualTime();
BENCHMARK(record_for_a_receiver)->UseManualTime();
BENCHMARK(record_for_one_that_hangs)->UseManualTime();
BENCHMARK(record_for_one_that_is_not_there)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
