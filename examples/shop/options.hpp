// What the shop's command line says.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>

namespace shop {

struct Options {
    std::uint64_t seconds = 20;
    std::uint64_t orders = UINT64_MAX;
    unsigned customers = 8;
    std::uint16_t port = 9464;
    bool tally = false;
    bool wait = false;
};

inline constexpr const char* usage =
    "usage: shop [--seconds N] [--threads N] [--orders N] [--port N] [--wait] [--tally]\n"
    "  --seconds N   how long the shop is open (20)\n"
    "  --threads N   customers at once (8)\n"
    "  --orders N    close after exactly N orders, however long that takes\n"
    "  --port N      where the page for Prometheus is served (9464; 0: any free port)\n"
    "  --wait        keep the page up after closing, until SIGTERM or Ctrl-C\n"
    "  --tally       print what the customers counted themselves\n";

// Ends the program with one line where the command line is wrong.
inline Options read(int argc, char** argv) {
    Options o;
    bool limited = false, timed = false;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        const auto number = [&](auto& target, bool& given, std::uint64_t low, std::uint64_t high) {
            const std::string_view text = i + 1 < argc ? argv[++i] : "";
            std::uint64_t n = 0;
            const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
            if (failed != std::errc{} || end != text.data() + text.size() || n < low || n > high) {
                std::fprintf(stderr, "shop: %s needs a number from %llu to %llu\n", std::string(name).c_str(),
                             static_cast<unsigned long long>(low), static_cast<unsigned long long>(high));
                std::exit(2);
            }
            target = static_cast<std::remove_reference_t<decltype(target)>>(n);
            given = true;
        };
        bool unused;
        if (name == "--seconds") number(o.seconds, timed, 0, 1'000'000);
        else if (name == "--orders") number(o.orders, limited, 0, 1'000'000'000);
        else if (name == "--threads") number(o.customers, unused, 1, 256);
        else if (name == "--port") number(o.port, unused, 0, 65'535);
        else if (name == "--tally") o.tally = true;
        else if (name == "--wait") o.wait = true;
        else if (name == "--help" || name == "-h") std::fputs(usage, stdout), std::exit(0);
        else std::fprintf(stderr, "shop: what is %s?\n%s", argv[i], usage), std::exit(2);
    }
    if (limited && !timed) o.seconds = 1'000'000;
    return o;
}

}  // namespace shop
