# apm_add_overhead_check: what does the instrumentation of your targets cost, and is it nothing when it is compiled out?
#
#   enable_testing()
#   find_package(apm REQUIRED)
#   find_package(benchmark REQUIRED)
#   ...
#   apm_add_overhead_check(overhead TARGETS shop BENCHMARK shop_bench BUDGET 50 check_out=120)
#
#   apm_add_overhead_check(<name>
#     [TARGETS <target>...]          libraries, or executables, with instrumented sources
#     [BENCHMARK <target>]           an executable of yours with Google Benchmark that uses them
#     [BUDGET [<n>] [<case>=<n>...]] instructions an iteration that "on" may cost more than "off": of every case, of one. A case is
#                                    called as the benchmark prints it
#     [WRAPPER_MACROS <macro>...]    yours around apm's: nothing, too, with APM off
#     [BASELINE <report.json>]       of an earlier run: what grew since then fails, beyond
#     [TOLERANCE_PERCENT <n>]        2 % of what it was, or
#     [TOLERANCE_INSTRUCTIONS <n>]   2 instructions, whichever is more
#     [TIMING_ROUNDS <n>])           7; times are reported and never judged
#
# adds two tests: <name>.build, which builds the variants (nothing else does), and <name>, which fails
#   - where a macro leaves something in an object file with APM off: each source of the targets and of the benchmark is compiled as
#     it is, and without its macros and apm's headers. Where it uses apm by more than macros, the test says what remains;
#   - where a case is over its budget, or grew since the baseline: instructions are counted by valgrind, which has to be installed
#     where there is a budget or a baseline.
# It leaves report.txt, report.json, report.md and report.svg in <build>/<name>.overhead/.
#
# The variants are optimized even where the build is not; link time optimization is left out of them. Sources that a generator
# expression names are left out. Macros are taken out of sources, not of headers. For Ninja and Makefiles, single configuration.
#
# Instructions are those of the third time that a case runs, a hundred turns, rings of spans empty before each. A loop that is
# timed and has no runtime soon fills them, and what it times is then a span that is dropped.

# The tool and what belongs to it: one directory up in the sources, beside this file where apm is installed.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH apm_overhead_home)
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/overhead)
  set(apm_overhead_home ${CMAKE_CURRENT_LIST_DIR})
endif()
set_property(GLOBAL PROPERTY apm_overhead_home ${apm_overhead_home})

# What makes the object files of a target: its variants have it too.
set_property(GLOBAL PROPERTY apm_overhead_copied
  COMPILE_DEFINITIONS COMPILE_OPTIONS COMPILE_FEATURES INCLUDE_DIRECTORIES LINK_LIBRARIES CXX_STANDARD CXX_STANDARD_REQUIRED
  CXX_EXTENSIONS CXX_VISIBILITY_PRESET VISIBILITY_INLINES_HIDDEN POSITION_INDEPENDENT_CODE CXX_COMPILER_LAUNCHER PRECOMPILE_HEADERS)

