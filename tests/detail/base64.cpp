// ctest: LABELS serial
#include <apm/detail/base64.hpp>

#include "catch.hpp"

TEST_CASE("base64 as RFC 4648 has it") {
    using apm::detail::base64;
    CHECK(base64("").empty());
    CHECK(base64("f") == "Zg==");
    CHECK(base64("fo") == "Zm8=");
    CHECK(base64("foo") == "Zm9v");
    CHECK(base64("foob") == "Zm9vYg==");
    CHECK(base64("\xff\xfe\xfd") == "//79");
}
