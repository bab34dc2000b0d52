#pragma once

#include <leash/config.hpp>
#include <leash/net/conformance/trial.hpp>
#include <string_view>

namespace LEASH_NAMESPACE::net::conformance {

/// Expects `text` to come through from one end to the other, where nothing else is on the way: it is written in a
/// thread of its own, since a transport need not hold any bytes. `when` is said of both operations: "after a timeout".
void expect_transfer(Trial& trial, Conn& from, Conn& to, std::string_view text, std::string_view when);

/// Expects bytes to come through each way.
void expect_works(Trial& trial, const Ends& ends, std::string_view when);

/// Expects a read to be at the end of the stream.
void expect_end(Trial& trial, const Result<std::string>& read, std::string_view what);

}  // namespace LEASH_NAMESPACE::net::conformance
