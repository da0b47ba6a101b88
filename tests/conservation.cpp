// ctest: LABELS optimized
// What eight threads trace as fast as they can either comes out as it went in, or is counted as dropped.
#include <apm/spans.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <apm/apm.hpp>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace std::chrono_literals;

// `number` and `above` are the test's own names for a span and its parent: thread << 32 | the how-manieth of it, from 1.
APM_FIELDS(Work, (std::uint64_t, number), (std::uint64_t, above), (std::optional<std::uint64_t>, ended),
           (std::optional<std::uint64_t>, checksum), (std::optional<std::string_view>, a), (std::optional<std::string_view>, b),
           (std::optional<std::string_view>, c));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "conservation"};
    span<Work> work{this, "work", "Something with as many bytes as comes"};
};
constexpr auto& telemetry = apm::instruments<Schema>;

constexpr std::size_t threads = 8;

std::uint64_t checksum_of(std::string_view bytes, std::uint64_t seed) {
    std::uint64_t sum = seed;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        sum = (sum ^ static_cast<unsigned char>(bytes[i])) * 0x100000001b3u;
    return sum;
}

// One thread's: traces trees of spans, and counts what it began.
class worker {
public:
    // `drained`, if any: how often all rings were read. It pauses now and then until they were read again.
    worker(std::size_t thread, std::size_t spans, const std::atomic<std::uint64_t>* drained)
        : thread_(thread), spans_(spans), drained_(drained), random_(thread + 1) {
        for (char& c : bytes_) c = static_cast<char>(random());
    }
    void run() {
        for (std::uint64_t paused = 0; begun_ < spans_; tree(0, 3)) {
            if (!drained_ || begun_ < paused + 200) continue;
            paused = begun_;
            for (const std::uint64_t before = *drained_; *drained_ < before + 2;) std::this_thread::sleep_for(100us);
        }
    }
    [[nodiscard]] std::uint64_t begun() const { return begun_; }

private:
    std::uint64_t random() { return apm::detail::next_random(random_) >> 33; }
    void tree(std::uint64_t above, int depth) {
        const std::uint64_t number = std::uint64_t{thread_} << 32 | ++begun_;
        auto scope = telemetry.work.scope({.number = number, .above = above});
        if (depth)
            for (std::uint64_t children = random() % 3; children && begun_ < spans_; --children) tree(number, depth - 1);
        // Up to three texts of 4 KiB; most have little.
        const std::uint64_t kind = random() % 200;
        std::string_view text[3];
        std::uint64_t sum = number;
        for (std::string_view& part : text) {
            const std::size_t size = kind == 0 ? random() % 4097 : kind < 50 ? random() % 100 : 0;
            part = {bytes_ + random() % 1000, size};
            sum = checksum_of(part, sum);
        }
        scope.set<&Work::a>(text[0]);
        scope.set<&Work::b>(text[1]);
        scope.set<&Work::c>(text[2]);
        scope.set<&Work::checksum>(sum >> 1);  // an attribute is a signed integer
        scope.set<&Work::ended>(ended_++);
    }
    std::size_t thread_, spans_;
    const std::atomic<std::uint64_t>* drained_;
    std::uint64_t random_, begun_ = 0, ended_ = 0;
    char bytes_[5200];
};

struct exported {
    std::uint64_t id = 0, parent = 0, above = 0, trace = 0, start = 0, end = 0;
};

// What came out.
class account {
public:
    explicit account(std::size_t each) : seen_(threads) {
        for (auto& of_thread : seen_) of_thread.resize(each + 1);
    }
    bool drain() {
        const apm::span_batch batch = apm::drain_spans(1 << 18);
        for (const apm::span_view& s : batch.spans) take(s);
        if (!batch.more) ++all_read;
        return !batch.spans.empty();
    }
    std::atomic<std::uint64_t> all_read{0};
    std::uint64_t count = 0, broken = 0, disordered = 0, twice = 0;

