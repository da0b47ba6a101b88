// A shared object that records. -DMODULE=_a gives it its name.
#include "shared.hpp"

#define PUBLIC extern "C" [[gnu::visibility("default")]]
PUBLIC void ODR_NAME(record, MODULE)(unsigned n) { odr::record_everywhere(n); }
PUBLIC void ODR_NAME(look, MODULE)(odr::view* v) { *v = odr::look(); }
PUBLIC const void* ODR_NAME(root, MODULE)() { return &apm::detail::process_root(); }
