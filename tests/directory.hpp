#pragma once
// A directory of the test's own, which goes with this object.
#include <cstdlib>
#include <filesystem>
#include <string>

struct temporary_directory {
    std::filesystem::path at;

    temporary_directory() {
        std::string name = (std::filesystem::temp_directory_path() / "apm-test-XXXXXX").string();
        if (!mkdtemp(name.data())) std::abort();
        at = name;
    }
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;
    ~temporary_directory() { std::filesystem::remove_all(at); }
};
