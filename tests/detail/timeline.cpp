// ctest: LABELS serial
#include <apm/detail/timeline.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "catch.hpp"

namespace {

using namespace apm::detail;

// A machine: a counter of 2.7 GHz, and a time of day that runs with it, slewed and set. A timeline looks at it now
// and then, as a reader does, and reads it with an error.
struct machine {
    static constexpr double ghz = 2.7;
    std::mt19937_64 random{7};
    double passed = 0, offset = 0, slew = 0, noise = 50;  // in ns; slew is a share
    struct bend { double passed, offset, slew; };
    std::vector<bend> bends{{0, 0, 0}};
    std::unique_ptr<timeline> when = std::make_unique<timeline>();

    static constexpr std::uint64_t first_ticks = 1'000'000'000'000, first_ns = 1'700'000'000'000'000'000;

    double uniform(double from, double to) { return std::uniform_real_distribution<double>(from, to)(random); }
    [[nodiscard]] static std::uint64_t ticks(double at) { return first_ticks + whole(at * ghz); }
    [[nodiscard]] static std::uint64_t whole(double x) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(x)); }
    [[nodiscard]] std::uint64_t true_time(double at) const {
        const auto after = std::upper_bound(bends.begin(), bends.end(), at, [](double x, const bend& b) { return x < b.passed; });
        const bend& b = *std::prev(after);
        return first_ns + whole(at + b.offset + (at - b.passed) * b.slew);
    }
    // So much later, of which each nanosecond took 1 + slew of the time of day.
    void pass(double ns, double slewed = 0) {
        if (slewed != slew) bends.push_back({passed, offset, slew = slewed});
        passed += ns, offset += ns * slew;
    }
    void set_clock(double by) { bends.push_back({passed, offset += by, slew}); }
    void look() {
        const auto error = static_cast<std::int64_t>(uniform(-noise, noise));
        const instant now{ticks(passed), true_time(passed) + static_cast<std::uint64_t>(error), 100};
        when->continue_at(now, 1 / ghz * (1 + rate_error));
        when->asked_until(ticks(passed));
    }
    // How far what the timeline says is from the truth, in ns.
    [[nodiscard]] double wrong(double at) const {
        return static_cast<double>(static_cast<std::int64_t>(when->at(ticks(at)) - true_time(at)));
    }
    double rate_error = 0;
};

}  // namespace

