// OTLP as lines of a file (opentelemetry.io: protocol/file-exporter.md): JSON, each line a TracesData.
#pragma once

#include <string>

#include <apm/backend.hpp>
#include <apm/backend/otlp/json.hpp>
#include <apm/backend/otlp/span_message.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::detail {

// Appends one line, with its newline: a TracesData of all spans of the batch, by scope. Of an empty batch: nothing. Spans without
// a row have a scope without a name. No thread safety of its own; throws std::bad_alloc.
inline void append_otlp_json(std::string& out, const span_batch& batch, const resource& who) {
    if (batch.spans.empty()) return;
    otlp::append_spans<otlp::json_encoder>(out, batch.spans, who);
    out += '\n';
}

}  // namespace apm::inline APM_ABI::detail
