// The name of a spooled file, which is all that is known of it once its process is gone:
//
//     000000000017.512.9ae0daaf.protobuf.gzip.ending      place in the order, items, checksum, encoding, compression, protocol
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <apm/backend/delivery/protocol.hpp>
#include <apm/backend/delivery/queue.hpp>
#include <apm/config.hpp>
#include <apm/detail/hex.hpp>
#include <apm/detail/number.hpp>

namespace apm::inline APM_ABI::detail::delivery {

inline std::string spool_name(const protocol& p, std::uint64_t order, const batch& b) {
    const std::string number = std::to_string(order);
    std::string name(number.size() < 12 ? 12 - number.size() : 0, '0');
    append_hex(name.append(number).append(".").append(std::to_string(b.items)).append("."), b.checksum, 8);
    name.append(".").append(p.encodings[b.encoding].name);
    return name.append(b.gzip ? ".gzip." : ".").append(p.file_ending);
}

// Reads such a name; false where it is not such a name, or not this protocol's.
inline bool read_spool_name(const protocol& p, std::string_view name, batch& b) {
    const auto next = [&name] {
        const std::size_t dot = name.find('.');
        const std::string_view part = name.substr(0, dot);
        name.remove_prefix(dot == name.npos ? name.size() : dot + 1);
        return part;
    };
    constexpr std::uint64_t most_items = std::uint64_t{1} << 32;
    std::uint64_t order = 0, checksum = 0;
    if (!read_integer(next(), order) || !read_integer(next(), b.items, 0, most_items)) return false;
    if (const std::string_view digits = next(); digits.size() > 8 || !read_hex(digits, checksum)) return false;
    b.checksum = static_cast<std::uint32_t>(checksum);
    const std::string_view encoding = next();
    for (b.encoding = 0; b.encoding < p.encodings.size() && p.encodings[b.encoding].name != encoding;) ++b.encoding;
    b.gzip = name.starts_with("gzip.");
    if (b.gzip) name.remove_prefix(5);
    return b.encoding < p.encodings.size() && name == p.file_ending;
}

}  // namespace apm::inline APM_ABI::detail::delivery
