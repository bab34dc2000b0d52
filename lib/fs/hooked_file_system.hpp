#pragma once

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/fs/operation.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/function_ref.hpp>

namespace LEASH_NAMESPACE::detail {
template <class Hook>
struct HookLink;
}

namespace LEASH_NAMESPACE::fs {

/// A file system whose operations, and those of the handles that it opens, all pass through one function, `around`. A
/// decorator that treats many operations alike derives from it and overrides that: it counts, logs, refuses, delays or
/// changes them (`CountingFS`, `LoggingFS`, `ReadOnlyFS`, `SubFS` do). An operation that is added to leash later passes
/// through it too.
///
///     class SlowFS : public leash::fs::HookedFileSystem {
///      public:
///       using HookedFileSystem::HookedFileSystem;
///
///      protected:
///       leash::Result<void> around(leash::fs::Operation& operation, Next next) override {
///         if (auto slept = leash::sleep_for(operation.context, 10ms); !slept) return slept;
///         return next();
///       }
///     };
///
/// The inner file system must outlive this one. A handle may outlive both: its operations then no longer pass through
/// `around`. To destroy this file system while an operation of a handle runs is a race, as it is for any object.
class HookedFileSystem : public ProxyFileSystem {
 public:
  explicit HookedFileSystem(FileSystem& inner);
  HookedFileSystem(HookedFileSystem&&) = delete;
  HookedFileSystem& operator=(HookedFileSystem&&) = delete;
  ~HookedFileSystem() override;

 protected:
  using Next = FunctionRef<Result<void>()>;

  /// What is opened through it.
  enum class Opens : unsigned char {
    always,      ///< `open` and `open_dir` pass through `around`.
    under_plan,  ///< Only where their Context has a `fault::Plan`; else the inner handle is returned itself.
  };

  HookedFileSystem(FileSystem& inner, Opens opens);

  /// Called for each operation, by any number of threads at once, after the public member has checked the Context and
  /// the arguments. `next` carries it out as `operation` says by then, and returns whether it succeeded; for operations
  /// of the file system by the public member of the inner one, which checks again what `around` may have changed. It
  /// may be called several times, or never.
  ///
  /// What `around` returns is what the caller of the operation gets: an Error, or the result of the last `next`. If
  /// that failed or there was none, success is a value of 0 or empty. But no handle can be made of nothing: `open`,
  /// `open_dir`, `File::map` and `File::release` then fail with the Error of `next`, or with `operation_canceled`.
  /// `File::close`, `Dir::close` and `Mapping::close` close in any case.
  ///
  /// Is not called for `native_handle` and `path`, for the bytes of a Mapping, nor for the end of a handle that was not
  /// closed; nor for what others do with the descriptor, as `copy_file` does between two that have one.
  virtual Result<void> around(Operation& operation, Next next);

 private:
  friend struct leash::detail::HookLink<HookedFileSystem>;

  Result<std::unique_ptr<File>> do_open(Call call, std::string_view path, const OpenOptions& options) final;
  Result<std::unique_ptr<Dir>> do_open_dir(Call call, std::string_view path) final;
  Result<FileInfo> do_stat(Call call, std::string_view path) final;
  Result<FileInfo> do_lstat(Call call, std::string_view path) final;
  Result<std::vector<DirEntry>> do_read_dir(Call call, std::string_view path) final;
  Result<std::vector<FileInfo>> do_read_dir_info(Call call, std::string_view path) final;
  Result<void> do_mkdir(Call call, std::string_view path, std::uint32_t mode) final;
  Result<void> do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) final;
  Result<void> do_remove(Call call, std::string_view path) final;
  Result<void> do_remove_file(Call call, std::string_view path) final;
  Result<void> do_remove_dir(Call call, std::string_view path) final;
  Result<void> do_remove_all(Call call, std::string_view path) final;
  Result<void> do_rename(Call call, std::string_view from, std::string_view to) final;
  Result<void> do_link(Call call, std::string_view existing, std::string_view path) final;
  Result<void> do_symlink(Call call, std::string_view target, std::string_view path) final;
  Result<std::string> do_read_link(Call call, std::string_view path) final;
  Result<void> do_chmod(Call call, std::string_view path, std::uint32_t mode) final;
  Result<void> do_set_times(Call call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified) final;
  Result<void> do_truncate(Call call, std::string_view path, std::uint64_t size) final;
  Result<void> do_sync_dir(Call call, std::string_view path) final;
  Result<Space> do_space(Call call, std::string_view path) final;

  bool passes(const Context& context) const noexcept;
  [[gnu::noinline]] Result<std::unique_ptr<File>> open_through(Call call, std::string_view path,
                                                               const OpenOptions& options);

  leash::detail::Ref<leash::detail::HookLink<HookedFileSystem>> link_;
  const Opens opens_;
};

}  // namespace LEASH_NAMESPACE::fs
