# Finds CivetWeb's C library, as CivetWeb::CivetWeb.
#
# Not find_package(civetweb CONFIG): on Debian 12 the file in libcivetweb-dev stops the configure run with an error unless
# /usr/bin/civetweb, from another package, is there too. For the same reason the target is not named civetweb::civetweb:
# prometheus-cpp loads that file, and it refuses to load when one of its names is taken.
find_path(CIVETWEB_INCLUDE_DIR civetweb.h)
find_library(CIVETWEB_LIBRARY civetweb)
mark_as_advanced(CIVETWEB_INCLUDE_DIR CIVETWEB_LIBRARY)

if(CIVETWEB_INCLUDE_DIR)
  file(STRINGS ${CIVETWEB_INCLUDE_DIR}/civetweb.h CivetWeb_VERSION REGEX "^#define CIVETWEB_VERSION \"")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" CivetWeb_VERSION "${CivetWeb_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CivetWeb
  REQUIRED_VARS CIVETWEB_LIBRARY CIVETWEB_INCLUDE_DIR VERSION_VAR CivetWeb_VERSION)

if(CivetWeb_FOUND AND NOT TARGET CivetWeb::CivetWeb)
  add_library(CivetWeb::CivetWeb UNKNOWN IMPORTED)
  set_target_properties(CivetWeb::CivetWeb PROPERTIES
    IMPORTED_LOCATION ${CIVETWEB_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${CIVETWEB_INCLUDE_DIR})
endif()
