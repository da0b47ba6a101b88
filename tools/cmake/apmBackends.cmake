# The back ends and the libraries they need. Read by CMakeLists.txt and by the installed apmConfig.cmake alike, so that
# add_subdirectory and find_package offer the same options: back ends are headers, and the program's own build chooses.

# apm_backend(<name> <help> [LINKS <target>...] [DEBIAN <package>...]): declares the option APM_BACKEND_<name>, which is
# ON by default if every target in LINKS exists, and adds a chosen back end to apm::runtime.
macro(apm_backend name help)
  cmake_parse_arguments(arg "" "" "LINKS;DEBIAN" ${ARGN})
  set(available ON)
  foreach(library IN LISTS arg_LINKS)
    if(NOT TARGET ${library})
      set(available OFF)
    endif()
  endforeach()
  option(APM_BACKEND_${name} "back end: ${help}" ${available})
  if(APM_BACKEND_${name} AND NOT available)
    string(REPLACE ";" " " packages "${arg_DEBIAN}")
    string(APPEND problem "APM_BACKEND_${name} is ON, but what it needs was not found"
                          " (Debian: apt-get install ${packages}).\n")
  elseif(APM_BACKEND_${name})
    target_compile_definitions(apm::runtime INTERFACE APM_BACKEND_${name}=1)
    target_link_libraries(apm::runtime INTERFACE ${arg_LINKS})
  elseif(NOT available AND NOT apm_FIND_QUIETLY)
    string(REPLACE ";" " " packages "${arg_DEBIAN}")
    message(STATUS "apm: left out the back end ${name}: what it needs was not found (Debian: apt-get install ${packages})")
  endif()
endmacro()

# Creates apm::runtime, for a file that includes <apm/runtime.hpp>, and apm::prometheus_cpp, if that is wanted.
# <result> is set to what is missing, in words, or to nothing. GLOBAL makes the targets visible to a parent project.
function(apm_add_runtime result)
  set(problem "")
  list(PREPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_FUNCTION_LIST_DIR})   # FindCivetWeb.cmake, FindProtozero.cmake
  find_package(Threads QUIET REQUIRED)
  find_package(CivetWeb QUIET)
  find_package(ZLIB QUIET)
  find_package(CURL QUIET)
  find_package(Protozero QUIET)
  add_library(apm::runtime INTERFACE IMPORTED ${ARGN})
  target_link_libraries(apm::runtime INTERFACE apm::apm Threads::Threads ${CMAKE_DL_LIBS})

  apm_backend(MEMORY     "keeps what it is given, for tests")
  apm_backend(FILE       "writes spans to files: OTLP/JSON lines, and Chrome's trace format")
  apm_backend(CONSOLE    "prints spans as trees")
  apm_backend(PROMETHEUS "serves /metrics to Prometheus"
              LINKS CivetWeb::CivetWeb ZLIB::ZLIB DEBIAN libcivetweb-dev zlib1g-dev)
  apm_backend(OTLP       "sends spans and metrics to a collector, by OTLP over HTTP"
              LINKS CURL::libcurl Protozero::Protozero ZLIB::ZLIB
              DEBIAN libcurl4-openssl-dev libprotozero-dev zlib1g-dev)

  # Not a back end but a bridge to programs that use prometheus-cpp today: a target of its own, for them alone.
  find_package(prometheus-cpp QUIET)
  option(APM_WITH_PROMETHEUS_CPP "bridge to prometheus-cpp, as apm::prometheus_cpp" ${prometheus-cpp_FOUND})
  if(APM_WITH_PROMETHEUS_CPP AND NOT prometheus-cpp_FOUND)
    string(APPEND problem "APM_WITH_PROMETHEUS_CPP is ON, but prometheus-cpp was not found"
                          " (Debian: apt-get install prometheus-cpp-dev).\n")
  elseif(APM_WITH_PROMETHEUS_CPP)
    add_library(apm::prometheus_cpp INTERFACE IMPORTED ${ARGN})
    target_compile_definitions(apm::prometheus_cpp INTERFACE APM_WITH_PROMETHEUS_CPP=1)
    target_link_libraries(apm::prometheus_cpp INTERFACE
      apm::runtime prometheus-cpp::core prometheus-cpp::pull prometheus-cpp::push)
  endif()
  set(${result} "${problem}" PARENT_SCOPE)
endfunction()
