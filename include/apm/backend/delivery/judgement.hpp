// What a reply, or its absence, means for the batch: delivered, lost, or to be sent again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include <apm/backend/delivery/outcome.hpp>
#include <apm/backend/delivery/protocol.hpp>
#include <apm/backend/delivery/reply.hpp>
#include <apm/config.hpp>

namespace apm::inline APM_ABI::detail::delivery {

struct judgement {
    enum class action : std::uint8_t { delivered, retry, lost } outcome = action::delivered;
    failure kind = failure::none;    // what there is to say; a success can have something, too
    loss cause = loss::rejected;     // where it is lost
    std::uint64_t rejected = 0;      // items of a success that the receiver did not take
    std::string message = {};        // the receiver's own
};

inline response read_reply(const protocol& p, const reply& r, std::uint8_t encoding) {
    if (!p.read || r.body.empty()) return {};
    try {
        return p.read(r, encoding);
    } catch (...) {
        return {.readable = false};
    }
}

// 2xx is a success; no answer, and the statuses that the protocol says, are worth another attempt, nothing else is.
inline judgement judge(const protocol& p, const reply& r, std::uint64_t items, std::uint8_t encoding = 0) {
    using action = judgement::action;
    judgement j;
    const failure transfer = failure_of_transfer(r);
    if (transfer == failure::reply_too_long) return {action::lost, transfer, loss::bad_reply};
    // A receiver that rejects early may cut the connection while the rest of the request is on its way.
    if (transfer != failure::none && r.status < 300)
        return {transfer == failure::bad_url ? action::lost : action::retry, transfer};
    j.kind = failure_of_status(r.status, p.retryable(r.status));
    const response said = read_reply(p, r, encoding);
    j.message = said.message;
    if (j.kind != failure::none) {
        j.outcome = j.kind == failure::busy ? action::retry : action::lost;
        return j;
    }
    j.rejected = (std::min)(items, static_cast<std::uint64_t>(std::max<std::int64_t>(said.rejected, 0)));
    j.kind = !said.readable         ? failure::unreadable
             : j.rejected           ? failure::partial
             : !said.message.empty() ? failure::warning
                                     : failure::none;
    return j;
}

}  // namespace apm::inline APM_ABI::detail::delivery
