# Finds protozero, a library of headers that comes without a CMake package, as Protozero::Protozero.
find_path(PROTOZERO_INCLUDE_DIR protozero/pbf_writer.hpp)
mark_as_advanced(PROTOZERO_INCLUDE_DIR)

if(PROTOZERO_INCLUDE_DIR)
  file(STRINGS ${PROTOZERO_INCLUDE_DIR}/protozero/version.hpp Protozero_VERSION REGEX "^#define PROTOZERO_VERSION_STRING ")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" Protozero_VERSION "${Protozero_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Protozero REQUIRED_VARS PROTOZERO_INCLUDE_DIR VERSION_VAR Protozero_VERSION)

if(Protozero_FOUND AND NOT TARGET Protozero::Protozero)
  add_library(Protozero::Protozero INTERFACE IMPORTED)
  set_target_properties(Protozero::Protozero PROPERTIES INTERFACE_INCLUDE_DIRECTORIES ${PROTOZERO_INCLUDE_DIR})
endif()
