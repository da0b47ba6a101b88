#pragma once

#include <apm/config.hpp>
#include <apm/schema.hpp>

#define APM(...) static_cast<void>(0)
#define APM_TIME(...) static_cast<void>(0)
#define APM_TRACE_SCOPE(...) static_cast<void>(0)
#define APM_TRACE_FUNCTION() static_cast<void>(0)

#ifndef APM_NO_SHORT_NAMES
#define TRACE_SCOPE(...) static_cast<void>(0)
#define TRACE_FUNCTION() static_cast<void>(0)
#endif
