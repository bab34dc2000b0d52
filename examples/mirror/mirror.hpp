#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <leash/context.hpp>
#include <leash/error.hpp>
#include <leash/fs/file_system.hpp>
#include <optional>
#include <string>
#include <vector>

#include "client.hpp"

namespace mirror {

/// What a tree holds that can be sent, and what it holds besides.
struct Listing {
  std::vector<std::string> files;
  std::size_t folders = 0;
  std::size_t others = 0;            ///< Links, sockets, devices: passed over.
  std::vector<leash::Error> errors;  ///< Folders that could not be read.
};

/// Lists `files` from its root. An Error is that of the Context, or of the root itself.
leash::Result<Listing> list(const leash::Context& context, leash::fs::FileSystem& files);

/// What became of the files of a listing.
struct Summary {
  std::vector<std::string> stored;
  std::size_t refused = 0;
  std::uint64_t bytes = 0;
  std::vector<leash::Error> unreadable;
  std::optional<leash::Error> failure;  ///< What ended the work early, if anything.
};

/// Sends all files of the listing, four at a time. `progress` is told how many are done, by one thread at a time.
Summary send_all(const leash::Context& context, Client& client, const Listing& listing,
                 const std::function<void(std::size_t)>& progress = {});

/// The first of `paths` that is not the same in both file systems, or an Error if one cannot be read.
leash::Result<std::optional<std::string>> first_difference(const leash::Context& context, leash::fs::FileSystem& a,
                                                           leash::fs::FileSystem& b,
                                                           const std::vector<std::string>& paths);

}  // namespace mirror
