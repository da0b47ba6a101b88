// What /control answers: what is in effect, in lines; and what became of lines that were sent.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <apm/backend/http/route.hpp>
#include <apm/config.hpp>
#include <apm/control.hpp>
#include <apm/runtime/control/text.hpp>

namespace apm::inline APM_ABI::detail {

// All lines, or none: 400 says which are bad, and why (of many, the first 20); 409 that there is no room.
inline http_answer answer_control(bool change, std::string_view body, const control::state& start) {
    if (change) {
        const control_lines lines = read_control(body);
        std::string wrong;
        for (std::size_t i = 0; i < (std::min)(lines.bad.size(), most_bad_lines); ++i)
            wrong += "line " + std::to_string(lines.bad[i].number) + ": " + lines.bad[i].why + "\n";
        if (lines.bad.size() > most_bad_lines)
            wrong += "and " + std::to_string(lines.bad.size() - most_bad_lines) + " more bad lines\n";
        if (!wrong.empty()) return {400, wrong + "nothing was changed\n"};
        if (std::string why = apply_all(lines.edits, start); !why.empty()) return {409, why + "\nnothing was changed\n"};
    }
    return {200, words_for(control::now<mode::on>())};
}

// /control: for clients on this machine that show the token.
inline http_route control_endpoint(std::string_view token, control::state start) {
    const auto answer = [first = std::move(start)](const http_request& r) {
        http_answer a = answer_control(r.method == "POST" || r.method == "PUT", r.body, first);
        a.headers.emplace_back("Cache-Control", "no-store");
        return a;
    };
    return {.path = "/control",
            .answer = answer,
            .credentials = {"Bearer", std::string(token), "control"},
            .most_bytes = 64 << 10,
            .only_local = true};
}

}  // namespace apm::inline APM_ABI::detail
