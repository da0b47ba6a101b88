// What the library says about itself: a schema like any other. apm::runtime keeps it up to date.
#pragma once

#include <apm/apm.hpp>

namespace apm::inline APM_ABI::self {

// Why a span was lost: its thread's ring was full; there was no memory for it; a forked child ended what its parent process
// began.
BOOST_DEFINE_ENUM_CLASS(Cause, full, memory, inherited)
APM_FIELDS(Loss, (Cause, cause));

struct collect_buckets {
    static constexpr auto bounds = exponential_bounds<10>(0.0001, 4);  // 100 us .. 26 s
};

struct Schema : apm::schema<Schema> {
    static constexpr apm::scope scope{.name = "apm", .version = APM_VERSION};

    counter<> overflowed{this, "apm.records.overflowed", "Records that went to an overflow series since their row was full"};
    counter<> refused   {this, "apm.records.refused", "Values that a row could not hold: NaN, infinities, negative times"};
    counter<> shared    {this, "apm.records.shared", "Records into a shared block, for want of memory of the thread's own"};
    counter<> lost      {this, "apm.records.lost", "Records that could not be kept, for want of any memory"};
    counter<> conflicts {this, "apm.conflicts", "Schemas and families set apart or dropped, since another of that name differs"};
    counter<> errors    {this, "apm.errors", "Errors reported, one line each"};

    counter<> unsampled{this, "apm.spans.unsampled", "Spans not recorded, since their trace is not kept"};
    counter<> started  {this, "apm.spans.started", "Spans begun that were to be recorded"};
    counter<> exported {this, "apm.spans.exported", "Spans handed to back ends"};
    counter<> undelivered{this, "apm.spans.undelivered", "Spans that a back end failed to take; each counts for itself"};
    counter<Loss> dropped{this, "apm.spans.dropped", "Spans begun that nobody will see"};
    counter<> items{this, "apm.spans.dropped_items", "Attributes, events, links beyond a span's limits; spans with a cut text"};
    counter<> steps    {this, "apm.clock.steps", "How often the time of day was set while spans were read"};

    updown<>             blocks{this, "apm.blocks", "Blocks of cells held: one per thread alive at once and schema"};
    updown<no_labels, bytes> memory{this, "apm.memory", "Memory held by blocks, chunks and tables of series"};

    histogram<no_labels, seconds, collect_buckets> collect{this, "apm.collect.duration", "Time one collection took"};
};
inline constexpr auto& telemetry = instruments<Schema>;

}  // namespace apm::inline APM_ABI::self
