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

    // A function may be a temporary; and so may headers that are read.
    apm::inject([&](std::string_view name, std::string_view value) { list.emplace_back(name, value); });
    apm::add_trace_context([&](std::string_view name, std::string_view value) { list.emplace_back(name, value); });
    const apm::context read = apm::extract(c.headers());
    apm::add_trace_context(c.own_headers(), read);
}
