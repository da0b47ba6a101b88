// Stands for apm's headers where tools/overhead compiles a file as if it had never been instrumented: what a schema needs to be
// declared, macros that are nothing, and no way to record. A file that does not compile with it uses more than macros.
#pragma once

#include <apm/config.hpp>
#include <apm/macros.hpp>
#include <apm/schema.hpp>
