// file: writes finished spans to files, where there is no collector, or to look at them at once.
//
//     traces.jsonl    OTLP/JSON, a line for each export; what OpenTelemetry's collector reads (otlpjsonfile)
//     traces.json     Chrome's trace events, for ui.perfetto.dev; of this run of this process alone
//
// Both are rotated by size: traces.jsonl.1, .2, ... Lines are never split, and never half there. Several processes may write
// to one traces.jsonl, by whole lines. traces.json is one process's: a second one, or a forked child, writes traces.<pid>.json
// instead, and the file of the run before is rotated, so that the trace of a crash survives the restart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <apm/backend.hpp>
#include <apm/backend/absent.hpp>
#include <apm/backend/file/options.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI {

namespace detail {
class file_exporter;
}

// A back end for spans. Each export is one or two write(2), by the calling thread. What cannot be written is lost and counted;
// each call that loses something returns an error.
// Defined in the library behind apm::runtime (impl/file.ipp).
template <mode M>
class basic_file;

template <>
class basic_file<mode::on> {
public:
    explicit basic_file(const file_options& options = {});
    basic_file(const basic_file&) = delete;
    basic_file& operator=(const basic_file&) = delete;
    ~basic_file();

    [[nodiscard]] std::string_view name() const { return "file"; }
    // The paths of the files; absolute after start(). For the thread that exports.
    [[nodiscard]] const std::string& otlp_path() const;
    [[nodiscard]] const std::string& chrome_path() const;
    // Spans that are missing in one of the files. Any thread.
    [[nodiscard]] std::uint64_t lost() const;

    // Opens the files; an error where that fails.
    error start(const resource& who);
    error export_spans(const span_batch& batch, deadline by);
    // Completes and closes the files.
    error stop(deadline by);

private:
    std::unique_ptr<detail::file_exporter> made_;
};

template <>
class basic_file<mode::off> : public detail::absent_backend {
public:
    APM_INLINE constexpr explicit basic_file(const file_options& = {}) {}
    [[nodiscard]] std::string otlp_path() const { return {}; }
    [[nodiscard]] std::string chrome_path() const { return {}; }
    [[nodiscard]] constexpr std::uint64_t lost() const { return 0; }
};

using file = basic_file<APM_MODE>;

}  // namespace apm::inline APM_ABI
