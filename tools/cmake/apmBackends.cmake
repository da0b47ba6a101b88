# The back ends and the libraries they need. Read by CMakeLists.txt, which builds them, and by the installed apmConfig.cmake, which
# finds what they link.

# apm_backend(<name> <help> [LINKS <target>...] [DEBIAN <package>...]): declares the option APM_BACKEND_<name>, which is ON by default
# if every target in LINKS exists, and compiles a chosen back end, include/apm/impl/<name in lower case>.ipp, into apm_runtime.
macro(apm_backend name help)
  cmake_parse_arguments(arg "" "" "LINKS;DEBIAN" ${ARGN})
  set(available ON)
  foreach(library IN LISTS arg_LINKS)
    if(NOT TARGET ${library})
      set(available OFF)
    endif()
  endforeach()
  option(APM_BACKEND_${name} "back end: ${help}" ${available})
  string(REPLACE ";" " " packages "${arg_DEBIAN}")
  if(APM_BACKEND_${name} AND NOT available)
    string(APPEND problem "APM_BACKEND_${name} is ON, but what it needs was not found"
                          " (Debian: apt-get install ${packages}).\n")
  elseif(APM_BACKEND_${name})
    list(APPEND apm_backends ${name})
    list(APPEND apm_backend_links ${arg_LINKS})
  elseif(NOT available)
    message(STATUS "apm: left out the back end ${name}: what it needs was not found (Debian: apt-get install ${packages})")
  endif()
endmacro()

# Creates apm::runtime: a static library of the runtime and the chosen back ends, compiled once. With APM_ENABLED=OFF there is nothing
# to compile or link. Sets in the caller's scope: apm_problem to what is missing, in words, or to nothing; apm_backends to the chosen
# ones; apm_backend_links to the targets that they link.
function(apm_add_runtime)
  set(problem "")
  set(apm_backends "")
  set(apm_backend_links "")
  list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_FUNCTION_LIST_DIR})   # FindLibMicrohttpd.cmake, FindProtozero.cmake
  find_package(Threads QUIET REQUIRED)
  foreach(package LibMicrohttpd ZLIB CURL Protozero)
    find_package(${package} QUIET)
  endforeach()
  apm_backend(FILE       "writes spans to files: OTLP/JSON lines, and Chrome's trace format")
  apm_backend(CONSOLE    "prints spans as trees")
  apm_backend(PROMETHEUS "serves /metrics to Prometheus"
              LINKS LibMicrohttpd::LibMicrohttpd ZLIB::ZLIB DEBIAN libmicrohttpd-dev zlib1g-dev)
  apm_backend(OTLP       "sends spans and metrics to a collector, by OTLP over HTTP"
              LINKS CURL::libcurl Protozero::Protozero ZLIB::ZLIB
              DEBIAN libcurl4-openssl-dev libprotozero-dev zlib1g-dev)
  list(REMOVE_DUPLICATES apm_backend_links)

  if(NOT APM_ENABLED)
    add_library(apm_runtime INTERFACE)
    target_link_libraries(apm_runtime INTERFACE apm)
  else()
    set(sources)
    foreach(unit runtime ${apm_backends})
      string(TOLOWER ${unit} unit)
      set(source ${CMAKE_CURRENT_BINARY_DIR}/apm-runtime/${unit}.cpp)
      file(CONFIGURE OUTPUT ${source} CONTENT "#include <apm/impl/@unit@.ipp>\n" @ONLY)
      list(APPEND sources ${source})
    endforeach()
    add_library(apm_runtime STATIC ${sources})
    set_target_properties(apm_runtime PROPERTIES OUTPUT_NAME apm-runtime POSITION_INDEPENDENT_CODE ON CXX_EXTENSIONS OFF)
    foreach(name IN LISTS apm_backends)
      target_compile_definitions(apm_runtime PRIVATE APM_BACKEND_${name}=1)
    endforeach()
    # -O3 takes a quarter longer, for code that waits for the network.
    target_compile_options(apm_runtime PRIVATE $<$<CONFIG:Release>:-O2>)
    target_link_libraries(apm_runtime PUBLIC apm Threads::Threads ${CMAKE_DL_LIBS} ${apm_backend_links})
  endif()
  add_library(apm::runtime ALIAS apm_runtime)
  set_target_properties(apm_runtime PROPERTIES EXPORT_NAME runtime)
  set(apm_problem "${problem}" PARENT_SCOPE)
  set(apm_backends "${apm_backends}" PARENT_SCOPE)
  set(apm_backend_links "${apm_backend_links}" PARENT_SCOPE)
endfunction()

# Creates apm::prometheus_cpp, where prometheus-cpp is found: a bridge for programs that use it today, in headers, for them alone.
# GLOBAL makes it visible to a parent project.
function(apm_add_prometheus_cpp result)
  set(problem "")
  find_package(prometheus-cpp QUIET)
  option(APM_WITH_PROMETHEUS_CPP "bridge to prometheus-cpp, as apm::prometheus_cpp" ${prometheus-cpp_FOUND})
  if(APM_WITH_PROMETHEUS_CPP AND NOT prometheus-cpp_FOUND)
    set(problem "APM_WITH_PROMETHEUS_CPP is ON, but prometheus-cpp was not found (Debian: apt-get install prometheus-cpp-dev).\n")
  elseif(APM_WITH_PROMETHEUS_CPP)
    add_library(apm::prometheus_cpp INTERFACE IMPORTED ${ARGN})
    target_link_libraries(apm::prometheus_cpp INTERFACE
      apm::runtime prometheus-cpp::core prometheus-cpp::pull prometheus-cpp::push)
  endif()
  set(${result} "${problem}" PARENT_SCOPE)
endfunction()
