// The same with a runtime, which serves a page.
#include <apm/runtime.hpp>

#include "../large.hpp"

int main() {
    const apm::runtime apm{{.prometheus = {.port = 0}}};
    large::record();
}
