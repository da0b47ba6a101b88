#include <apm/detail/root.hpp>

#include <atomic>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "catch.hpp"
#include "threads.hpp"

namespace {

using namespace apm::detail;

std::string last_line;

void keep(const char* line) { last_line = line; }

// What f writes to file descriptor 2.
template <class F>
std::string written_to_stderr(F&& f) {
    int pipes[2];
    REQUIRE(pipe(pipes) == 0);
    const int before = dup(2);
    dup2(pipes[1], 2);
    f();
    dup2(before, 2);
    close(before), close(pipes[1]);
    char text[2048];
    const ssize_t n = read(pipes[0], text, sizeof text);
    close(pipes[0]);
    return {text, static_cast<std::size_t>(n < 0 ? 0 : n)};
}

}  // namespace

TEST_CASE("the root is found in this module's notes") {
    root* found = nullptr;
    dl_iterate_phdr(
        [](dl_phdr_info* module, std::size_t, void* out) -> int {
            *static_cast<root**>(out) = root_in(*module);
            return *static_cast<root**>(out) != nullptr;
        },
        &found);
    CHECK(found == &apm_module_root_v0);
    CHECK(&process_root() == &apm_module_root_v0);
    CHECK(process_root().abi == APM_ABI_NUMBER);
}

TEST_CASE("every thread gets the same root, even when all ask first") {
    for (int round = 0; round < 100; ++round) {
        elected.store(0);
        std::atomic<std::size_t> others{0};
        in_threads(8, [&](std::size_t) { others += &process_root() != &apm_module_root_v0; });
        REQUIRE(others == 0);
    }
}

TEST_CASE("notes of others, malformed and cut off, are passed over") {
    struct note {
        std::uint32_t name_size, size, type;
        char name[4];
        std::int32_t offset;
    };
    alignas(4) note notes[3] = {{4, 4, 1, {'G', 'N', 'U', 0}, 0},
                                {4, 4, APM_ABI_NUMBER + 1, {'a', 'p', 'm', 0}, 0},   // another ABI
                                {4, 4, APM_ABI_NUMBER, {'a', 'p', 'm', 0}, 0}};
    ElfW(Phdr) segment{};
    segment.p_type = PT_NOTE;
    segment.p_align = 4;
    segment.p_vaddr = reinterpret_cast<ElfW(Addr)>(notes);
    segment.p_memsz = sizeof notes;
    dl_phdr_info module{};
    module.dlpi_phdr = &segment;
    module.dlpi_phnum = 1;
    notes[2].offset = 8;  // relative to the word itself
    CHECK(root_in(module) == reinterpret_cast<root*>(reinterpret_cast<char*>(&notes[2].offset) + 8));

    segment.p_memsz = sizeof(note) * 2;
    CHECK(root_in(module) == nullptr);
    for (std::size_t cut = 1; cut < sizeof(note); ++cut) {
        segment.p_memsz = sizeof notes - cut;
        CHECK(root_in(module) == nullptr);
    }
    segment.p_memsz = sizeof notes;
    segment.p_type = PT_LOAD;
    CHECK(root_in(module) == nullptr);
    segment.p_type = PT_NOTE;
    segment.p_align = 8;  // the linker's own kind, padded differently
    CHECK(root_in(module) == nullptr);
}

TEST_CASE("a report is one line, counted, for the handler if there is one") {
    root& r = process_root();
    const std::uint64_t before = r.errors.load();
    r.handler.publish(reinterpret_cast<const void*>(&keep));
    report("%s has %d", "it", 7);
    r.handler.publish(nullptr);
    CHECK(last_line == "it has 7");
    CHECK(r.errors.load() == before + 1);
    CHECK(written_to_stderr([] { report("to %s", "stderr"); }) == "apm: to stderr\n");
    CHECK(r.errors.load() == before + 2);
}

TEST_CASE("a report has no control characters, whatever text from elsewhere is in it") {
    CHECK(written_to_stderr([] { report("%s", "a\x1b[31m\x07\rb\nc\td\x7f \xc3\xa4"); }) == "apm: a?[31m??b c d? \xc3\xa4\n");
}

TEST_CASE("a report that is too long is cut, still one line") {
    const std::string line = written_to_stderr([] { report("%s", std::string(5000, 'x').c_str()); });
    CHECK(line == "apm: " + std::string(511, 'x') + "\n");
}

TEST_CASE("clocks are what they are called") {
    const std::uint64_t real = realtime_ns();
    CHECK(real > 1'600'000'000'000'000'000u);  // after September 2020
    CHECK(real < 10'000'000'000'000'000'000u);
    const std::uint64_t first = monotonic_ns(), second = monotonic_ns();
    CHECK(second >= first);
    CHECK(second - first < 1'000'000'000u);
}
