// The one place that decides what is compiled in.
//
// Row types are the same in both modes; only `mode`, a default template argument of every recording function, differs.
// So one schema header may be included by files of both kinds in one program, with one store and one layout.
#pragma once

#if __cplusplus < 202002L
#error "apm: needs C++20 (-std=c++20)"
#endif
#if !defined(__linux__) || !defined(__LP64__)
#error "apm: this version is for 64-bit Linux"
#endif

// 1: record (default). 0: keep every compile-time check and emit nothing. For the whole build: CMake's APM_ENABLED option.
// For one file: -DAPM_ENABLED=0, like NDEBUG for assert; an inline function of a header that files of both kinds include has the
// mode of the copy that the linker keeps.
#ifndef APM_ENABLED
#define APM_ENABLED 1
#endif

// Spans of a higher level (apm::level<N> in their row) are not compiled in; for a build, or for one file.
#ifndef APM_TRACE_LEVEL
#define APM_TRACE_LEVEL 255
#endif

// The version of the layout that modules of one process share. Another layout is another namespace, never a mix: objects of two
// versions do not link (detail/root.hpp); modules of two do not see each other's telemetry.
#define APM_ABI v0
#define APM_ABI_NUMBER 0

#if APM_ENABLED
#define APM_MODE ::apm::mode::on
#define APM_IF_ENABLED(...) __VA_ARGS__
#define APM_IF_DISABLED(...)
#else
#define APM_MODE ::apm::mode::off
#define APM_IF_ENABLED(...)
#define APM_IF_DISABLED(...) __VA_ARGS__
#endif

#define APM_VERSION "0.1.0"

// Hot functions are inlined into their caller: a call would cost time, and with APM off a stray out-of-line copy would leave
// something in the object file.
#define APM_INLINE [[gnu::always_inline]] inline
#define APM_LAMBDA_INLINE __attribute__((always_inline))  // the one spelling both compilers take behind a lambda's parameters
// Cold functions stay out of the caller, so that the hot side spills no register for them.
#define APM_COLD [[gnu::cold, gnu::noinline, gnu::visibility("hidden")]]
// A function that has to clean up when something throws: it has another name in a file that is compiled without exceptions. The
// linker keeps one copy of an inline function, and a copy without clean-up must not serve code that needs it.
#if defined(__cpp_exceptions)
#define APM_CLEANS_UP
#else
#define APM_CLEANS_UP [[gnu::abi_tag("no_exceptions")]]
#endif
// One per module (executable or shared object), whatever the visibility flags of the build.
#define APM_HIDDEN gnu::visibility("hidden")
// How thread_locals are reached. `initial-exec` is one load; on glibc it lives in a reserve that some 100 dlopen'ed schemas
// exhaust, half as many where they trace. A program of that kind defines APM_TLS_MODEL as "global-dynamic" everywhere and pays a
// call for it.
#ifndef APM_TLS_MODEL
#define APM_TLS_MODEL "initial-exec"
#endif

namespace apm::inline APM_ABI {

enum class mode : bool { off, on };

}  // namespace apm::inline APM_ABI
