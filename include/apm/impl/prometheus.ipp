// The Prometheus back end, with /control. Needs CivetWeb and zlib.
#include <cstdint>
#include <memory>
#include <utility>

#include <apm/backend/prometheus.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/builtin.hpp>
#include <apm/runtime/control/endpoint.hpp>
#include <apm/runtime/options.hpp>

namespace apm::inline APM_ABI::detail {

class builtin_prometheus final : public builtin_of<prometheus> {
public:
    builtin_prometheus(const runtime_options& options, const control::state& start) : builtin_of(options.prometheus) {
        if (!options.control.token.empty()) made.serve_control(control_page(options.control.token, start));
    }
    [[nodiscard]] bool has_threads() const override { return true; }
    [[nodiscard]] std::uint16_t port() const override { return made.port(); }
    void show(other_families more) override { made.also(std::move(more)); }
};

std::shared_ptr<builtin_backend> make_prometheus(const runtime_options& options, const control::state& start) {
    return std::make_shared<builtin_prometheus>(options, start);
}

}  // namespace apm::inline APM_ABI::detail
