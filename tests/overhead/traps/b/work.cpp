#include "../telemetry.hpp"

void traps::trace() { TRACE_SCOPE(telemetry.spans); }