function(apm_add_overhead_check name)
  cmake_parse_arguments(PARSE_ARGV 1 arg ""
    "BENCHMARK;BASELINE;TOLERANCE_PERCENT;TOLERANCE_INSTRUCTIONS;TIMING_ROUNDS" "TARGETS;BUDGET;WRAPPER_MACROS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "apm_add_overhead_check(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_TARGETS AND NOT arg_BENCHMARK)
    message(FATAL_ERROR "apm_add_overhead_check(${name}): give TARGETS, a BENCHMARK, or both")
  endif()
  foreach(target IN LISTS arg_TARGETS arg_BENCHMARK)
    if(NOT TARGET ${target})
      message(FATAL_ERROR "apm_add_overhead_check(${name}): there is no target ${target} (yet)")
    endif()
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
      message(FATAL_ERROR "apm_add_overhead_check(${name}): ${target} has no sources; name the targets that use it")
    endif()
  endforeach()
  foreach(number TOLERANCE_PERCENT TOLERANCE_INSTRUCTIONS TIMING_ROUNDS)
    if(DEFINED arg_${number} AND NOT arg_${number} MATCHES "^[0-9]+([.][0-9]+)?$")
      message(FATAL_ERROR "apm_add_overhead_check(${name}): ${number} is not a number: ${arg_${number}}")
    endif()
  endforeach()
  if(NOT DEFINED arg_TOLERANCE_PERCENT)
    set(arg_TOLERANCE_PERCENT 2)
  endif()
  if(NOT DEFINED arg_TOLERANCE_INSTRUCTIONS)
    set(arg_TOLERANCE_INSTRUCTIONS 2)
  endif()
  if(NOT DEFINED arg_TIMING_ROUNDS)
    set(arg_TIMING_ROUNDS 7)
  endif()
  find_package(Python3 3.9 QUIET COMPONENTS Interpreter)
  set(skipped "")
  if(DEFINED APM_ENABLED AND NOT APM_ENABLED)
    set(skipped "this build has APM_ENABLED=OFF, and there is nothing to compare it with")
  elseif("${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize")
    set(skipped "a build with sanitizers says nothing about what ships")
  elseif(NOT CMAKE_GENERATOR MATCHES "Ninja|Makefiles" OR CMAKE_CONFIGURATION_TYPES)
    set(skipped "the generator ${CMAKE_GENERATOR} writes no compile_commands.json")
  elseif(NOT Python3_FOUND)
    set(skipped "there is no Python 3.9")
  endif()
  if(skipped)
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${skipped}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped:")
    return()
  endif()
  apm_overhead_variants()

  set(directory ${CMAKE_CURRENT_BINARY_DIR}/${name}.overhead)
  get_property(home GLOBAL PROPERTY apm_overhead_home)
  foreach(one WRAPPER_MACROS BUDGET)                                 # as JSON
    list(TRANSFORM arg_${one} REPLACE "^.+$" "\"\\0\"")
    list(JOIN arg_${one} ", " arg_${one})
  endforeach()
  if(arg_BASELINE)
    cmake_path(ABSOLUTE_PATH arg_BASELINE BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  list(JOIN programs ",\n    " programs)
  list(JOIN marks "\", \"" marks)
  file(GENERATE OUTPUT ${directory}/check.json CONTENT
"{
  \"name\": \"${name}\",
  \"compile_commands\": \"${CMAKE_BINARY_DIR}/compile_commands.json\",
  \"off\": [\"${marks}\"],
  \"absent\": \"${home}/lib/absent\",
  \"macros\": [${arg_WRAPPER_MACROS}],
  \"programs\": {
    ${programs}
  },
  \"callgrind_h\": \"$<$<BOOL:${APM_VALGRIND_INCLUDE_DIR}>:yes>\",
  \"count_with\": \"${count_with}\",
  \"budget\": [${arg_BUDGET}],
  \"baseline\": \"${arg_BASELINE}\",
  \"tolerance\": [${arg_TOLERANCE_PERCENT}, ${arg_TOLERANCE_INSTRUCTIONS}],
  \"rounds\": ${arg_TIMING_ROUNDS},
  \"compiler\": \"${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\"
}
")
  add_test(NAME ${name}.build COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target ${name}.variants)
  set_tests_properties(${name}.build PROPERTIES FIXTURES_SETUP ${name}.variants RESOURCE_LOCK apm_overhead_build PROCESSORS 2)
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${home}/overhead ${directory}/check.json --text ${directory}/report.txt
    --json ${directory}/report.json --markdown ${directory}/report.md --svg ${directory}/report.svg)
  set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED ${name}.variants SKIP_RETURN_CODE 77 PROCESSORS 2)
endfunction()

# Sets in its caller: marks, the directories of object files that are compiled with APM off; programs, as JSON; count_with, an
# option by which Google Benchmark does a given number of iterations.
macro(apm_overhead_variants)
  set(marks "")
  set(programs "")
  set(count_with "")
  set(linked "")            # targets whose objects make the programs
  set(libraries "")
  add_custom_target(${name}.variants)
  foreach(target IN LISTS arg_BENCHMARK arg_TARGETS)
    get_target_property(real ${target} ALIASED_TARGET)
    if(NOT real)
      set(real ${target})
    endif()
    if(TARGET ${name}.off.${real})                                    # named twice, once by an alias
      continue()
    endif()
    get_target_property(type ${real} TYPE)
    set(modes off)
    if(arg_BENCHMARK AND (real STREQUAL arg_BENCHMARK OR NOT type STREQUAL "EXECUTABLE"))   # another main has no place in it
      set(modes on off)
      list(APPEND linked ${real})
    endif()
    foreach(mode IN LISTS modes)
      apm_overhead_objects(${name}.${mode}.${real} ${real} ${mode})
    endforeach()
    list(APPEND marks ${name}.off.${real})
  endforeach()
  if(arg_BENCHMARK)
    apm_overhead_programs()
  endif()
