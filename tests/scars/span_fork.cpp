// Forks while threads trace and one drains. The child tells nothing of its parent's spans and no number twice, counts what it
// ends of them, can do all its parent could, and waits for nothing; so does its own child. The parent loses nothing.
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <sys/mman.h>

#include "span_scar.hpp"

using scar::traced;
using namespace std::chrono_literals;
using step_scope = decltype(traced.step.scope({.n = 1}));
using step_span = decltype(traced.step.start({.n = 1}));

// What children tell, and the parent checks.
struct report {
    std::atomic<std::uint64_t> count;
    std::uint64_t ids[100'000];
};
static report* reported = nullptr;
static void tell(std::uint64_t id) { reported->ids[reported->count++ % 100'000] = id; }

// In a child: whatever it drains says so.
static std::uint64_t take() {
    return scar::drain([](const apm::span_view& s) {
        scar::require(scar::number_of(s) == 7, "a span of the child's", scar::number_of(s));
        tell(s.id());
    });
}

static void live(std::uint64_t inherited, const apm::context& parent) {
    alarm(120);  // a child that hangs dies of it, which its parent sees
    const apm::span_totals t = apm::count_spans();
    scar::require(t.started == inherited && t.dropped_inherited == inherited && t.dropped() == inherited && t.drained == 0,
                  "counts from zero", t.started);
    scar::require(take() == 0, "nothing of the parent's");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([] {
            scar::require(!apm::context::current().valid(), "a new thread is in no span");
            for (int n = 0; n < 20; ++n) {
                const auto outer = traced.step.scope({.n = 7, .text = "the child"});
                const auto inner = traced.step.scope({.n = 7});
                inner.event("in it");
            }
        });
    for (std::thread& thread : threads) thread.join();
    {
        const auto s = traced.step.scope({.n = 7});
        scar::require(s.context().trace == parent.trace || !parent.valid(), "a child of what was current");
    }
    const std::uint64_t drained = take();
    scar::require(drained == 161, "all that the child traced", drained);
    scar::require_conserved();
}

int main() {
    scar::keep_quiet();
    reported = static_cast<report*>(mmap(nullptr, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> begun{0}, drained{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            std::uint64_t n = 0;
            for (; !done; n += 3) {
                const auto outer = traced.step.scope({.n = 1, .text = "the parent"});
                const auto inner = traced.plain.scope();
                inner.event("in it");
                auto started = traced.step.start({.n = 1});
                started.set<&scar::Said::text>(std::string(n % 50 ? 10 : 1000, 'x'));
                if (n % 300 == 0) std::this_thread::yield();
            }
            begun += n;
        });
    std::unordered_set<std::uint64_t> own;
    threads.emplace_back([&] {
        const auto take_own = [&] { drained += scar::drain([&](const apm::span_view& s) { own.insert(s.id()); }); };
        while (!done) take_own();
    });
    std::this_thread::sleep_for(20ms);
    std::uint64_t mine = 0;
    constexpr int rounds = 200;
    for (int round = 0; round < rounds; ++round) {
        std::unique_ptr<step_scope> scope;
        std::unique_ptr<step_span> span;
        if (round % 2) scope = std::make_unique<step_scope>(traced.step.scope({.n = 1})), ++mine;
        if (round % 3) span = std::make_unique<step_span>(traced.step.start({.n = 1})), ++mine;
        const apm::context here = apm::context::current();
        const pid_t child = fork();
        if (child == 0) {
            std::uint64_t inherited = 0;
            if (round % 4 && scope) scope.reset(), ++inherited;  // else it ends within, or never
            if (span) span.reset(), ++inherited;
            live(inherited, apm::context::current());
            scope.reset();
            if (round % 10 == 0) {
                const pid_t grandchild = fork();
                if (grandchild == 0) live(0, {}), _exit(0);
                scar::wait_for(grandchild, "the child's child");
            }
            _exit(0);
        }
        scar::wait_for(child, "the child");
        scar::require(apm::context::current() == here, "the parent's stack is what it was");
    }
    done = true;
    for (std::thread& t : threads) t.join();
    drained += scar::drain([&](const apm::span_view& s) { own.insert(s.id()); });
    scar::require_conserved();
    const apm::span_totals t = apm::count_spans();
    scar::require(t.started == begun + mine, "the parent's spans", t.started);
    scar::require(t.drained == drained && t.dropped_inherited == 0 && t.dropped_memory == 0, "are all there", t.drained);
    scar::require(own.size() == drained, "each with a number of its own", own.size());
    const std::uint64_t told = reported->count;
    scar::require(told >= rounds * 161, "what children told", told);
    for (std::uint64_t i = 0; i < told; ++i)
        scar::require(own.insert(reported->ids[i]).second, "a number that no other span has", reported->ids[i]);
}
