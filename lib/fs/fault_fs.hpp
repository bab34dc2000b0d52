#pragma once

#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/function.hpp>

namespace LEASH_NAMESPACE::fs {

/// A file system whose operations, and those of its handles, fail as the plan in their Context says (`fault::Plan`), or
/// as a run of `fault::sweep` wants it.
///
///     FaultFS faulty(memory);
///     TrackedFS files(faulty);
///
/// Where the Context has no plan, `open` and `open_dir` return the inner handle itself. What `fault::Effect::fail`
/// strikes does nothing, except that `close` closes in any case. What `copy_file` does between two files with
/// descriptors meets no faults (`HookedFileSystem::around`).
class FaultFS final : public HookedFileSystem {
 public:
  struct Options {
    /// Called when a fault stops the machine, before the operation fails: the moment for `MemoryFS::crash_clone`. No
    /// more than once for a plan.
    Function<void(const Context& context)> on_crash = nullptr;
  };

  /// `inner` must outlive this; handles need neither.
  explicit FaultFS(FileSystem& inner);
  FaultFS(FileSystem& inner, Options options);

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  const Function<void(const Context& context)> on_crash_;
};

}  // namespace LEASH_NAMESPACE::fs
