// The library's telemetry about itself: a schema like any other. apm::runtime keeps it up to date. What OpenTelemetry's semantic
// conventions have a name for is called that (opentelemetry.io/docs/specs/semconv/otel/sdk-metrics), without the attribute
// `otel.component.name`: exporters of one type are added up.
#pragma once

#include <optional>

#include <apm/apm.hpp>

namespace apm::inline APM_ABI::self {

BOOST_DEFINE_ENUM_CLASS(Sampling, kept, dropped)
APM_WIRE_NAMES(Sampling, (kept, "RECORD_AND_SAMPLE"), (dropped, "DROP"));
APM_FIELDS(Started, (apm::named<Sampling, "otel.span.sampling_result">, sampling));

// Why a span was lost before a back end saw it: its thread's ring was full; there was no memory for it; a forked child ended what
// its parent process began.
BOOST_DEFINE_ENUM_CLASS(Loss, queue_full, no_memory, forked)
APM_FIELDS(Processed, (apm::named<std::optional<Loss>, "error.type">, cause));

BOOST_DEFINE_ENUM_CLASS(Exporter, otlp_http_span_exporter, otlp_http_json_span_exporter, otlp_http_metric_exporter,
                        otlp_http_json_metric_exporter)
// Why an exporter did not deliver what it was given.
BOOST_DEFINE_ENUM_CLASS(Failure, queue_full, too_large, rejected, partial, bad_reply, gave_up, shutdown, spool_failed, no_memory)
APM_FIELDS(Export, (apm::named<Exporter, "otel.component.type">, exporter));
APM_FIELDS(Exported, (apm::named<Exporter, "otel.component.type">, exporter),
           (apm::named<std::optional<Failure>, "error.type">, cause));
APM_FIELDS(Operation, (apm::named<Exporter, "otel.component.type">, exporter),
           (apm::named<std::optional<apm::range<100, 599>>, "http.response.status_code">, status));

struct collect_buckets {
    static constexpr auto bounds = exponential_bounds<10>(0.0001, 4);  // 100 us .. 26 s
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "apm", .version = APM_VERSION};

    counter<> overflowed{this, "apm.records.overflowed", "Records that went to an overflow series since their row was full"};
    counter<> rejected  {this, "apm.records.rejected", "Values that a row could not hold: NaN, infinities, negative times"};
    counter<> shared    {this, "apm.records.shared", "Records into a shared block, for want of memory of the thread's own"};
    counter<> lost      {this, "apm.records.lost", "Records that could not be kept, for want of any memory"};
    counter<> conflicts {this, "apm.conflicts", "Schemas and families set apart or dropped, since another of that name differs"};
    counter<> errors    {this, "apm.errors", "Errors reported, one line each"};

    counter<Started, count_of<"span">>
              started{this, "otel.sdk.span.started", "Spans begun; DROP: not recorded, since their trace is not kept"};
    counter<Processed, count_of<"span">>
              processed{this, "otel.sdk.processor.span.processed", "Spans ended: handed on, or lost before (error.type)"};
    counter<> undelivered{this, "apm.spans.undelivered", "Spans that a back end failed to deliver; each counts for itself"};
    counter<> items{this, "apm.spans.dropped_items", "Attributes, events, links beyond a span's limits; spans with a cut text"};
    counter<> steps    {this, "apm.clock.steps", "How often the time of day was set while spans were read"};

    updown<>             blocks{this, "apm.blocks", "Blocks of cells held: one per thread alive at once and schema"};
    updown<no_labels, bytes> memory{this, "apm.memory", "Memory held by blocks, chunks and tables of series"};

    histogram<no_labels, seconds, collect_buckets>
              collect{this, "otel.sdk.metric_reader.collection.duration", "Time one collection took"};

    updown<Export, count_of<"span">>
              spans_in_flight{this, "otel.sdk.exporter.span.inflight", "Spans that an exporter was given and still has",
                              {.series = exported::when_touched}};
    counter<Exported, count_of<"span">>
              spans_exported{this, "otel.sdk.exporter.span.exported", "Spans that an exporter is done with (error.type: lost)",
                             {.series = exported::when_touched}};
    updown<Export, count_of<"data_point">>
              points_in_flight{this, "otel.sdk.exporter.metric_data_point.inflight",
                               "Points that an exporter was given and still has", {.series = exported::when_touched}};
    counter<Exported, count_of<"data_point">>
              points_exported{this, "otel.sdk.exporter.metric_data_point.exported",
                              "Points that an exporter is done with (error.type: lost)", {.series = exported::when_touched}};
    histogram<Operation, seconds, latency_buckets>
              operation{this, "otel.sdk.exporter.operation.duration", "Time one request of an exporter took",
                        {.limit = 100, .series = exported::when_touched}};
};
inline constexpr auto& telemetry = instruments<Schema>;

}  // namespace apm::inline APM_ABI::self
