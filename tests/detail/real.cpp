// ctest: LABELS serial
#include <apm/detail/real.hpp>

#include <cmath>

#include "catch.hpp"

using apm::detail::read_real;

TEST_CASE("the whole text is the real number") {
    double x = 7;
    for (const char* bad : {"", "-", "+1", " 1", "1 ", "0,5", "1e", "1e400", "0x1", ".", "one"}) {
        CAPTURE(bad);
        CHECK_FALSE(read_real(bad, x));
        CHECK(x == 7);
    }
    CHECK((read_real("0.25", x) && x == 0.25));
    CHECK((read_real("-1e-3", x) && x == -0.001));
    CHECK((read_real("12", x) && x == 12));
    CHECK((read_real("nan", x) && std::isnan(x)));
}
