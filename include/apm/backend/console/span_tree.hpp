// Finished spans as trees, whatever the order in which they came: children end before their parents, threads in any order.
//
//     const apm::span_tree tree(spans);
//     tree.each([](const apm::span_tree::place& at) { if (at.span) ... at.depth ... });
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <apm/backend/span_data.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI {

// Looks at spans, which must outlive it. Roots and siblings are in order of start; of those that start together, in order of end,
// and then as they were given. Where a span's parent in this process is not among them, a place without a span stands for the
// parent, with all of its children that are there below it. A span with a parent in another process is a root, unless the
// parent is here. Built in O(n log n), walked in O(n), with no recursion.
class span_tree {
public:
    // One line of it.
    struct place {
        const span_data* span;  // null: stands for the parent `missing`
        span_key missing;
        std::size_t depth;      // 0: a root
        bool last, leaf;        // has no sibling behind it; has no children
    };

    // `Spans`: a container of span_data.
    template <class Spans>
    explicit span_tree(const Spans& spans) {
        for (const span_data& s : spans) nodes_.push_back({.span = &s, .given = nodes_.size()});
        std::sort(nodes_.begin(), nodes_.end(), [](const node& a, const node& b) {
            return std::tuple(a.span->start, a.span->end(), a.given) < std::tuple(b.span->start, b.span->end(), b.given);
        });
        find_parents();
        cut_cycles();
        link_children();
    }
    template <class Spans>
    explicit span_tree(const Spans&& spans) = delete;  // it would look at what is gone

    // Calls f(place) for each, a parent before its children.
    template <class F>
    void each(F&& f) const {
        std::size_t at = roots_.first, depth = 0;
        while (at != none) {
            const node& n = nodes_[at];
            f(place{n.span, n.missing, depth, n.next == none, n.children.first == none});
            if (n.children.first != none) {
                at = n.children.first;
                ++depth;
                continue;
            }
            for (; at != none && nodes_[at].next == none; at = nodes_[at].parent) depth -= depth > 0;
            if (at != none) at = nodes_[at].next;
        }
    }

private:
    static constexpr std::size_t none = ~std::size_t{0};
    struct list {
        std::size_t first = none, last = none;
    };
    struct node {
        const span_data* span;
        std::size_t given = 0;
        span_key missing = {};
        std::size_t parent = none, next = none;
        list children = {};
    };

    void find_parents() {
        std::unordered_map<span_key, std::size_t, span_key::hash> by_key;
        by_key.reserve(nodes_.size());
        for (std::size_t i = 0; i < nodes_.size(); ++i) by_key.emplace(nodes_[i].span->key(), i);
        for (node& n : nodes_) {
            if (n.span->parent == 0) continue;
            if (const auto found = by_key.find(n.span->parent_key()); found != by_key.end()) n.parent = found->second;
        }
    }
    // No program records such spans; made up or damaged, they must not be lost, nor loop.
    void cut_cycles() {
        enum : char { unseen, above, done };
        std::vector<char> seen(nodes_.size(), unseen);
        std::vector<std::size_t> path;
        for (std::size_t i = 0; i < nodes_.size(); ++i) {
            std::size_t at = i;
            for (path.clear(); at != none && seen[at] == unseen; at = nodes_[at].parent) {
                seen[at] = above;
                path.push_back(at);
            }
            if (at != none && seen[at] == above) nodes_[at].parent = none;
            for (const std::size_t p : path) seen[p] = done;
        }
    }
    void link_children() {
        std::unordered_map<span_key, std::size_t, span_key::hash> stand_ins;
        const std::size_t count = nodes_.size();
        for (std::size_t i = 0; i < count; ++i) {
            if (nodes_[i].parent == none && !nodes_[i].span->is_local_root()) {
                const span_key missing = nodes_[i].span->parent_key();
                const auto [at, is_new] = stand_ins.try_emplace(missing, nodes_.size());
                if (is_new) {
                    nodes_.push_back({.span = nullptr, .missing = missing});
                    append(roots_, at->second);
                }
                nodes_[i].parent = at->second;
            }
            append(nodes_[i].parent == none ? roots_ : nodes_[nodes_[i].parent].children, i);
        }
    }
    void append(list& to, std::size_t i) {
        (to.last == none ? to.first : nodes_[to.last].next) = i;
        to.last = i;
    }

    std::vector<node> nodes_;  // the spans, and behind them the stand-ins
    list roots_;
};

}  // namespace apm::inline APM_ABI
