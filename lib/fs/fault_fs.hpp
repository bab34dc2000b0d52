#pragma once

#include <leash/config.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/function.hpp>
#include <string>

namespace LEASH_NAMESPACE::fs {

class MemoryFS;

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
    /// Called when a fault stops the machine, before the operation fails. No more than once for a plan.
    Function<void(const Context& context)> on_crash = nullptr;

    /// Called then with what a power cut would leave of a MemoryFS, once for each of `crash_clones` different ways in
    /// which that may be: the first has lost all that was not synced (`MemoryFS::crash_clone`). An Error is a finding
    /// of the sweep: what was acknowledged is gone, or what is left is no whole. The operation's Error tells it too.
    /// `left` is under no plan.
    Function<Result<void>(const Context& context, FileSystem& left)> after_crash = nullptr;
    unsigned crash_clones = 4;
  };

  /// `inner` must outlive this; handles need neither.
  explicit FaultFS(FileSystem& inner);
  FaultFS(FileSystem& inner, Options options);

  /// Over a file system in memory, which needs `MemoryFS::Options::crash_clones` for `Options::after_crash`. Over any
  /// other one that is not called.
  FaultFS(MemoryFS& inner, Options options);

 protected:
  Result<void> around(Operation& operation, Next next) override;

 private:
  /// Returns what is wrong with what a crash leaves; empty if nothing is.
  std::string crash(const Operation& operation) const;

  const Options options_;
  MemoryFS* const memory_ = nullptr;
};

}  // namespace LEASH_NAMESPACE::fs
