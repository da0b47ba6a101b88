// The plugin of loader_host.cpp; without apm, or with it.
#include <thread>

#ifdef RECORDS_HERE
#include "shared.hpp"
static void work() { odr::record_everywhere(10); }
#else
extern "C" void record_in_the_program();
static void work() { record_in_the_program(); }
#endif

static const int waited = (std::thread(work).join(), 0);
