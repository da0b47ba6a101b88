# What `cmake --install` and `cpack` put where: headers, the library, the CMake package, pkg-config files, the overhead check.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/apm)
set(here ${PROJECT_SOURCE_DIR}/tools)

install(TARGETS apm EXPORT apm FILE_SET HEADERS)
install(EXPORT apm NAMESPACE apm:: FILE apmTargets.cmake DESTINATION ${package})
install(TARGETS apm_runtime EXPORT apm_runtime)
install(EXPORT apm_runtime NAMESPACE apm:: FILE apmRuntimeTargets.cmake DESTINATION ${package})

# The packages of CMake that an installed apm::runtime needs, by the targets that it links.
set(apm_runtime_packages Threads)
foreach(pair LibMicrohttpd::LibMicrohttpd=LibMicrohttpd ZLIB::ZLIB=ZLIB CURL::libcurl=CURL Protozero::Protozero=Protozero)
  string(REGEX MATCH "^(.*)=(.*)$" pair ${pair})
  if(CMAKE_MATCH_1 IN_LIST apm_backend_links)
    list(APPEND apm_runtime_packages ${CMAKE_MATCH_2})
  endif()
endforeach()
set(apm_runtime_debian)
foreach(pair LibMicrohttpd::LibMicrohttpd=libmicrohttpd-dev ZLIB::ZLIB=zlib1g-dev CURL::libcurl=libcurl4-openssl-dev
             Protozero::Protozero=libprotozero-dev)
  string(REGEX MATCH "^(.*)=(.*)$" pair ${pair})
  if(APM_ENABLED AND CMAKE_MATCH_1 IN_LIST apm_backend_links)
    list(APPEND apm_runtime_debian ${CMAKE_MATCH_2})
  endif()
endforeach()
string(REPLACE ";" " " apm_runtime_debian_words "${apm_runtime_debian}")
configure_package_config_file(${here}/cmake/apmConfig.cmake.in ${PROJECT_BINARY_DIR}/apmConfig.cmake
  INSTALL_DESTINATION ${package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/apmConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/apmConfig.cmake ${PROJECT_BINARY_DIR}/apmConfigVersion.cmake
  ${here}/cmake/apmBackends.cmake ${here}/cmake/FindLibMicrohttpd.cmake ${here}/cmake/FindProtozero.cmake
  ${here}/cmake/apmOverhead.cmake DESTINATION ${package})
install(PROGRAMS ${here}/overhead DESTINATION ${package})
install(DIRECTORY ${here}/lib DESTINATION ${package}
  FILES_MATCHING PATTERN "overhead_*" PATTERN callgrind.py PATTERN object_code.py PATTERN timing.py PATTERN "absent/apm/*.hpp"
  PATTERN __pycache__ EXCLUDE)

# --- pkg-config: apm for files that record, apm-runtime for the program ---------------------------------------------------
set(apm_runtime_libs)
set(apm_runtime_requires apm)
if(APM_ENABLED)
  string(APPEND apm_runtime_libs "-L\${libdir} -lapm-runtime")
  foreach(pair LibMicrohttpd::LibMicrohttpd=libmicrohttpd CURL::libcurl=libcurl ZLIB::ZLIB=zlib)
    string(REGEX MATCH "^(.*)=(.*)$" pair ${pair})
    if(CMAKE_MATCH_1 IN_LIST apm_backend_links)
      string(APPEND apm_runtime_requires " ${CMAKE_MATCH_2}")
    endif()
  endforeach()
  string(APPEND apm_runtime_libs " -pthread -ldl")
endif()
file(RELATIVE_PATH apm_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)   # so that what is installed may be moved
foreach(name apm apm-runtime)
  configure_file(${here}/packaging/${name}.pc.in ${PROJECT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# --- cpack: a Debian package, whose dependencies are those of a program that links apm::runtime -------------------------------
if(PROJECT_IS_TOP_LEVEL)
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libapm-dev RENAME copyright)
  install(FILES ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/libapm-dev)
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME libapm-dev)
  set(CPACK_PACKAGE_CONTACT "the apm developers <apm@localhost>")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "libboost1.81-dev | libboost-dev (>= 1.81)")
  foreach(debian IN LISTS apm_runtime_debian)
    string(APPEND CPACK_DEBIAN_PACKAGE_DEPENDS ", ${debian}")
  endforeach()
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS prometheus-cpp-dev)
  include(CPack)
endif()
