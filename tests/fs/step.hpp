#pragma once

#include <cstdint>
#include <leash/clock.hpp>
#include <leash/fs/file.hpp>
#include <leash/fs/file_lock.hpp>
#include <leash/fs/mapping.hpp>
#include <leash/fs/open_options.hpp>
#include <optional>
#include <string>

namespace differential {

enum class Kind : unsigned char {
  stat,
  lstat,
  read_dir,
  read_dir_info,
  list_in_pieces,
  mkdir,
  mkdir_all,
  remove,
  remove_file,
  remove_dir,
  remove_all,
  rename,
  link,
  symlink,
  read_link,
  chmod,
  set_times,
  truncate,
  sync_dir,
  space,
  open,
  file_read,
  file_write,
  file_read_at,
  file_write_at,
  file_seek,
  file_truncate,
  file_allocate,
  file_sync,
  file_sync_data,
  file_stat,
  file_chmod,
  file_set_times,
  file_try_lock,
  file_lock,
  file_unlock,
  file_close,
  map,
  map_read,
  map_write,
  map_sync,
  map_close,
  open_dir,
  dir_read,
  dir_stat,
  dir_close,
  tree,
};

inline constexpr unsigned files_kept = 5;
inline constexpr unsigned maps_kept = 3;
inline constexpr unsigned dirs_kept = 2;

/// One operation with its arguments, those that its kind has: a sequence of them can be replayed, and parts left out.
struct Step {
  Kind kind = Kind::tree;
  unsigned file = 0;  ///< Which of the handles that are kept.
  unsigned map = 0;
  unsigned dir = 0;
  std::string path = {};
  std::string other = {};  ///< The second path, or the target of a link.
  leash::fs::OpenOptions options = {};
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::int64_t by = 0;
  leash::fs::Whence whence = leash::fs::Whence::begin;
  std::uint32_t mode = 0;
  leash::fs::LockMode lock = leash::fs::LockMode::shared;
  leash::fs::MapMode mapping = leash::fs::MapMode::read;
  std::optional<leash::Clock::system_time_point> accessed = {};
  std::optional<leash::Clock::system_time_point> modified = {};
  char fill = 'a';
};

}  // namespace differential
