// For a plugin that also collects, where the program itself knows nothing of apm.
#include "totals.hpp"
extern "C" [[gnu::visibility("default")]] void tell() { print_totals(); }
