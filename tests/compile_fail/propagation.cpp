// Headers that what is written to them would not outlive.
#include <apm/propagation.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using header_map = std::map<std::string, std::string>;
using header_list = std::vector<std::pair<std::string, std::string>>;

struct call {
    header_map headers() const { return kept; }  // forgets the &
    header_map& own_headers() { return kept; }
    header_map kept;
};

void send(call& c, header_list list) {
// CASE inject_into_a_copy
// EXPECT apm: these headers are a temporary, and what is written to them is lost with it: give them a name
#ifdef CASE_inject_into_a_copy
    apm::inject(c.headers());
#else
    apm::inject(c.own_headers());
#endif

// CASE add_trace_context_to_a_copy
// EXPECT apm: these headers are a temporary, and what is written to them is lost with it: give them a name
#ifdef CASE_add_trace_context_to_a_copy
    apm::add_trace_context(c.headers());
#else
    apm::add_trace_context(c.own_headers());
#endif

// CASE add_trace_context_to_what_is_moved
// EXPECT apm: these headers are a temporary, and what is written to them is lost with it: give them a name
#ifdef CASE_add_trace_context_to_what_is_moved
    apm::add_trace_context(std::move(list));
#else
    apm::add_trace_context(list);
#endif

// CASE add_trace_context_to_const_headers
// EXPECT apm: these headers are const, so nothing can be written to them
    const header_map constant;
#ifdef CASE_add_trace_context_to_const_headers
    apm::add_trace_context(constant);
#else
    static_cast<void>(apm::extract(constant));
#endif

// CASE headers_that_keep_nothing
// EXPECT apm: these headers do not keep the text that they are given
#ifdef CASE_headers_that_keep_nothing
    std::map<std::string_view, std::string_view> views;
#else
    std::map<std::string, std::string> views;
#endif
    apm::add_trace_context(views);

// CASE write_to_what_has_no_carrier
// EXPECT apm: no carrier to write headers to; see apm/propagation/carrier.hpp
#ifdef CASE_write_to_what_has_no_carrier
    apm::add_trace_context(c);
#else
    apm::add_trace_context(c.kept);
#endif

// CASE read_from_what_has_no_carrier
// EXPECT apm: no carrier to read headers from; see apm/propagation/carrier.hpp
#ifdef CASE_read_from_what_has_no_carrier
    static_cast<void>(apm::extract(c));
#else
    static_cast<void>(apm::extract(c.kept));
#endif

    // A function may be a temporary; and so may headers that are read.
    apm::inject([&](std::string_view name, std::string_view value) { list.emplace_back(name, value); });
    apm::add_trace_context([&](std::string_view name, std::string_view value) { list.emplace_back(name, value); });
    const apm::context read = apm::extract(c.headers());
    apm::add_trace_context(c.own_headers(), read);
}
