// One schema that the program and its shared objects all use. -DOTHER_LAYOUT: built against another version of this header.
#pragma once

#include <apm/apm.hpp>

namespace odr {

BOOST_DEFINE_ENUM_CLASS(Who, program, left, right)
APM_FIELDS(By, (Who, who));
APM_FIELDS(Said, (Who, who), (apm::text<16>, word));

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "odr", .version = "1"};
#ifdef OTHER_LAYOUT
    counter<> newcomer{this, "odr.newcomer", "A row that the others do not have"};
#endif
    counter<By>   calls{this, "odr.calls", "Calls"};
    counter<Said> words{this, "odr.words", "Words"};
};
inline constexpr auto& telemetry = apm::instruments<Schema>;

}  // namespace odr
