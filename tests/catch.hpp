#pragma once
// Catch2, version 3 or 2: Debian 12 has 2.13, newer systems have 3.
#if __has_include(<catch2/catch_all.hpp>)
    #include <catch2/catch_all.hpp>
using Catch::Approx;
#else
    #include <catch2/catch.hpp>
#endif
