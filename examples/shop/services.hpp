// The three services. Each answers until its end has come, and then says what it measured.
#pragma once

#include <csignal>
#include <string>

#include "options.hpp"

namespace shop {

// `endpoint`: what is to be said of the endpoint for Prometheus. `signals`: SIGINT and SIGTERM, which are blocked.
namespace gateway { void run(const Options& options, const std::string& endpoint, const sigset_t& signals); }
namespace orders  { void run(const Options& options, const std::string& endpoint, const sigset_t& signals); }
namespace payment { void run(const Options& options, const std::string& endpoint, const sigset_t& signals); }

}  // namespace shop