endmacro()

# A target's sources once more, as an object library in one mode.
function(apm_overhead_objects objects target mode)
  get_target_property(directory ${target} SOURCE_DIR)
  get_target_property(all ${target} SOURCES)
  set(sources "")
  foreach(source IN LISTS all)
    if(source MATCHES "\\.(cpp|cc|cxx|c\\+\\+|C)$" AND NOT source MATCHES "\\$<")
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${directory} NORMALIZE)
      list(APPEND sources ${source})
      foreach(property COMPILE_DEFINITIONS COMPILE_OPTIONS COMPILE_FLAGS INCLUDE_DIRECTORIES)   # known in its own directory only
        get_source_file_property(value ${source} TARGET_DIRECTORY ${target} ${property})
        if(value)
          set_source_files_properties(${source} PROPERTIES ${property} "${value}")
        endif()
      endforeach()
    elseif(source MATCHES "\\$<" AND NOT source MATCHES "TARGET_OBJECTS")
      message(WARNING "apm_add_overhead_check: ${source} of ${target} is not looked at: a generator expression names it")
    endif()
  endforeach()
  add_library(${objects} OBJECT EXCLUDE_FROM_ALL ${sources})
  get_property(copied GLOBAL PROPERTY apm_overhead_copied)
  foreach(property IN LISTS copied)
    get_target_property(value ${target} ${property})
    if(NOT value STREQUAL "value-NOTFOUND")
      set_property(TARGET ${objects} PROPERTY ${property} "${value}")
    endif()
  endforeach()
  set_target_properties(${objects} PROPERTIES
    EXPORT_COMPILE_COMMANDS ON INTERPROCEDURAL_OPTIMIZATION OFF UNITY_BUILD OFF OPTIMIZE_DEPENDENCIES ON)
  # Valgrind reads clang's DWARF 5 only from 3.20 on.
  target_compile_options(${objects} PRIVATE -fno-lto -gdwarf-4 $<$<OR:$<CONFIG:>,$<CONFIG:Debug>>:-O2>)
  if(mode STREQUAL "off")
    target_compile_definitions(${objects} PRIVATE APM_ENABLED=0)
  endif()
  get_target_property(needed ${target} MANUALLY_ADDED_DEPENDENCIES)       # what generates its headers
  if(needed)
    add_dependencies(${objects} ${needed})
  endif()
endfunction()

