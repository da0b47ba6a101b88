// Another sampler for the length of a test.
//
//     apm::testing::sampling scope(apm::always_off);
#pragma once

#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/tracing/sampler.hpp>

namespace apm::inline APM_ABI::testing {

// Holds a copy of the rules (or of the one sampler) that decide in the whole process until this object is destroyed; then those
// before do again.
// No other thread may begin a trace at that moment. Of several, the one that was constructed last counts, and goes first.
class sampling {
public:
    explicit sampling(const sampling_rules& rules)
        : own_(rules), before_(detail::process_root().sampler.pointer_acquire<const sampling_rules>()) {
        sample_with(own_);
    }
    sampling(const sampling&) = delete;
    sampling& operator=(const sampling&) = delete;
    ~sampling() {
        detail::set_sampling_rules(before_);
    }

private:
    sampling_rules own_;
    const sampling_rules* before_;
};

}  // namespace apm::inline APM_ABI::testing
