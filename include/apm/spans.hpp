// Finished spans, as back ends and tests see them.
//
//     apm::span_batch batch = apm::drain_spans();
//     for (const apm::span_view& s : batch.spans) ...
//
// Draining takes: what one caller got, no other gets. In a program with a runtime that exports spans, leave it to the runtime.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <sys/mman.h>

#include <apm/config.hpp>
#include <apm/detail/timeline.hpp>
#include <apm/row.hpp>
#include <apm/span.hpp>
#include <apm/tracing.hpp>

namespace apm::inline APM_ABI {

// Numbers that need not lie where numbers should.
template <class T>
class packed_numbers {
public:
    packed_numbers(const char* bytes, std::uint32_t size) : bytes_(bytes), size_(size) {}
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] T operator[](std::uint32_t i) const { return detail::get_raw<T>(bytes_ + i * sizeof(T)); }

private:
    const char* bytes_;
    std::uint32_t size_;
};

// Views into a batch; valid as long as it. Text is as it was given: bytes that are no UTF-8 are for the back end to mend.
class attribute_view {
public:
    attribute_view(detail::item_at x, const attributes_info* fields) : item_(x), fields_(fields) {}

    [[nodiscard]] std::string_view name() const {
        if (item_.index() == detail::by_name) return {item_.name(), item_.name_size()};
        return fields_->fields[item_.index()].name;
    }
    // Calls f with the value: std::int64_t, double, bool, std::string_view, packed_numbers<std::int64_t> or <double>.
    template <class F>
    decltype(auto) visit(F&& f) const {
        const char* v = item_.value();
        switch (item_.type()) {
            case item::integer: return f(detail::get_raw<std::int64_t>(v));
            case item::real: return f(detail::get_raw<double>(v));
            case item::boolean: return f(*v != 0);
            case item::integers: return f(packed_numbers<std::int64_t>(v + 4, detail::get_raw<std::uint32_t>(v)));
            case item::reals: return f(packed_numbers<double>(v + 4, detail::get_raw<std::uint32_t>(v)));
            case item::enumerator:
                return f(std::string_view(fields_->fields[item_.index()].domain->names[detail::get_raw<std::uint32_t>(v)]));
            default: return f(std::string_view(v + 4, detail::get_raw<std::uint32_t>(v)));
        }
    }

private:
    detail::item_at item_;
    const attributes_info* fields_;
};

namespace detail {

template <class F>
void each_attribute(const char* at, const char* end, const attributes_info* fields, F&& f) {
    for (item_at x{at}; x.at < end; x = x.next())
        if (x.is_attribute()) f(attribute_view(x, fields));
}

}  // namespace detail

class event_view {
public:
    explicit event_view(detail::item_at x)
        : head_(detail::get_raw<event_head>(x.body())), name_(x.body() + sizeof(event_head)), end_(x.body() + x.length()) {}

    [[nodiscard]] std::string_view name() const { return {name_, head_.name_size}; }
    [[nodiscard]] std::uint64_t time() const { return head_.ticks; }  // nanoseconds since the epoch
    [[nodiscard]] std::uint32_t dropped_attributes() const { return head_.dropped; }
    template <class F>
    void attributes(F&& f) const { detail::each_attribute(name_ + head_.name_size, end_, head_.fields, f); }

private:
    event_head head_;
    const char* name_;
    const char* end_;
};

class link_view {
public:
    explicit link_view(detail::item_at x)
        : head_(detail::get_raw<link_head>(x.body())), begin_(x.body() + sizeof(link_head)), end_(x.body() + x.length()) {}

    [[nodiscard]] apm::context context() const {
        return {{head_.trace_high, head_.trace_low}, head_.span, (head_.flags & link_head::sampled) != 0,
                (head_.flags & link_head::remote) != 0};
    }
    [[nodiscard]] std::uint32_t dropped_attributes() const { return head_.dropped; }
    template <class F>
    void attributes(F&& f) const { detail::each_attribute(begin_, end_, head_.fields, f); }

private:
    link_head head_;
    const char* begin_;
    const char* end_;
};

class span_view {
public:
    struct dropped_counts {
        std::uint32_t attributes = 0, events = 0, links = 0;
    };

