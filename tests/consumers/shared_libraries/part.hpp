#pragma once

#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/net/dialer.hpp>
#include <memory>

struct UserId {
  using value_type = int;
};

/// What the library knows of what the program made.
struct Seen {
  int user_id = 0;
  bool is_memory_fs = false;
  bool is_proxy = false;
  bool canceled = false;
};

[[gnu::visibility("default")]] Seen look(const leash::Context& ctx, leash::fs::FileSystem& memory,
                                         leash::fs::FileSystem& files);
[[gnu::visibility("default")]] leash::Result<std::unique_ptr<leash::fs::File>> open_in_part(
    const leash::Context& ctx, leash::fs::FileSystem& files);
[[gnu::visibility("default")]] leash::Result<std::unique_ptr<leash::net::Conn>> dial_in_part(
    const leash::Context& ctx, leash::net::Dialer& dialer);
/// Throws `std::logic_error`, from within leash.
[[gnu::visibility("default")]] void misuse(const leash::Context& ctx);
