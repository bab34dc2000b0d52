#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/result.hpp>
#include <source_location>
#include <string>

namespace LEASH_NAMESPACE::fs::detail {

/// The name of a file that an operation has created, and removes if it does not come to its end. One thread at a time.
class CreatedFile {
 public:
  CreatedFile(Call call, FileSystem& files LEASH_LIFETIMEBOUND, std::string path);
  CreatedFile(const CreatedFile&) = delete;
  CreatedFile& operator=(const CreatedFile&) = delete;

  /// Removes the file, unless `keep` or `remove` was called: an exception is on its way.
  ~CreatedFile();

  void keep() noexcept { files_ = nullptr; }

  /// Removes the file since the operation has failed with `why`, also if its Context is done. Returns `why`; if the
  /// file cannot be removed, with the reason among its causes.
  [[nodiscard]] std::unexpected<Error> remove(const Error& why);

 private:
  FileSystem* files_;  ///< Null once it is kept or removed.
  const Context context_;
  const std::source_location site_;
  const std::string path_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
