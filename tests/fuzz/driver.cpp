// Runs a target where there is no libFuzzer: each input as it is, each of its beginnings, and a number of inputs that are made of
// them; the same ones every time.
//   fuzz-<target> <directory of inputs> <number>
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz.hpp"

namespace {

std::mt19937_64 source(1);
std::size_t below(std::size_t n) { return n ? static_cast<std::size_t>(source() % n) : 0; }

const char* const words[] = {",", ";", "=", ":", "-", "%", "\n", " ", "\t", "~", "0", "1", "ff", "00-", "%3A", "%2C", "%ff", "dd=", "ot=th:",
                             "_dd.p.", "Sampled=?", "Root=1-", "18446744073709551616", "0000000000000000", "\xc3\xa9", "\x7f"};

void change(std::string& text, const std::vector<std::string>& inputs) {
    const std::size_t at = below(text.size() + 1);
    switch (below(8)) {
        case 0:
            if (at < text.size()) text[at] = static_cast<char>(source());
            break;
        case 1:
            if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
            break;
        case 2: text.erase(at, 1 + below(8)); break;
        case 3: text.insert(at, 1, static_cast<char>(source())); break;
        case 4: text.insert(at, words[below(std::size(words))]); break;
        case 5: text.insert(at, text.substr(below(text.size() + 1), below(40))); break;
        case 6: {
            const std::string& other = inputs[below(inputs.size())];
            text = text.substr(0, at) + other.substr(below(other.size() + 1));
            break;
        }
        case 7:
            if (below(50) == 0) text.insert(at, below(9000), at ? text[at - 1] : 'a');
            break;
    }
    if (text.size() > 20000) text.resize(20000);
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) return 2;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[1])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> inputs;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    if (inputs.empty()) return 2;
    for (const std::string& input : inputs)
        for (std::size_t n = input.size() > 300 ? input.size() : 0; n <= input.size(); ++n) fuzz(std::string_view(input).substr(0, n));
    const std::size_t rounds = static_cast<std::size_t>(std::atoll(arguments[2]));
    for (std::size_t i = 0; i < rounds; ++i) {
        std::string text = inputs[below(inputs.size())];
        for (std::size_t n = 1 + below(6); n > 0; --n) change(text, inputs);
        fuzz(text);
    }
    std::printf("%zu inputs, and %zu made of them\n", inputs.size(), rounds);
}
