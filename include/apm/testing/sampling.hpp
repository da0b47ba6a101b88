// Another sampler for the length of a test.
//
//     apm::testing::sampling scope(apm::always_off);
#pragma once

#include <concepts>

#include <apm/config.hpp>
#include <apm/detail/root.hpp>
#include <apm/sampler.hpp>

namespace apm::inline APM_ABI::testing {

// Holds a copy of the sampler, which decides in the whole process until this object is destroyed; then the one before does
// again. No other thread may begin a trace at that moment. Of several, the one that was constructed last counts, and goes first.
template <std::derived_from<sampler> Sampler>
class sampling {
public:
    explicit sampling(const Sampler& s) : own_(s), before_(detail::process_root().chooser.pointer_acquire<const sampler>()) {
        sample_with(own_);
    }
    sampling(const sampling&) = delete;
    sampling& operator=(const sampling&) = delete;
    ~sampling() { detail::process_root().chooser.publish(before_); }

private:
    Sampler own_;  // whole, with what a derived one adds
    const sampler* before_;
};

}  // namespace apm::inline APM_ABI::testing
