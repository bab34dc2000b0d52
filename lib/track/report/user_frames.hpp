#pragma once

#include <leash/config.hpp>
#include <leash/track/report.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::track::detail {

/// Whether the reader wrote what is at `site`. One in the standard library is that of a forwarding template:
/// `std::make_unique<Client>(ctx)`.
bool is_users(const Site& site);

/// The frames that a reader has use for.
std::vector<Frame> user_frames(const Stack& stack);

/// The function, abridged, and the file in which the reader's code caused `event`; empty where they are not known.
struct FunctionAndFile {
  std::string function;
  std::string file;
};
FunctionAndFile place_of(const Event& event);

}  // namespace LEASH_NAMESPACE::track::detail
