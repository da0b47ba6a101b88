// The Prometheus back end: serves the exposition that a Prometheus scrapes. Needs libmicrohttpd and zlib.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/absent.hpp>
#include <apm/backend/prometheus/format.hpp>
#include <apm/backend/prometheus/options.hpp>
#include <apm/backend/prometheus/other.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

namespace detail {
class prometheus_exporter;
}

// A pull back end: each request collects and writes the exposition, in the server's thread, one at a time. Errors (port
// taken, no such host, unreadable certificate) come from start() as one line. apm::runtime has one already, by its options; this
// class is for another address. Defined in the library behind apm::runtime (impl/prometheus.ipp).
template <mode M>
class basic_prometheus;

template <>
class basic_prometheus<mode::on> {
public:
    explicit basic_prometheus(const prometheus_options& options = {});
    basic_prometheus(const basic_prometheus&) = delete;
    basic_prometheus& operator=(const basic_prometheus&) = delete;
    ~basic_prometheus();

    [[nodiscard]] std::string_view name() const { return "prometheus"; }
    error start(const resource& who);
    // Within some second, whatever clients do; a reply that is being made is waited for.
    error stop(deadline by);

    // Where it listens; 0 while it does not.
    [[nodiscard]] std::uint16_t port() const;

    // Adds families, behind ours: `more` is called for every exposition from now on. A family whose name is taken is left out,
    // with one line. Any thread, and from within callbacks; what `more` refers to must outlive this object.
    void also(other_families more);

    // The exposition as it is now. Any thread.
    [[nodiscard]] std::string write(exposition_format format);

private:
    std::unique_ptr<detail::prometheus_exporter> made_;
};

template <>
class basic_prometheus<mode::off> : public detail::absent_backend {
public:
    APM_INLINE constexpr explicit basic_prometheus(const prometheus_options& = {}) {}
    [[nodiscard]] constexpr std::uint16_t port() const { return 0; }
    template <class Families>
    constexpr void also(Families&&) {}
    [[nodiscard]] std::string write(exposition_format) { return {}; }
};

using prometheus = basic_prometheus<APM_MODE>;

}  // namespace apm::inline APM_ABI
