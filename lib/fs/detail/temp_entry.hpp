#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/result.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/tag.hpp>
#include <source_location>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs {

class FileSystem;

namespace detail {

/// What `TempFile` and `TempDir` have in common: the name that they remove at their end, and their tag.
class TempEntry {
 public:
  enum class Type : unsigned char { file, directory };

  /// Takes over what was just created at `path`. If the tracker is closed, removes it and returns the tracker's error
  /// of `operation`.
  [[nodiscard]] static Result<TempEntry> adopt(Call call, FileSystem& files, Type type, std::string path,
                                               std::string_view operation);

  TempEntry(TempEntry&& other) noexcept;
  TempEntry& operator=(TempEntry&& other) noexcept;
  ~TempEntry();

  /// Whether the name is still to be removed.
  bool owns() const noexcept { return files_ != nullptr; }

  [[nodiscard]] Result<void> remove(std::source_location site);
  void keep(std::source_location site) noexcept;
  std::string_view path() const noexcept { return path_; }
  std::source_location site() const noexcept { return site_; }

 private:
  TempEntry(Call call, FileSystem& files, Type type, std::string path);

  void end() noexcept;

  FileSystem* files_;
  Type type_;
  Context context_;  // What is removed is so though the Context that it was created with is done.
  std::source_location site_;
  std::string path_;
  track::Tag tag_;
};

}  // namespace detail
}  // namespace LEASH_NAMESPACE::fs
