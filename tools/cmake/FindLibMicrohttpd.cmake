# Finds libmicrohttpd, as LibMicrohttpd::LibMicrohttpd. It brings no file for CMake.
find_path(LIBMICROHTTPD_INCLUDE_DIR microhttpd.h)
find_library(LIBMICROHTTPD_LIBRARY NAMES microhttpd libmicrohttpd)
mark_as_advanced(LIBMICROHTTPD_INCLUDE_DIR LIBMICROHTTPD_LIBRARY)

if(LIBMICROHTTPD_INCLUDE_DIR)
  file(STRINGS ${LIBMICROHTTPD_INCLUDE_DIR}/microhttpd.h digits REGEX "^#define MHD_VERSION 0x")
  if(digits MATCHES "0x0?([0-9]+)([0-9][0-9])([0-9][0-9])[0-9][0-9]")    # 0x00097500: 0.9.75, 0x01000200: 1.0.2
    string(REGEX REPLACE "\\.0([0-9])" ".\\1" LibMicrohttpd_VERSION ${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3})
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibMicrohttpd
  REQUIRED_VARS LIBMICROHTTPD_LIBRARY LIBMICROHTTPD_INCLUDE_DIR VERSION_VAR LibMicrohttpd_VERSION)

if(LibMicrohttpd_FOUND AND NOT TARGET LibMicrohttpd::LibMicrohttpd)
  add_library(LibMicrohttpd::LibMicrohttpd UNKNOWN IMPORTED)
  set_target_properties(LibMicrohttpd::LibMicrohttpd PROPERTIES
    IMPORTED_LOCATION ${LIBMICROHTTPD_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LIBMICROHTTPD_INCLUDE_DIR})
endif()
