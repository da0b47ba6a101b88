#include <apm/detail/store.hpp>

#include <atomic>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <pthread.h>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace apm::detail;

void zero_nothing(const description&, cell*, cell*) {}

// A store needs no layer above it: a description is enough. Each test has its own.
constexpr description describe(const char* name, std::uint64_t layout = 1, const char* version = "") {
    return {name, version, "", layout, 3, 1, 1, nullptr, zero_nothing};
}

std::size_t blocks_of(const store& s) {
    std::size_t n = 0;
    for (auto* b = s.blocks.pointer_acquire<block>(); b; b = b->next) ++n;
    return n;
}
std::uint64_t sum_of(const store& s, std::uint32_t cell) {
    std::uint64_t sum = s.fallback[cell].load();
    for (auto* b = s.blocks.pointer_acquire<block>(); b; b = b->next) sum += b->cells()[cell].load();
    return sum;
}

// What the library had to say; it has room for lines from any thread.
class lines {
public:
    lines() {
        count = 0;
        process_root().handler.publish(reinterpret_cast<const void*>(&take));
    }
    ~lines() { process_root().handler.publish(nullptr); }
    static inline std::atomic<int> count{0};
    static inline std::string last;

private:
    static void take(const char* line) {
        if (count++ == 0) last = line;
    }
};

}  // namespace

TEST_CASE("chunks cover all ids without gap or overlap, and double") {
    std::uint32_t next = 0;
    for (std::uint32_t chunk = 0; chunk <= chunk_of(1u << 20); ++chunk) {
        CHECK(chunk_base(chunk) == next);
        CHECK(chunk_of(next) == chunk);
        CHECK(chunk_of(next + chunk_size(chunk) - 1) == chunk);
        next += chunk_size(chunk);
    }
    CHECK(next == 2u << 20);
    CHECK(chunk_size(0) == first_chunk);
}

static constexpr auto of_one_thread = describe("of one thread");

TEST_CASE("a thread has the same cells as long as it lives") {
    const place first = here<of_one_thread>(), second = here<of_one_thread>();
    CHECK(first.at == second.at);
    CHECK_FALSE(first.shared);
    first.add(0, std::uint64_t{1});
    second.add(0, std::uint64_t{2});
    second.add(2, 0.5);
    CHECK(first.at[0].load() == 3);
    CHECK(first.at[1].load() == 0);
    CHECK(first.at[2].load_double() == 0.5);
    CHECK(block::of(first.at)->home == store_of<of_one_thread>());
}

static constexpr auto of_sequential_threads = describe("of sequential threads");

