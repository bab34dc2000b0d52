#pragma once

#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>

namespace LEASH_NAMESPACE::fs {

/// A file system in which nothing can be changed: each operation that may change something that is stored, as
/// `Operation::changes` says, fails with `read_only_file_system`, and does not reach the inner file system. To open a
/// file for writing is such an operation, and so are `File::chmod` and `File::set_times`. All others go on as they are.
///
/// What others change in the inner file system is seen. A descriptor that was taken from a handle
/// (`File::native_handle`, `File::release`) is the system's, and does what that allows.
class ReadOnlyFS final : public HookedFileSystem {
 public:
  using HookedFileSystem::HookedFileSystem;

 protected:
  Result<void> around(Operation& operation, Next next) override;
};

}  // namespace LEASH_NAMESPACE::fs