    // Times of events become nanoseconds here: whoever reads them later has no part in what the next reader does to `when`.
    span_view(char* record, const detail::timeline& when) : record_(reinterpret_cast<const span_record*>(record)) {
        start_ = when.at(record_->start);
        duration_ = when.between(record_->start, record_->end);
        for (detail::item_at x = first(); x.at < end_of_items(); x = x.next()) {
            switch (x.type()) {
                case item::status: message_ = {x.body(), x.length()}; break;
                case item::name: name_ = {x.body(), x.length()}; break;
                case item::name_at:
                    if (name_.data()) break;  // it was given another since
                    name_ = {detail::get_raw<const char*>(x.body()),
                             detail::get_raw<std::uint32_t>(x.body() + sizeof(char*))};
                    break;
                case item::dropped: dropped_ = detail::get_raw<dropped_counts>(x.body()); break;
                case item::event: {
                    const std::uint64_t ticks = detail::get_raw<event_head>(x.body()).ticks;
                    detail::put_raw(record + (x.body() - record), start_ + when.between(record_->start, ticks));
                    break;
                }
                default: break;
            }
        }
        if (!name_.data()) name_ = row().name;
    }

    [[nodiscard]] const span_row& row() const { return *record_->row; }
    [[nodiscard]] const apm::scope& scope() const { return *row().from; }
    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] span_kind kind() const { return row().kind; }
    [[nodiscard]] trace_id trace() const { return record_->trace; }
    [[nodiscard]] std::uint64_t id() const { return record_->id; }
    [[nodiscard]] std::uint64_t parent() const { return record_->parent; }  // 0: a root
    [[nodiscard]] bool parent_is_remote() const { return (record_->thread & span_record::remote_parent) != 0; }
    [[nodiscard]] std::uint64_t start() const { return start_; }  // nanoseconds since the epoch
    [[nodiscard]] std::uint64_t end() const { return start_ + duration_; }
    [[nodiscard]] std::uint64_t duration() const { return duration_; }  // nanoseconds
    [[nodiscard]] span_status status() const {
        return static_cast<span_status>(record_->thread >> span_record::thread_bits & 3);
    }
    [[nodiscard]] std::string_view message() const { return status() == span_status::error ? message_ : std::string_view(); }
    // That ended it.
    [[nodiscard]] std::uint32_t thread() const { return record_->thread & ((1u << span_record::thread_bits) - 1); }
    [[nodiscard]] const dropped_counts& dropped() const { return dropped_; }

    // Each calls f with an attribute_view, event_view or link_view, in the order in which they were given.
    template <class F>
    void attributes(F&& f) const { detail::each_attribute(first().at, end_of_items(), row().attributes, f); }
    template <class F>
    void events(F&& f) const {
        for (detail::item_at x = first(); x.at < end_of_items(); x = x.next())
            if (x.type() == item::event) f(event_view(x));
    }
    template <class F>
    void links(F&& f) const {
        for (detail::item_at x = first(); x.at < end_of_items(); x = x.next())
            if (x.type() == item::link) f(link_view(x));
    }

private:
    [[nodiscard]] detail::item_at first() const { return {reinterpret_cast<const char*>(record_ + 1)}; }
    [[nodiscard]] const char* end_of_items() const { return reinterpret_cast<const char*>(record_) + record_->size; }

    const span_record* record_;
    std::string_view name_, message_;
    std::uint64_t start_ = 0, duration_ = 0;
    dropped_counts dropped_;
};

// What was drained at once: of each thread in the order in which spans ended, so that children come before their parents.
struct span_batch {
    std::vector<span_view> spans;
    bool more = false;  // there was more than fits; drain again
    std::size_t size = 0;  // bytes that it took out of the rings

    std::unique_ptr<char[]> bytes;  // what `spans` looks at
};

// Where all spans went since the process began, or was forked. started == drained + dropped + under way + in the rings.
struct span_totals {
    std::uint64_t started = 0;    // that were to be kept
    std::uint64_t unsampled = 0;  // that were not
    std::uint64_t drained = 0;
    std::uint64_t dropped_full = 0;       // the ring was full
    std::uint64_t dropped_memory = 0;     // there was no memory for a ring, or for the span
    std::uint64_t dropped_inherited = 0;  // a forked child ended what its parent process began
    std::uint64_t dropped_items = 0;      // attributes, events and links that were beyond the limits
    std::uint64_t clock_steps = 0;        // how often the time of day was seen to be set

    [[nodiscard]] std::uint64_t dropped() const { return dropped_full + dropped_memory + dropped_inherited; }
};

