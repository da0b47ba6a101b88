// console: prints spans as trees, for people who develop.
//
//     apm::console console;                 // in main, before the runtime
//     apm::runtime apm{{}, console};
//
//     12.3 ms  checkout order_id=7 coupon="X"
//     1.20 ms  ├─ reserve
//     10.1 ms  └─ pay  ERROR: the card was declined
#pragma once

#include <memory>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/absent.hpp>
#include <apm/backend/console/options.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

namespace detail {
class console_exporter;
}

// A span back end. A tree is printed, in one write, when its local root has ended: the root of its trace, or a span whose parent
// is in another process. What ends after its parent was printed is printed when it comes, under a line that names the parent.
// Spans wait for their root; when more wait than may, the oldest are printed without it, with all that is known around
// them. stop() prints what still waits: nothing is lost. In colours where `to` is a terminal and NO_COLOR is not set.
// A terminal that is stopped (^S) stops the export, which the runtime leaves behind at its deadline.
// Defined in the library behind apm::runtime (impl/console.ipp).
template <mode M>
class basic_console;

template <>
class basic_console<mode::on> {
public:
    explicit basic_console(const console_options& options = {});
    basic_console(const basic_console&) = delete;
    basic_console& operator=(const basic_console&) = delete;
    ~basic_console();

    [[nodiscard]] std::string_view name() const { return "console"; }
    error start(const resource& who);
    error export_spans(const span_batch& batch, deadline by);
    error stop(deadline by);

private:
    std::unique_ptr<detail::console_exporter> made_;
};

template <>
class basic_console<mode::off> : public detail::absent_backend {
public:
    APM_INLINE constexpr explicit basic_console(const console_options& = {}) {}
};

using console = basic_console<APM_MODE>;

}  // namespace apm::inline APM_ABI
