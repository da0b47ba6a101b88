// gzip (RFC 1952), for the bodies of requests and answers.
#pragma once

#include <limits>
#include <string>
#include <string_view>

#include <zlib.h>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// At the level that costs least. False, and `out` is of no use, where memory is short. Any thread.
inline bool gzipped(std::string_view text, std::string& out) {
    z_stream z{};
    constexpr int window_with_gzip_header = 15 + 16, memory = 8;
    if (text.size() > (std::numeric_limits<uInt>::max)() ||
        deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, window_with_gzip_header, memory, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    struct end {
        z_stream& of;
        ~end() { deflateEnd(&of); }
    } const at_return{z};
    out.resize(deflateBound(&z, text.size()));
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) return false;
    out.resize(z.total_out);
    out.shrink_to_fit();  // it may wait for long
    return true;
}

}  // namespace apm::inline APM_ABI::detail
