// A shared object that records: as WHO, once per call, in the caller's thread and in one of its own.
#include <thread>

#include "schema.hpp"

static void record() {
    odr::telemetry.calls.add(1, {.who = odr::Who::WHO});
    odr::telemetry.words.add(1, {.who = odr::Who::WHO, .word = "hello"});
}

extern "C" [[gnu::visibility("default")]] void WORK() {
    record();
    std::thread(record).join();
}