namespace detail {

// What the reader of the rings keeps from one time to the next; one per process.
struct span_reader {
    timeline when;
    const block* last = nullptr;  // whose ring was read last; the next is first the next time
};
inline span_reader* the_reader(root& r) {
    auto* reader = r.timeline.pointer<span_reader>();
    if (!reader) r.timeline.publish(reader = new span_reader);
    return reader;
}

inline thread_state& state_in(block& b) { return *reinterpret_cast<thread_state*>(b.cells()); }

// The pages of a ring that nobody owns and nobody will read go back to the kernel.
inline void give_pages_back(store& s, block& b) {
    ring& x = state_in(b).records;
    if (!x.memory.load() || x.head.load() == 0 || b.owned.load() != 0) return;
    std::uint64_t nobody = 0;
    if (!__atomic_compare_exchange_n(&b.owned.bits, &nobody, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
    s.idle.add_shared(~std::uint64_t{0});
    if (x.head.load() == x.tail.load()) {
        madvise(x.memory.pointer<char>(), x.mask.load() + 1, MADV_DONTNEED);
        x.head.store(0), x.seen.store(0), x.tail.store(0);
    }
    release(b);
}

}  // namespace detail

// Takes finished spans out of all threads' rings: at most `most_bytes` of them, but a span at least. Any thread; serialized.
// Throws std::bad_alloc, and takes none, where there is no memory.
inline span_batch drain_spans(std::size_t most_bytes = 1 << 20) {
    using namespace detail;
    span_batch batch;
    root& r = process_root();
    store* s = find_or_make(all_threads);
    if (!s) return batch;
    const lock guard(r.draining);
    span_reader& reader = *the_reader(r);
    struct part {
        block* of;
        std::uint64_t until;
    };
    std::vector<part> parts;
    std::size_t all = 0, first = 0;
    for (auto* b = s->blocks.pointer_acquire<block>(); b; b = b->next) {
        ring& x = state_in(*b).records;
        if (x.said.load()) x.said.store(0);  // before its head is read: what comes later says so anew
        const std::uint64_t head = x.head.load_acquire();
        if (head == x.tail.load()) {
            give_pages_back(*s, *b);
            continue;
        }
        all += static_cast<std::size_t>(head - x.tail.load());
        if (b == reader.last) first = parts.size() + 1;
        parts.push_back({b, head});
    }
    if (parts.empty()) return batch;
    reader.when.renew(r);  // after the heads were read: whatever is read now ended before
    const std::size_t room = std::min(all, std::max<std::size_t>(most_bytes, limits::record + sizeof(span_record)));
    // All the memory first: where there is none, nothing has been taken yet.
    batch.bytes = std::make_unique_for_overwrite<char[]>(room);
    batch.spans.reserve(room / sizeof(span_record));
    std::size_t used = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const part& p = parts[(first + i) % parts.size()];
        ring& x = state_in(*p.of).records;
        read_records(x, p.until, [&](const char* record, std::uint32_t size) {
            if (size > room - used) return !(batch.more = true);
            __builtin_memcpy(batch.bytes.get() + used, record, size);
            batch.spans.emplace_back(batch.bytes.get() + used, reader.when);
            used += size;
            return true;
        });
        reader.last = p.of;
        if (batch.more) break;
    }
    batch.size = used;
    r.drained.add(std::uint64_t{batch.spans.size()});
    return batch;
}

namespace detail {

// What is in the rings now, in bytes.
inline std::uint64_t bytes_to_drain() {
    std::uint64_t all = 0;
    const store* s = find_or_make(all_threads);
    for (auto* b = s ? s->blocks.pointer_acquire<block>() : nullptr; b; b = b->next) {
        const ring& x = state_in(*b).records;
        const std::uint64_t tail = x.tail.load_acquire();  // first: what is read meanwhile makes it more, never less than none
        all += x.head.load_acquire() - tail;
    }
    return all;
}

}  // namespace detail

inline span_totals count_spans() {
    using namespace detail;
    root& r = process_root();
    span_totals t;
    t.drained = r.drained.load();
    t.dropped_memory = r.unattached.load();
    t.started = t.dropped_memory - r.unended.load();
    if (const auto* reader = r.timeline.pointer_acquire<span_reader>()) t.clock_steps = reader->when.steps();
    const store* s = find_or_make(all_threads);
    for (auto* b = s ? s->blocks.pointer_acquire<block>() : nullptr; b; b = b->next) {
        const thread_state& x = state_in(*b);
        t.started += x.started.load(), t.unsampled += x.unsampled.load();
        t.dropped_full += x.dropped_full.load(), t.dropped_memory += x.dropped_memory.load();
        t.dropped_inherited += x.dropped_inherited.load(), t.dropped_items += x.dropped_items.load();
    }
    return t;
}

}  // namespace apm::inline APM_ABI
