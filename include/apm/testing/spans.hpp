// For a user's own tests: what did this call trace?
//
//     apm::testing::span_probe probe;
//     check_out(basket);
//     REQUIRE(probe.tree() == "checkout{reserve,pay{bank}}");
//     REQUIRE(probe.tree({"order_id"}) == "checkout[order_id=7]{reserve,pay{bank}}");
//     REQUIRE(probe.find("pay")->attribute<int>("amount") == 995);
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <apm/backend/console/span_text.hpp>
#include <apm/backend/console/span_tree.hpp>
#include <apm/backend/span_data.hpp>
#include <apm/config.hpp>
#include <apm/spans.hpp>

namespace apm::inline APM_ABI::testing {

// `checkout[order_id=7 coupon="X"]{reserve,pay{bank}},another`: names, nesting and order of start, and of each span the chosen
// attributes that it has. `?{...}`: children of a parent that is not there. Names are not escaped.
inline std::string shape(const span_tree& tree, std::initializer_list<std::string_view> chosen = {}) {
    std::string text;
    std::size_t depth = 0;
    bool first = true;
    tree.each([&](const span_tree::place& at) {
        if (at.depth > depth) text += '{';
        else if (!first) text.append(depth - at.depth, '}') += ',';
        depth = at.depth, first = false;
        if (!at.span) return void(text += '?');
        text += at.span->name;
        char before = '[';
        for (const std::string_view name : chosen)
            for (const attribute_data& a : at.span->attributes) {
                if (a.name != name) continue;
                detail::put_shown(text += before, a, detail::all_of_it);
                before = ' ';
            }
        if (before == ' ') text += ']';
    });
    return text.append(depth, '}');
}

// Sees the spans that end after its construction, on whatever thread. Not to be shared by threads.
// It takes them out of the process (apm::drain_spans): one at a time, and not beside a runtime: one that exports spans takes them
// first, one that does not switches them off while it lives. A thread's ring holds 1,000 spans without attributes (64 KiB) from
// one look to the next; lost() says whether that was too little.
class span_probe {
public:
    span_probe() { restart(); }
    span_probe(const span_probe&) = delete;
    span_probe& operator=(const span_probe&) = delete;

    // Forgets what ended before this call.
    void restart() {
        look();
        all_.clear();
        lost_before_ = count_spans().dropped();
    }

    // Every call of these looks anew. In order of start; of spans that start together, a parent first.
    [[nodiscard]] std::vector<span_data> spans() {
        std::vector<span_data> copies;
        for (const span_data* s : in_order()) copies.push_back(*s);
        return copies;
    }
    // The first of that name, or null. Good until restart().
    [[nodiscard]] const span_data* find(std::string_view name) {
        for (const span_data* s : in_order())
            if (s->name == name) return s;
        return nullptr;
    }
    // See shape().
    [[nodiscard]] std::string tree(std::initializer_list<std::string_view> attributes = {}) {
        look();
        return shape(span_tree(all_), attributes);
    }
    // For people, with durations: for the message of a test that failed.
    [[nodiscard]] std::string text() {
        look();
        return to_text(span_tree(all_));
    }
    // How many spans were dropped since then, for want of room.
    [[nodiscard]] std::uint64_t lost() const { return count_spans().dropped() - lost_before_; }

private:
    void look() {
        for (bool more = true; more;) {
            const span_batch batch = drain_spans();
            for (const span_view& s : batch.spans) all_.push_back(span_data::of(s));
            more = batch.more;
        }
    }
    std::vector<const span_data*> in_order() {
        look();
        std::vector<std::tuple<std::uint64_t, std::size_t, const span_data*>> order;
        span_tree(all_).each([&](const span_tree::place& at) {
            if (at.span) order.emplace_back(at.span->start, order.size(), at.span);
        });
        std::sort(order.begin(), order.end());
        std::vector<const span_data*> result;
        for (const auto& [start, place, s] : order) result.push_back(s);
        return result;
    }
    std::deque<span_data> all_;  // of which none moves
    std::uint64_t lost_before_ = 0;
};

}  // namespace apm::inline APM_ABI::testing
