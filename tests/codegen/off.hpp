// For fixtures that are compiled with APM off, and with the instrumentation absent: the same files, the same lines, but what is
// in PLAIN() is not there, no header of ours is read, and our macros expand to nothing. The two object files must be equal, byte
// for byte. Each construct has a function of its own, no two of which a compiler may find to be the same; the comment above it
// says how the table in bench/README.md calls it.
#pragma once

#ifndef ABSENT
#include "schema.hpp"
using codegen::telemetry, codegen::Method, codegen::Outcome;
#ifdef MACROS_ONLY  // without an optimizer
#define PLAIN(...)
#else
#define PLAIN(...) __VA_ARGS__
#endif
#else
#define PLAIN(...)
#define APM(...) static_cast<void>(0)
#define APM_TIME(...) static_cast<void>(0)
#define TRACE_SCOPE(...) static_cast<void>(0)
#define TRACE_FUNCTION() static_cast<void>(0)
#define APM_TRACE_SCOPE(...) static_cast<void>(0)
#define APM_TRACE_FUNCTION() static_cast<void>(0)
#define APM_IF_ENABLED(...)
#endif

int step(int);
double price(int);