    // Of the parents of what was exported: whether each is there as what its child says it is, or how many are not there.
    struct verdict {
        std::uint64_t wrong_parents = 0, outside = 0, missing = 0, same_ids = 0;
    };
    verdict judge() const {
        verdict v;
        std::vector<std::uint64_t> ids, missing;
        ids.reserve(count);
        for (const auto& of_thread : seen_)
            for (const exported& s : of_thread) {
                if (!s.id) continue;
                ids.push_back(s.id);
                if (!s.above) {
                    v.wrong_parents += s.parent != 0;
                    continue;
                }
                const exported& p = seen_[s.above >> 32][s.above & 0xffffffff];
                if (!p.id) missing.push_back(s.above);
                else v.wrong_parents += s.parent != p.id || s.trace != p.trace, v.outside += s.start < p.start || s.end > p.end;
            }
        std::sort(ids.begin(), ids.end());
        v.same_ids = static_cast<std::uint64_t>(ids.end() - std::unique(ids.begin(), ids.end()));
        std::sort(missing.begin(), missing.end());
        v.missing = static_cast<std::uint64_t>(std::unique(missing.begin(), missing.end()) - missing.begin());
        return v;
    }

private:
    void take(const apm::span_view& s) {
        ++count;
        std::uint64_t number = 0, sum = 0, told = 0, ended = 0;
        exported e{s.id(), s.parent(), 0, s.trace().high ^ s.trace().low, s.start(), s.end()};
        s.attributes([&](const apm::attribute_view& a) {
            const std::string_view name = a.name();
            a.visit([&](const auto& value) {
                if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::int64_t>) {
                    const auto n = static_cast<std::uint64_t>(value);
                    if (name == "number") sum = number = n;
                    else if (name == "above") e.above = n;
                    else if (name == "checksum") told = n;
                    else if (name == "ended") ended = n;
                } else if constexpr (std::same_as<std::remove_cvref_t<decltype(value)>, std::string_view>) {
                    sum = checksum_of(value, sum);
                }
            });
        });
        const std::size_t thread = number >> 32, nth = number & 0xffffffff;
        if (sum >> 1 != told || thread >= threads || nth == 0 || nth >= seen_[thread].size() || &s.row() != &telemetry.work) {
            ++broken;
            return;
        }
        disordered += ended < next_[thread];
        next_[thread] = ended + 1;
        twice += seen_[thread][nth].id != 0;
        seen_[thread][nth] = e;
    }
    std::vector<std::vector<exported>> seen_;
    std::uint64_t next_[threads] = {};
};

// Each drains until told to stop, in its way.
void fast(account& a, const std::atomic<bool>& done) {
    while (!done)
        if (!a.drain()) std::this_thread::yield();
}
void slow(account& a, const std::atomic<bool>& done) {
    for (; !done; std::this_thread::sleep_for(30ms)) a.drain();
}
void stopping(account& a, const std::atomic<bool>& done) {
    while (!done) {
        const auto until = std::chrono::steady_clock::now() + 50ms;
        while (!done && std::chrono::steady_clock::now() < until) a.drain();
        std::this_thread::sleep_for(100ms);
    }
}

}  // namespace

TEST_CASE("what threads begin is exported whole, once and in order, or counted as dropped") {
    // Threads that pause now and then are kept up with, by and large.
    const auto [name, drainer, pauses] = GENERATE(table<const char*, void (*)(account&, const std::atomic<bool>&), bool>(
        {{"fast", fast, true}, {"fast", fast, false}, {"slow", slow, false}, {"stopping", stopping, false}}));
    INFO(name);
    while (!apm::drain_spans().spans.empty()) {}
    const apm::span_totals before = apm::count_spans();
    const std::size_t each = repeat(pauses ? 100'000 : 500'000);
    account out(each);
    std::atomic<bool> done{false};
    std::thread draining([&, drain = drainer] { drain(out, done); });
    std::atomic<std::uint64_t> begun{0};
    in_threads(threads, [&, pause = pauses](std::size_t thread) {
        worker w(thread, each, pause ? &out.all_read : nullptr);
        w.run();
        begun += w.begun();
    });
    done = true;
    draining.join();
    while (out.drain()) {}

    const apm::span_totals after = apm::count_spans();
    const std::uint64_t dropped = after.dropped() - before.dropped();
    CHECK(begun == threads * each);
    CHECK(after.started - before.started == begun);
    CHECK(after.drained - before.drained == out.count);
    CHECK(out.count + dropped == begun);
    CHECK(out.count > (pauses ? begun / 10 : 0));
    CHECK(after.dropped_memory == before.dropped_memory);
    CHECK(after.dropped_items == before.dropped_items);
    CHECK(out.broken == 0);
    CHECK(out.twice == 0);
    CHECK(out.disordered == 0);
    const account::verdict v = out.judge();
    CHECK(v.wrong_parents == 0);
    CHECK(v.outside == 0);
    CHECK(v.same_ids == 0);
    CHECK(v.missing <= dropped);
    INFO("exported " << out.count << ", dropped " << dropped << ", parents dropped " << v.missing);
    if (std::getenv("APM_TEST_VERBOSE")) WARN(name << ": exported " << out.count << ", dropped " << dropped);
}
