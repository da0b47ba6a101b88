# An overlay port: vcpkg install apm --overlay-ports=<this repository>/tools/packaging/vcpkg. It builds the checkout that it lies in.
get_filename_component(SOURCE_PATH "${CURRENT_PORT_DIR}/../../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS FEATURE_OPTIONS
    FEATURES
        console    APM_BACKEND_CONSOLE
        file       APM_BACKEND_FILE
        otlp       APM_BACKEND_OTLP
        prometheus APM_BACKEND_PROMETHEUS
)
vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        ${FEATURE_OPTIONS}
        -DAPM_BUILD_TESTS=OFF
        -DAPM_BUILD_BENCH=OFF
        -DAPM_BUILD_EXAMPLES=OFF
        -DAPM_BUILD_TOOLS=OFF
        -DAPM_WITH_PROMETHEUS_CPP=OFF
)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/apm)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
