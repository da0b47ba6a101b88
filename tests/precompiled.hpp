#pragma once
// What most tests include: see CMakeLists.txt.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <apm/apm.hpp>
#include <apm/runtime.hpp>
#include <apm/testing.hpp>

#include "catch.hpp"
