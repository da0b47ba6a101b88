// Hashes: one for constant evaluation (names), one for run-time keys.
#pragma once

#include <cstddef>
#include <cstdint>

#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail {

// FNV-1a, 64 bits (http://www.isthe.com/chongo/tech/comp/fnv/): few steps a byte, which is what constant evaluation counts.
inline constexpr std::uint64_t fnv_basis = 14695981039346656037u;
constexpr std::uint64_t fnv(std::uint64_t hash, char c) {
    return (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
}
constexpr std::uint64_t fnv(std::uint64_t hash, const char* text) {
    while (*text) hash = fnv(hash, *text++);
    return fnv(hash, '\0');  // "ab","c" and "a","bc" differ
}
// A number in one step, rather than one for each byte; its upper half comes down, where the product would not bring it.
constexpr std::uint64_t fnv_number(std::uint64_t hash, std::uint64_t n) {
    hash = (hash ^ n) * 1099511628211u;
    return hash ^ hash >> 32;
}

__extension__ typedef unsigned __int128 uint128;  // __extension__: clean under -Wpedantic

// Multiply and fold: the 64x64 product's halves, one into the other.
APM_INLINE std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    const uint128 product = static_cast<uint128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// The least there is to load: whole words, of which the last may overlap the one before it.
template <class Word>
APM_INLINE std::uint64_t word_at(const char* bytes) {
    Word word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

// Eight bytes a step. Seeded by the caller, since label values may come from strangers.
APM_INLINE std::uint64_t hash_bytes(std::uint64_t seed, const char* bytes, std::size_t size) {
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15u;  // 2^64 / golden ratio
    std::uint64_t hash = seed ^ (size * odd);
    const char* const end = bytes + size;
    std::uint64_t tail = 0;
    if (size >= 8) {
        for (; end - bytes > 8; bytes += 8) hash = mix(hash ^ word_at<std::uint64_t>(bytes), odd);
        tail = word_at<std::uint64_t>(end - 8);
    } else if (size >= 4) {
        tail = word_at<std::uint32_t>(bytes) | word_at<std::uint32_t>(end - 4) << 32;
    } else if (size > 0) {
        tail = word_at<unsigned char>(bytes) | word_at<unsigned char>(bytes + size / 2) << 8 |
               word_at<unsigned char>(end - 1) << 16;
    }
    return mix(hash ^ tail, odd);
}

// Not memcmp: a call costs more than most labels are long.
APM_INLINE bool same_bytes(const char* a, const char* b, std::size_t size) {
    if (size >= 8) {
        for (; size > 8; a += 8, b += 8, size -= 8)
            if (word_at<std::uint64_t>(a) != word_at<std::uint64_t>(b)) return false;
        a -= 8 - size, b -= 8 - size;
        return word_at<std::uint64_t>(a) == word_at<std::uint64_t>(b);
    }
    if (size >= 4)
        return word_at<std::uint32_t>(a) == word_at<std::uint32_t>(b) &&
               word_at<std::uint32_t>(a + size - 4) == word_at<std::uint32_t>(b + size - 4);
    for (std::size_t i = 0; i < size; ++i)
        if (a[i] != b[i]) return false;
    return true;
}

}  // namespace apm::inline APM_ABI::detail
