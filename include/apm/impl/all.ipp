// All that CMake compiles into the library behind apm::runtime, for a program that is built without CMake: include this in one
// file, compiled with -DAPM_BACKEND_<NAME>=1 for each back end that it wants, and link what these need:
//
//     -DAPM_BACKEND_FILE=1 -DAPM_BACKEND_CONSOLE=1     nothing
//     -DAPM_BACKEND_PROMETHEUS=1                       -lmicrohttpd -lz
//     -DAPM_BACKEND_OTLP=1                             -lcurl -lz, and protozero's headers
#include <apm/impl/runtime.ipp>
#if APM_BACKEND_OTLP
#include <apm/impl/otlp.ipp>
#endif
#if APM_BACKEND_PROMETHEUS
#include <apm/impl/prometheus.ipp>
#endif
#if APM_BACKEND_FILE
#include <apm/impl/file.ipp>
#endif
#if APM_BACKEND_CONSOLE
#include <apm/impl/console.ipp>
#endif
