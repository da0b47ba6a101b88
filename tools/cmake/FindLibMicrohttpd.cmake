# Finds libmicrohttpd, as LibMicrohttpd::LibMicrohttpd. It brings no file for CMake.
find_path(LIBMICROHTTPD_INCLUDE_DIR microhttpd.h)
find_library(LIBMICROHTTPD_LIBRARY NAMES microhttpd libmicrohttpd)
mark_as_advanced(LIBMICROHTTPD_INCLUDE_DIR LIBMICROHTTPD_LIBRARY)

if(LIBMICROHTTPD_INCLUDE_DIR)
  file(STRINGS ${LIBMICROHTTPD_INCLUDE_DIR}/microhttpd.h LibMicrohttpd_VERSION REGEX "^#define MHD_VERSION 0x")
  if(LibMicrohttpd_VERSION MATCHES "0x0*([0-9]+)([0-9][0-9])([0-9][0-9])([0-9][0-9])")   # 0x00097500 is 0.9.75
    string(REGEX REPLACE ".*0x(..)(..)(..)(..).*" "\\1.\\2.\\3" LibMicrohttpd_VERSION "${LibMicrohttpd_VERSION}")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibMicrohttpd
  REQUIRED_VARS LIBMICROHTTPD_LIBRARY LIBMICROHTTPD_INCLUDE_DIR)

if(LibMicrohttpd_FOUND AND NOT TARGET LibMicrohttpd::LibMicrohttpd)
  add_library(LibMicrohttpd::LibMicrohttpd UNKNOWN IMPORTED)
  set_target_properties(LibMicrohttpd::LibMicrohttpd PROPERTIES
    IMPORTED_LOCATION ${LIBMICROHTTPD_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${LIBMICROHTTPD_INCLUDE_DIR})
endif()
