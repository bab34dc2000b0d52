#pragma once

#include <leash/config.hpp>
#include <leash/net/conformance.hpp>
#include <leash/net/conformance/trial.hpp>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {

// What checks expect most often.
inline constexpr auto closed = std::errc::bad_file_descriptor;
inline constexpr auto canceled = std::errc::operation_canceled;
inline constexpr auto timed_out = std::errc::timed_out;

/// One check: its name, and what it does.
struct Check {
  std::string_view name;
  void (*body)(Trial& trial);
};

/// Runs those of `checks` that the options ask for; each also with its ends exchanged, if there is a `make_pair`.
std::vector<ConformanceFailure> run(const std::vector<Check>& checks, Subject subject);

// All checks, in the order of their names' tables.
std::vector<Check> transfer_checks();
std::vector<Check> deadline_checks();
std::vector<Check> closing_checks();
std::vector<Check> property_checks();
std::vector<Check> dialling_checks();
std::vector<Check> listening_checks();

}  // namespace LEASH_NAMESPACE::net::conformance
