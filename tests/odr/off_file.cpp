// A file of the program that is compiled with -DAPM_ENABLED=0: records nothing, and agrees with the others on every type.
#include "schema.hpp"
static_assert(!APM_ENABLED);
void record_in_a_file_that_is_off() { odr::telemetry.calls.add(1, {.who = odr::Who::program}); }
