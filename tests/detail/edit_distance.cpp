// ctest: LABELS serial
#include <apm/detail/edit_distance.hpp>

#include "catch.hpp"

using apm::detail::edit_distance;

TEST_CASE("a distance counts edits") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("abc", "abc") == 0);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}