TEST_CASE("a timeline follows a slewed and noisy time of day, always grows, and takes nothing back") {
    const double apart = GENERATE(0.001, 0.02, 0.2, 1.0, 5.0);  // seconds from one look to the next, about
    machine m;
    m.look();
    std::map<std::uint64_t, std::uint64_t> said;
    double worst = 0, from = 0, slew = 0;
    for (int i = 0; i < 1500; ++i) {
        if (i % 25 == 0) slew = m.uniform(-500e-6, 500e-6);
        m.pass(m.uniform(apart / 5, apart * 1.8) * 1e9, slew);
        m.look();
        for (int n = 0; n < 20; ++n) {
            const double at = n ? m.uniform(from, m.passed) : m.passed;
            said[m.ticks(at)] = m.when->at(m.ticks(at));
            worst = std::max(worst, std::abs(m.wrong(at)));
        }
        from = m.passed;
    }
    CHECK(worst < 50'000);
    std::uint64_t before = 0;
    bool grows = true, kept = true;
    std::uint64_t oldest = 0;
    if (said.size() > 18'000) oldest = std::next(said.end(), -18'000)->first;  // older pieces are no longer there
    for (const auto& [tick, time] : said) {
        grows = grows && time >= before;
        kept = kept && (tick < oldest || m.when->at(tick) == time);
        before = time;
    }
    CHECK(grows);
    CHECK(kept);
    CHECK(m.when->steps() == 0);
}

TEST_CASE("a timeline that is asked all the time learns a slew") {
    machine m;
    m.look();
    for (int i = 0; i < 4000; ++i) {
        m.pass(11e6, i < 2000 ? 500e-6 : -300e-6);
        m.look();
        m.when->asked_until(m.ticks(m.passed + 9e6));  // asked again just before the next look
        CHECK(std::abs(m.wrong(m.passed)) < 50'000);
    }
    CHECK(m.when->steps() == 0);
}

TEST_CASE("what lies within something else does so to the nanosecond, and lasts as long as it lasted") {
    machine m;
    m.look();
    struct stretch { double from, to; };
    std::vector<stretch> open;
    for (int i = 0; i < 1000; ++i) {
        const double before = m.passed;
        m.pass(m.uniform(1e5, 8e8), i % 10 ? m.slew : m.uniform(-500e-6, 500e-6));
        open.push_back({m.uniform(before, m.passed), 0});
        m.look();
        if (i % 3) continue;  // a parent that ends now, and a child of it that ended at some time
        const stretch parent{open[static_cast<std::size_t>(m.uniform(0, static_cast<double>(open.size())))].from, m.passed};
        const double one = m.uniform(parent.from, parent.to), other = m.uniform(parent.from, parent.to);
        const stretch child{std::min(one, other), std::max(one, other)};
        const auto start = [&](const stretch& s) { return m.when->at(m.ticks(s.from)); };
        const auto end = [&](const stretch& s) { return start(s) + m.when->between(m.ticks(s.from), m.ticks(s.to)); };
        REQUIRE(start(parent) <= start(child));
        REQUIRE(end(child) <= end(parent));
        const double lasted = parent.to - parent.from;
        REQUIRE(std::abs(static_cast<double>(end(parent) - start(parent)) - lasted) < lasted * 600e-6 + 20'000);
    }
}

TEST_CASE("a clock that is set is counted, and changes no duration") {
    const double by = GENERATE(1.5e6, 5e6, 3e9, 3.6e12, -1.5e6, -5e6, -3e9, -3.6e12);  // ns
    const double parts = std::abs(by) > 2e6 ? GENERATE(0.02, 0.3, 2.0) : 0.3;  // seconds between looks
    machine m;
    m.look();
    for (int i = 0; i < 50; ++i) m.pass(parts * 1e9), m.look();
    const double old_times = m.passed - 5e6;
    const std::uint64_t old = m.when->at(m.ticks(old_times));
    for (int i = 0; i < 10; ++i) {
        const double before = m.passed;
        m.pass(parts * 0.5e9);
        m.set_clock(by);
        m.pass(parts * 0.5e9);
        m.look();
        CHECK(m.when->steps() == static_cast<std::uint64_t>(i + 1));
        CHECK(std::abs(m.wrong(m.passed)) < 1000);
        for (int n = 0; n < 50; ++n) {
            const double from = m.uniform(n % 2 ? 0 : before - 1e6, m.passed), to = m.uniform(from, m.passed);
            const double told = static_cast<double>(m.when->between(m.ticks(from), m.ticks(to)));
            REQUIRE(std::abs(told - (to - from)) < 2000 + (to - from) * 5e-6);
        }
        for (int k = 0; k < 3; ++k) m.pass(parts * 1e9), m.look();
    }
    CHECK(m.when->at(m.ticks(old_times)) == old);
}

TEST_CASE("a rate that was wrong at first is no step, and what it foretold is not told") {
    machine m;
    m.rate_error = 3e-3;  // measured over 20 us
    m.look();
    m.rate_error = 0;
    m.pass(5e9);
    m.look();
    CHECK(m.when->steps() == 0);
    for (int n = 0; n < 100; ++n) CHECK(std::abs(m.wrong(m.uniform(0, m.passed))) < 1000);
    CHECK(std::abs(static_cast<double>(m.when->between(m.ticks(1e9), m.ticks(2e9))) - 1e9) < 2000);
}

TEST_CASE("a counter that begins anew, as it does while a machine sleeps, is a step") {
    machine m;
    m.look();
    m.pass(3e9);
    m.look();
    const std::uint64_t now = m.true_time(m.passed) + 1'000'000'000;
    m.when->continue_at({5'000, now, 100}, 1 / m.ghz);
    CHECK(m.when->steps() == 1);
    CHECK(m.when->at(5'000) == now);
    CHECK(m.when->at(2'705'000) == now + 1'000'000);
    CHECK(m.when->between(5'000, 2'705'000) == 1'000'000);
}

TEST_CASE("half an hour of pieces is kept, however often one looks") {
    machine m;
    m.look();
    m.pass(1e9);
    const std::uint64_t tick = m.ticks(0.5e9);
    const std::uint64_t said = m.when->at(tick);
    for (int i = 0; i < 180'000; ++i) m.pass(10e6), m.look();  // half an hour
    CHECK(m.when->at(tick) == said);
    CHECK(std::abs(m.wrong(m.passed)) < 10'000);
}

TEST_CASE("renewed again and again, a timeline tells the time of day by every clock there is") {
    const auto source = GENERATE(undecided, monotonic);
    root process{};
    process.clock.store(source);
    timeline when;
    std::uint64_t before = 0;
    std::vector<double> wrong;
    for (int i = 0; i < 2000; ++i) {
        when.renew(process);
        const instant now = read_both(process, realtime_ns);
        const std::uint64_t told = when.at(now.ticks);
        REQUIRE(told >= before);
        before = told;
        wrong.push_back(std::abs(static_cast<double>(static_cast<std::int64_t>(told - now.ns))));
        for (const std::uint64_t until = monotonic_ns() + 200'000; monotonic_ns() < until;) {}
    }
    std::sort(wrong.begin(), wrong.end());
    CHECK(wrong[wrong.size() * 99 / 100] < 50'000);
    CHECK(when.steps() == 0);
}

TEST_CASE("a manual clock is taken at its word") {
    root process{};
    process.clock.store(manual);
    timeline when;
    when.renew(process);
    CHECK(when.at(12) == 12);
    CHECK(when.between(12, 20) == 8);
    CHECK(when.between(20, 12) == 0);
}
