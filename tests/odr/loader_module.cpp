// The plugin of loader_host.cpp; without apm.
#include <thread>

extern "C" void record_in_the_program();

static const int waited = (std::thread(record_in_the_program).join(), 0);