# on, off, and everything on but one file: what differs from "on" is what that file costs.
macro(apm_overhead_programs)
  get_property(home GLOBAL PROPERTY apm_overhead_home)
  set(on "")
  set(off "")
  set(link_options "")
  foreach(target IN LISTS linked)
    get_target_property(links ${target} LINK_LIBRARIES)
    foreach(library IN LISTS links)
      set(real ${library})
      if(TARGET ${library})
        get_target_property(real ${library} ALIASED_TARGET)
      endif()
      if(library AND NOT library IN_LIST linked AND NOT real IN_LIST linked)
        list(APPEND libraries ${library})
      endif()
    endforeach()
    get_target_property(flags ${target} LINK_OPTIONS)
    if(flags)
      list(APPEND link_options ${flags})
    endif()
    list(APPEND on $<TARGET_OBJECTS:${name}.on.${target}>)
    list(APPEND off $<TARGET_OBJECTS:${name}.off.${target}>)
  endforeach()
  if(NOT TARGET benchmark::benchmark)
    find_package(benchmark QUIET)
  endif()
  if(NOT TARGET benchmark::benchmark)
    message(FATAL_ERROR "apm_add_overhead_check(${name}): there is no target benchmark::benchmark; find_package(benchmark) first")
  endif()
  find_path(APM_VALGRIND_INCLUDE_DIR valgrind/callgrind.h)
  mark_as_advanced(APM_VALGRIND_INCLUDE_DIR)
  list(REMOVE_DUPLICATES libraries)
  foreach(mode on off)
    set(probe ${name}.${mode}.probe)
    add_library(${probe} OBJECT EXCLUDE_FROM_ALL ${home}/lib/overhead_probe.cpp)
    target_compile_features(${probe} PRIVATE cxx_std_20)
    target_compile_options(${probe} PRIVATE -fno-lto -gdwarf-4)
    target_link_libraries(${probe} PRIVATE apm::apm benchmark::benchmark)
    target_include_directories(${probe} PRIVATE $<$<BOOL:${APM_VALGRIND_INCLUDE_DIR}>:${APM_VALGRIND_INCLUDE_DIR}>)
    target_compile_definitions(${probe} PRIVATE $<$<STREQUAL:${mode},off>:APM_ENABLED=0>)
    if(DEFINED benchmark_VERSION AND benchmark_VERSION VERSION_LESS 1.8)    # one that was fetched is newer
      target_compile_definitions(${probe} PRIVATE APM_OVERHEAD_SETS_ITERATIONS)
    else()
      set(count_with --benchmark_min_time=100x)
    endif()
  endforeach()
  apm_overhead_program(on  ${name}.on  "${on}" on)
  apm_overhead_program(off ${name}.off "${off}" off)
  set(index 0)
  foreach(target IN LISTS linked)
    get_target_property(sources ${name}.on.${target} SOURCES)
    foreach(source IN LISTS sources)
      # Its object file lies below the target's directory where the source lies below ours; else by its whole path.
      cmake_path(RELATIVE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} OUTPUT_VARIABLE file)
      if(file MATCHES "^[.][.]/")
        string(REGEX REPLACE "^([.][.]/)+" "" file ${file})
        string(REGEX REPLACE "([].+*?|(){}^$[])" "[\\1]" pattern ${file})
        string(PREPEND pattern "(.*/)?")
      else()
        string(REGEX REPLACE "([].+*?|(){}^$[])" "[\\1]" pattern ${file})
      endif()
      math(EXPR index "${index} + 1")
      set(objects
        "$<FILTER:${on},EXCLUDE,/${name}[.]on[.]${target}[.]dir/([.]/)?${pattern}[.]o>"
        "$<FILTER:$<TARGET_OBJECTS:${name}.off.${target}>,INCLUDE,/${name}[.]off[.]${target}[.]dir/([.]/)?${pattern}[.]o>")
      if(NOT target STREQUAL arg_BENCHMARK)
        apm_overhead_program("without ${file}" ${name}.without.${index} "${objects}" on)
      endif()
    endforeach()
  endforeach()
endmacro()

macro(apm_overhead_program title target objects mode)
  # The probe's wrappers stand between the benchmark and its library.
  add_executable(${target} EXCLUDE_FROM_ALL ${objects} $<TARGET_OBJECTS:${name}.${mode}.probe>)
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX INTERPROCEDURAL_OPTIMIZATION OFF
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${name}.overhead)
  target_link_libraries(${target} PRIVATE ${libraries})
  target_link_options(${target} PRIVATE ${link_options})
  set(wrapped 5State16StartKeepRunningEv 5State17FinishKeepRunningEv 5State11PauseTimingEv 5State12ResumeTimingEv)
  if(NOT count_with)
    list(APPEND wrapped 8internal9Benchmark10IterationsEl 8internal9Benchmark7MinTimeEd 8internal9Benchmark13MinWarmUpTimeEd
                        8internal25RegisterBenchmarkInternalEPNS0_9BenchmarkE)
  endif()
  list(TRANSFORM wrapped PREPEND LINKER:--wrap=_ZN9benchmark)
  target_link_options(${target} PRIVATE ${wrapped})
  add_dependencies(${name}.variants ${target})
  list(APPEND programs "\"${title}\": \"$<TARGET_FILE:${target}>\"")
endmacro()
