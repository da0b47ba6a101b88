#include <apm/tracing/shared_trace.hpp>

#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <apm/tracing/make_shared_trace.hpp>

#include "catch.hpp"
#include "threads.hpp"

using namespace apm::detail;

namespace {

shared_trace* with(std::string_view state, std::string_view baggage) {
    shared_trace* const made = make_shared_trace(static_cast<std::uint32_t>(state.size() + baggage.size()));
    if (!state.empty()) __builtin_memcpy(made->state(), state.data(), state.size());
    made->end_texts(static_cast<std::uint32_t>(state.size()), baggage.data(), static_cast<std::uint32_t>(baggage.size()));
    return made;
}
std::string state_of(const shared_trace& t) { return {t.state(), t.state_size}; }
std::string baggage_of(const shared_trace& t) { return {t.baggage(), t.baggage_size}; }
std::uint64_t idle() { return this_thread()->idle_traces_count.load(); }

}  // namespace

TEST_CASE("both texts are kept, and a copy has the state and other baggage") {
    const shared_trace_ref one(with("a=1,b=2", "tenant=acme"));
    CHECK(state_of(*one.get()) == "a=1,b=2");
    CHECK(baggage_of(*one.get()) == "tenant=acme");
    const shared_trace_ref copy(copy_with_baggage(one.get(), "x=y", 3)), alone(copy_with_baggage(nullptr, "x=y", 3));
    CHECK((state_of(*copy.get()) == "a=1,b=2" && baggage_of(*copy.get()) == "x=y"));
    CHECK((state_of(*alone.get()).empty() && baggage_of(*alone.get()) == "x=y"));
    CHECK_FALSE(one == copy);
    CHECK(one == shared_trace_ref(with("a=1,b=2", "tenant=acme")));
    CHECK_FALSE(one == shared_trace_ref(with("a=1,b=2tenant=acme", "")));
    CHECK(shared_trace_ref() == shared_trace_ref(with("", "")));
}

TEST_CASE("the last reference gives the object to this thread, which uses it again") {
    this_thread();
    shared_trace* const first = with("a=1", "");
    const std::uint64_t before = idle();
    {
        const shared_trace_ref one(first), two = one;
        CHECK(first->references == 2);
    }
    CHECK(idle() == before + 1);
    const shared_trace_ref again(with("b=2", ""));
    CHECK(again.get() == first);
    CHECK(idle() == before);
    { const shared_trace_ref large(with(std::string(1'000, 'a'), "")); }
    CHECK(idle() == before);  // freed: only objects of the usual size are used again
}

TEST_CASE("no more than some idle objects are kept") {
    this_thread();
    shared_trace* all[100];
    for (auto& t : all) t = with("a=1", "");
    for (auto* t : all) release(t);
    CHECK(idle() == 16);
}

TEST_CASE("a thread that does not trace frees what it lets go of, and stays as it is") {
    shared_trace_ref one(with("a=1", ""));
    std::thread([&] {
        one = {};
        CHECK(attached_thread() == nullptr);
    }).join();
    CHECK(one.get() == nullptr);
}

TEST_CASE("one that shares another's buffer lets go of that one, and the last of them frees it") {
    std::vector<shared_trace_ref> held;
    while (idle()) held.emplace_back(with("", ""));
    shared_trace* const owner = with("a=1", "");
    owner->tail = static_cast<tail_buffer*>(calloc(1, sizeof(tail_buffer)));  // a leak, or a second free, is for AddressSanitizer
    shared_trace* const sharer = copy_with_baggage(owner, "x=y", 3);
    sharer->tail = owner->tail;
    sharer->next = retain(owner);
    release(owner);
    CHECK(owner->references == 1);
    CHECK(idle() == 0);
    release(sharer);
    CHECK(idle() == 2);
}

TEST_CASE("eight threads share one") {
    const shared_trace_ref one(with("a=1", "b=2"));
    in_threads(8, [&](std::size_t) {
        for (std::size_t i = 0; i < repeat(20'000); ++i) {
            const shared_trace_ref mine = one;
            if (state_of(*mine.get()) != "a=1") std::abort();
        }
    });
    CHECK(one.get()->references == 1);
}

TEST_CASE("one that is not counted is never freed") {
    shared_trace* const constant = with("a=1", "");
    constant->references = 0;
    { const shared_trace_ref one(constant), two(retain(constant)); }
    CHECK(state_of(*constant) == "a=1");
    CHECK(constant->references == 0);
    constant->references = 1;
    release(constant);
}