TEST_CASE("10,000 threads one after another share one block and lose nothing") {
    for (int i = 0; i < 10'000; ++i) in_threads(1, [](std::size_t) { here<of_sequential_threads>().add(1, std::uint64_t{1}); });
    const store& s = *store_of<of_sequential_threads>();
    CHECK(blocks_of(s) == 1);
    CHECK(sum_of(s, 1) == 10'000);
    CHECK(s.idle.load() == 1);
}

static constexpr auto of_waves = describe("of waves");

TEST_CASE("blocks are bounded by the threads alive at once") {
    constexpr std::size_t alive = 8, waves = 500;
    for (std::size_t i = 0; i < waves; ++i)
        in_threads(alive, [](std::size_t) {
            for (int n = 0; n < 10; ++n) here<of_waves>().add(0, std::uint64_t{1});
        });
    const store& s = *store_of<of_waves>();
    CHECK(blocks_of(s) <= alive);
    CHECK(s.idle.load() == blocks_of(s));
    CHECK(sum_of(s, 0) == alive * waves * 10);
}

static constexpr auto of_a_crowd = describe("of a crowd");

TEST_CASE("4,000 threads alive at once have a block each; the next 4,000 adopt them") {
#ifdef APM_TEST_SANITIZED
    constexpr std::size_t crowd = 400;
#else
    constexpr std::size_t crowd = 4000;
#endif
    struct meeting {
        std::atomic<std::size_t> here{0};
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
        static void* attend(void* self) {
            auto& m = *static_cast<meeting*>(self);
            apm::detail::here<of_a_crowd>().add(0, std::uint64_t{1});
            pthread_mutex_lock(&m.mutex);
            if (++m.here == crowd) pthread_cond_broadcast(&m.all_here);
            while (m.here < crowd) pthread_cond_wait(&m.all_here, &m.mutex);
            pthread_mutex_unlock(&m.mutex);
            apm::detail::here<of_a_crowd>().add(0, std::uint64_t{1});
            return nullptr;
        }
    };
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    const auto meet = [&] {
        meeting m;
        std::vector<pthread_t> threads(crowd);
        for (pthread_t& t : threads) REQUIRE(pthread_create(&t, &small, meeting::attend, &m) == 0);
        for (const pthread_t& t : threads) pthread_join(t, nullptr);
    };
    meet();
    const store& s = *store_of<of_a_crowd>();
    CHECK(blocks_of(s) == crowd);
    CHECK(sum_of(s, 0) == 2 * crowd);
    meet();
    CHECK(blocks_of(s) == crowd);
    CHECK(sum_of(s, 0) == 4 * crowd);
    pthread_attr_destroy(&small);
}

static constexpr auto of_adders = describe("of adders");

TEST_CASE("sums are exact and never go backwards while 16 threads add and come and go") {
    const std::size_t adds = repeat(100'000);
    std::atomic<std::size_t> backwards{0};
    const store& s = *store_of<of_adders>();
    meanwhile reading([&, last = std::uint64_t{0}]() mutable {
        const std::uint64_t now = sum_of(s, 0);
        backwards += now < last;
        last = now;
    });
    for (int generation = 0; generation < 4; ++generation)
        in_threads(16, [&](std::size_t) {
            for (std::size_t i = 0; i < adds; ++i) here<of_adders>().add(0, std::uint64_t{1});
        });
    reading.stop();
    CHECK(backwards == 0);
    CHECK(sum_of(s, 0) == 4 * 16 * adds);
    CHECK(blocks_of(s) <= 16);
}

// Two modules of one program have a description each, at another address but of equal contents.
static constexpr auto of_module_1 = describe("of two modules");
static constexpr auto of_module_2 = describe("of two modules");

TEST_CASE("descriptions of one name and layout meet in one store, one block per thread, released once") {
    CHECK(store_of<of_module_1>() == store_of<of_module_2>());
    in_threads(1, [](std::size_t) {
        here<of_module_1>().add(0, std::uint64_t{1});
        here<of_module_2>().add(0, std::uint64_t{1});
    });
    const store& s = *store_of<of_module_1>();
    CHECK(blocks_of(s) == 1);
    CHECK(s.idle.load() == 1);
    CHECK(sum_of(s, 0) == 2);
    // In the other order, by a thread that adopts the block.
    in_threads(1, [](std::size_t) {
        here<of_module_2>().add(0, std::uint64_t{1});
        here<of_module_1>().add(0, std::uint64_t{1});
    });
    CHECK(blocks_of(s) == 1);
    CHECK(s.idle.load() == 1);
    CHECK(sum_of(s, 0) == 4);
}

static constexpr auto of_layout_1 = describe("of two layouts", 1);
static constexpr auto of_layout_2 = describe("of two layouts", 2);
static constexpr auto of_version_2 = describe("of two layouts", 2, "2.0");

TEST_CASE("one name with two layouts: two stores, one line, counted; another version is another identity") {
    const lines said;
    const std::uint64_t conflicts = process_root().conflicts.load();
    const store* first = store_of<of_layout_1>();
    CHECK(process_root().conflicts.load() == conflicts);
    CHECK(store_of<of_layout_2>() != first);
    CHECK(store_of<of_layout_2>() != first);
    CHECK(process_root().conflicts.load() == conflicts + 1);
    CHECK(lines::count == 1);
    CHECK(lines::last.find("\"of two layouts\"") != std::string::npos);
    store_of<of_version_2>();
    CHECK(process_root().conflicts.load() == conflicts + 1);
    CHECK(lines::count == 1);
}

static constexpr auto of_the_poor = describe("of the poor");

TEST_CASE("a thread that may have no memory of its own records into the fallback, exactly, and says so once") {
    const lines said;
    root& r = process_root();
    const std::uint64_t fallbacks = r.fallbacks.load();
    r.fallbacks.store(0);  // the line is for the first one
    r.thread_bytes.store(1);
    in_threads(8, [](std::size_t) {
        for (int i = 0; i < 1000; ++i) {
            const place p = here<of_the_poor>();
            p.add(0, std::uint64_t{1});
            p.add(1, 0.25);
        }
    });
    r.thread_bytes.store(0);
    const store& s = *store_of<of_the_poor>();
    CHECK(blocks_of(s) == 0);
    CHECK(s.fallback[0].load() == 8000);
    CHECK(s.fallback[1].load_double() == 2000);
    CHECK(r.fallbacks.load() == 8000);
    CHECK(lines::count == 1);
    CHECK(lines::last.find("\"of the poor\"") != std::string::npos);
    r.fallbacks.add_shared(fallbacks);

    here<of_the_poor>().add(0, std::uint64_t{1});  // with memory again
    CHECK(blocks_of(s) == 1);
    CHECK(sum_of(s, 0) == 8001);
}

static constexpr auto of_poor_crowds = describe("of poor crowds");

TEST_CASE("threads that race into the fallback say so once") {
    root& r = process_root();
    const std::uint64_t fallbacks = r.fallbacks.load();
    r.thread_bytes.store(1);
    for (int round = 0; round < 300; ++round) {
        const lines said;
        r.fallbacks.store(0);
        in_threads(8, [](std::size_t) { here<of_poor_crowds>().add(0, std::uint64_t{1}); });
        REQUIRE(lines::count == 1);
    }
    r.thread_bytes.store(0);
    r.fallbacks.store(fallbacks);
}

static constexpr auto of_chunks = describe("of chunks");

TEST_CASE("a thread's chunks count towards its bytes") {
    root& r = process_root();
    const place p = here<of_chunks>();
    block& b = *block::of(p.at);
    const std::uint64_t before = b.bytes.load();
    CHECK(before >= sizeof(block) + 3 * sizeof(cell));
    REQUIRE(grow_own(b, p.at[2], 0, 1));
    CHECK(b.bytes.load() == before + first_chunk * sizeof(cell));
    r.thread_bytes.store(b.bytes.load() + first_chunk * sizeof(cell) - 1);
    CHECK_FALSE(grow_own(b, p.at[1], 0, 1));
    r.thread_bytes.store(b.bytes.load() + first_chunk * sizeof(cell));
    CHECK(grow_own(b, p.at[1], 0, 1));
    r.thread_bytes.store(0);
}

static constexpr auto of_a_race = describe("of a race");

TEST_CASE("threads that race for the first of anything get the same one") {
    for (int round = 0; round < 50; ++round) {
        store& s = *store_of<of_a_race>();
        s.table_at(0).store(0);
        cell pointer{};
        std::vector<const void*> tables(8), chunks(8);
        in_threads(8, [&](std::size_t i) {
            tables[i] = table_of(s, 0, 10);
            chunks[i] = grow_shared(pointer, 0, 1);
        });
        REQUIRE(std::set<const void*>(tables.begin(), tables.end()).size() == 1);
        REQUIRE(std::set<const void*>(chunks.begin(), chunks.end()).size() == 1);
        free(const_cast<void*>(tables[0]));
        free(const_cast<void*>(chunks[0]));
    }
    store_of<of_a_race>()->table_at(0).store(0);
}

static constexpr auto of_a_hasty_crowd = describe("of a hasty crowd");

TEST_CASE("threads that race to make a store make one") {
    std::vector<const void*> stores(16);
    in_threads(16, [&](std::size_t i) { stores[i] = store_of<of_a_hasty_crowd>(); });
    CHECK(std::set<const void*>(stores.begin(), stores.end()).size() == 1);
    std::size_t same = 0;
    for (auto* s = process_root().stores.pointer_acquire<store>(); s; s = s->next)
        same += std::string_view(s->what->name) == "of a hasty crowd";
    CHECK(same == 1);
}
