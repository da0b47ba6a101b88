// ctest: LABELS serial
#include <apm/detail/guarded.hpp>

#include <exception>
#include <new>
#include <string>

#include "catch.hpp"
#include "runtime/control/no_memory.hpp"

using apm::detail::guarded;

namespace {

struct wordy : std::exception {
    const char* what() const noexcept override { return "a text that is longer than what a std::string holds by itself"; }
};

}  // namespace

TEST_CASE("what is returned is passed on, and what is thrown becomes words") {
    CHECK(guarded([] { return std::string("all is well"); }) == "all is well");
    CHECK(guarded([]() -> std::string { throw wordy(); }) == std::string("threw: ") + wordy().what());
    CHECK(guarded([]() -> std::string { throw 1; }) == "threw");
    CHECK(guarded([]() -> std::string { throw std::bad_alloc(); }) == "no memory");
}

TEST_CASE("without memory nothing is thrown: there are shorter words") {
    std::string said;
    CHECK_FALSE(throws_at(0, [&] { said = guarded([]() -> std::string { throw std::bad_alloc(); }); }));
    CHECK(said == "no memory");
    CHECK_FALSE(throws_at(0, [&] { said = guarded([]() -> std::string { throw wordy(); }); }));
    CHECK(said == "threw");
}
