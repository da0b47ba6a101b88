// The process root: the one place where all modules of a process meet.
//
// Symbol interposition does not give one (hidden visibility, RTLD_LOCAL and -Bsymbolic each leave every shared object with
// its own copy). So each module carries a hidden root, announced by an ELF note, and all of them use the first that
// the dynamic linker lists.
#pragma once

#include <cstddef>
#include <cstdint>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apm/config.hpp>
#include <apm/detail/cell.hpp>
#include <apm/detail/mutex.hpp>

namespace apm::inline APM_ABI::detail {

struct store;
struct observer;

struct root {
    std::uint64_t abi = APM_ABI_NUMBER;
    cell stores{};            // store*: push-only list
    cell thread_key{};        // pthread_key_t + 1; 0: none yet
    pthread_once_t forks = PTHREAD_ONCE_INIT;  // expect_forks(), before one of these is locked for the first time
    mutex registering;        // new stores and new keys; never held while foreign code runs
    mutex collecting;         // one collection at a time
    mutex observing;          // the list of observers
    pthread_cond_t observed = PTHREAD_COND_INITIALIZER;  // an observer's call ended
    observer* observers = nullptr;
    std::uint64_t passes = 0; // collections that ran observers
    cell started{};           // nanoseconds since the epoch: when counting began, here or in the parent's child
    cell thread_bytes{};      // the most bytes one thread may hold; 0: no limit
    cell handler{};           // void(*)(const char* line); 0: standard error
    cell disabled{};          // 1: switched off at run time
    cell runtimes{};          // 1: a runtime exports
    cell generation{};        // grows with every fork
    // Ticks, and what they are worth (clock.hpp).
    cell clock{};             // clock_source
    cell first_ticks{}, first_ns{};
    cell ns_per_tick{};       // a double
    cell refine_at{};         // in ticks
    cell manual_ticks{};
    // Rings of records (ring.hpp), and their reader.
    cell ring_bytes{};        // of one; 0: the default
    cell ring_limit{};        // of all; 0: the default
    cell ring_held{};
    cell gate{};              // 0: everything is recorded as usual; else see gate.hpp
    cell sampler{};           // rules by which it is decided what is recorded; the layer above has their type. 0: everything is
    cell tail_rules{};        // by which it is decided when a record has ended whether it is exported all the same; 0: it is not
    cell tail_sampled{};      // the records that were chosen so, for the reader: a list, the newest first
    cell tail_bytes{};        // of them, and of those that are not decided yet
    cell tail_unread{};       // of them, what the reader has not read
    cell propagators{};       // which headers are read and written, four bits for each; 0: the usual ones
    cell baggage_keys{};      // which keys of baggage may leave the process; 0: all
    cell wake{};              // a futex: grows whenever the reader should look
    mutex draining;           // one reader at a time
    cell timeline{};          // timeline*: the reader's way from ticks to the time of day
    cell drained{};           // records that the reader took
    cell undelivered{};       // of them, what a receiver failed to take
    cell unattached{};        // records that were dropped, for want of anything to count them in
    cell unended{};           // of them, those that another thread began
    cell spare{};             // idle objects that threads share
    // What the library counts about itself.
    cell blocks{};            // blocks allocated
    cell bytes{};             // bytes held by blocks, chunks and tables
    cell fallbacks{};         // records that went to a shared block for want of one of their own
    cell lost{};              // records that could not be kept at all
    cell errors{};            // lines reported
    cell collect_ns{};        // how long the last collection took
    cell conflicts{};         // stores, and families of an exposition, that clash with another of their name
};

static_assert(APM_ABI_NUMBER == 0, "apm: another layout; rename apm_*_v0 here, and say its number in the note");
// By names that our notes can say, in groups that every compiler calls by these names.
extern "C" {
[[APM_HIDDEN APM_IF_ENABLED(, gnu::used)]] inline constinit root apm_module_root_v0{};
// What the linker says where objects of two versions meet: each version has a root of its own, and all roots have this second
// name, which only one may have. (Modules may be of different versions: they do not see each other's.)
APM_IF_ENABLED([[APM_HIDDEN, gnu::alias("apm_module_root_v0")]] extern root
                   apm_error_objects_were_compiled_with_different_versions_of_apm;)
}

// Outside any group, so that it survives whichever copy of the code the linker keeps. Layout: elf(5), "Note Section".
APM_IF_ENABLED(asm(".pushsection .note.apm,\"a\",%note\n"
                   ".balign 4\n"
                   ".long 4\n"                       // size of the name
                   ".long 4\n"                       // size of the description
                   ".long 0\n"                       // type: APM_ABI_NUMBER
                   ".asciz \"apm\"\n"
                   ".long apm_module_root_v0 - .\n"  // description: the root, relative to this word
                   ".popsection");)

inline bool in_module(const dl_phdr_info& module, const void* address) {
    const auto at = reinterpret_cast<ElfW(Addr)>(address) - module.dlpi_addr;
    for (std::size_t i = 0; i < module.dlpi_phnum; ++i) {
        const auto& segment = module.dlpi_phdr[i];
        if (segment.p_type == PT_LOAD && at - segment.p_vaddr < segment.p_memsz) return true;
    }
    return false;
}

// Keeps this module loaded for good: its rows are read at every collection, its handlers run at every fork. Every module
// calls it before its other constructors. The first record would be too late: that may come from a thread which a
// constructor waits for, while dlopen() holds the lock that this needs.
extern "C" [[APM_HIDDEN APM_IF_ENABLED(, gnu::used)]] inline void apm_stay_loaded_v0() {
    const void* const here = &apm_module_root_v0;
    // The executable, which is listed first, stays anyway.
    const auto first_is = [](dl_phdr_info* module, std::size_t, void* at) { return in_module(*module, at) ? 1 : 2; };
    if (dl_iterate_phdr(first_is, const_cast<void*>(here)) == 1) return;
    Dl_info info;
    if (dladdr(here, &info) && info.dli_fname && *info.dli_fname) dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
}
APM_IF_ENABLED(asm(".pushsection .init_array.00101,\"awG\",%init_array,apm_constructor_v0,comdat\n"
                   ".dc.a apm_stay_loaded_v0\n"
                   ".popsection");)

// The root in the notes of one loaded module, or null.
inline root* root_in(const dl_phdr_info& module) {
    for (std::size_t i = 0; i < module.dlpi_phnum; ++i) {
        const auto& segment = module.dlpi_phdr[i];
        if (segment.p_type != PT_NOTE || segment.p_align > 4) continue;
        const char* at = reinterpret_cast<const char*>(module.dlpi_addr + segment.p_vaddr);
        const char* const end = at + segment.p_memsz;
        while (at + 12 <= end) {
            std::uint32_t head[3];  // name size, description size, type
            memcpy(head, at, sizeof head);
            const char* const name = at + 12;
            const char* const description = name + ((head[0] + 3u) & ~3u);
            if (head[0] == 4 && head[1] == 4 && head[2] == APM_ABI_NUMBER && description + 4 <= end &&
                memcmp(name, "apm", 4) == 0) {
                std::int32_t offset;
                memcpy(&offset, description, sizeof offset);
                return reinterpret_cast<root*>(const_cast<char*>(description) + offset);
            }
            at = description + ((head[1] + 3u) & ~3u);
        }
    }
    return nullptr;
}

[[APM_HIDDEN]] inline constinit cell elected{};  // root*: this module's answer, once found

APM_COLD inline root& elect() {
    root* found = nullptr;
    dl_iterate_phdr(
        [](dl_phdr_info* module, std::size_t, void* out) -> int {
            *static_cast<root**>(out) = root_in(*module);
            return *static_cast<root**>(out) != nullptr;
        },
        &found);
    if (!found) found = &apm_module_root_v0;
    elected.publish(found);
    return *found;
}

inline root& process_root() {
    if (root* r = elected.pointer_acquire<root>()) [[likely]] return *r;
    return elect();
}

// One line about something that went wrong; counted. printf's format. Control characters, which text from elsewhere may have, are
// not passed on to a terminal. Any thread.
[[gnu::format(printf, 1, 2)]] APM_COLD inline void report(const char* format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char* c = line; *c; ++c)
        if (*c == '\n' || *c == '\t') *c = ' ';
        else if (static_cast<unsigned char>(*c) < 0x20 || *c == 0x7f) *c = '?';
    root& r = process_root();
    r.errors.add_shared(std::uint64_t{1});
    if (auto* handler = r.handler.pointer_acquire<void(const char*)>()) return handler(line);
    char whole[520];
    const int size = snprintf(whole, sizeof whole, "apm: %s\n", line);
    [[maybe_unused]] const auto written = write(2, whole, static_cast<std::size_t>(size));
}

inline std::uint64_t realtime_ns() {
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}
inline std::uint64_t monotonic_ns() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(t.tv_nsec);
}

}  // namespace apm::inline APM_ABI::detail
