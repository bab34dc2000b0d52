#include <algorithm>
#include <leash/context.hpp>
#include <leash/detail/hook_link.hpp>
#include <leash/fault/detail/plan_state.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/os/descriptor.hpp>
#include <optional>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace detail {

using HookLink = leash::detail::HookLink<HookedFileSystem>;

namespace {

using leash::detail::Ref;

/// What a handle adds to those of the inner file system.
class Hooked {
 public:
  Hooked(Ref<HookLink> link, Context context) : link_(std::move(link)), context_(std::move(context)) {}

 protected:
  Operation operation(OperationKind kind, std::string_view path, std::source_location site) const {
    return {.kind = kind, .path = path, .context = context_, .site = site};
  }

  const Ref<HookLink> link_;
  const Context context_;
};

class HookedMapping final : Hooked, public ProxyMapping {
 public:
  HookedMapping(std::unique_ptr<Mapping> inner, Ref<HookLink> link, Context context)
      : Hooked(std::move(link), std::move(context)), ProxyMapping(std::move(inner)) {}

 private:
  Result<void> do_sync(std::source_location site) override {
    Operation op = operation(OperationKind::mapping_sync, path(), site);
    return link_->pass<void>(op, [&] { return ProxyMapping::do_sync(site); });
  }

  Result<void> do_close(std::source_location site) override {
    return link_->pass_close(operation(OperationKind::mapping_close, path(), site),
                             [&] { return ProxyMapping::do_close(site); });
  }
};

class HookedDir final : Hooked, public ProxyDir {
 public:
  HookedDir(std::unique_ptr<Dir> inner, Ref<HookLink> link, Context context)
      : Hooked(std::move(link), std::move(context)), ProxyDir(std::move(inner)) {}

 private:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override {
    Operation op = operation(OperationKind::dir_read, path(), site);
    op.size = max;
    return link_->pass<std::vector<DirEntry>>(
        op, [&] { return ProxyDir::do_read(static_cast<std::size_t>(std::min<std::uint64_t>(op.size, max)), site); });
  }

  Result<FileInfo> do_stat(std::source_location site) override {
    Operation op = operation(OperationKind::dir_stat, path(), site);
    return link_->pass<FileInfo>(op, [&] { return ProxyDir::do_stat(site); });
  }

  Result<void> do_close(std::source_location site) override {
    return link_->pass_close(operation(OperationKind::dir_close, path(), site),
                             [&] { return ProxyDir::do_close(site); });
  }
};

class HookedFile final : Hooked, public ProxyFile {
 public:
  HookedFile(std::unique_ptr<File> inner, Ref<HookLink> link, Context context, const OpenOptions& options)
      : Hooked(std::move(link), std::move(context)),
        ProxyFile(std::move(inner)),
        options_(options),
        position_(options.append ? Operation::unknown_offset : 0) {}

 private:
  Operation operation(OperationKind kind, std::source_location site, std::uint64_t offset = 0,
                      std::uint64_t size = 0) const {
    Operation op = Hooked::operation(kind, path(), site);
    op.options = &options_;
    op.offset = offset;
    op.size = size;
    return op;
  }

  static std::size_t bytes_of(const Operation& op, std::size_t most) noexcept {
    return static_cast<std::size_t>(std::min<std::uint64_t>(op.size, most));
  }

  /// Moves the position that the hook is told.
  void moved(bool known, std::uint64_t by) noexcept {
    if (options_.append || position_ == Operation::unknown_offset) return;
    position_ = known ? position_ + by : Operation::unknown_offset;
  }

  Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    Operation op = operation(OperationKind::file_read, site, position_, buffer.size());
    return link_->pass<std::size_t>(op, [&] {
      Result<std::size_t> count = ProxyFile::do_read(buffer.first(bytes_of(op, buffer.size())), site);
      op.transferred = count ? *count : count.error().transferred();
      moved(count.has_value(), op.transferred);
      return count;
    });
  }

  Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    Operation op = operation(OperationKind::file_write, site, position_, data.size());
    return link_->pass<void>(op, [&] {
      const std::size_t size = bytes_of(op, data.size());
      Result<void> written = ProxyFile::do_write(data.first(size), site);
      op.transferred = written ? size : written.error().transferred();
      moved(written.has_value(), op.transferred);
      return written;
    });
  }

  Result<std::size_t> do_read_at(std::span<std::byte> buffer, std::uint64_t offset,
                                 std::source_location site) override {
    Operation op = operation(OperationKind::file_read_at, site, offset, buffer.size());
    return link_->pass<std::size_t>(op, [&] {
      Result<std::size_t> count = ProxyFile::do_read_at(buffer.first(bytes_of(op, buffer.size())), offset, site);
      op.transferred = count ? *count : count.error().transferred();
      return count;
    });
  }

  Result<void> do_write_at(std::span<const std::byte> data, std::uint64_t offset, std::source_location site) override {
    Operation op = operation(OperationKind::file_write_at, site, offset, data.size());
    return link_->pass<void>(op, [&] {
      const std::size_t size = bytes_of(op, data.size());
      Result<void> written = ProxyFile::do_write_at(data.first(size), offset, site);
      op.transferred = written ? size : written.error().transferred();
      return written;
    });
  }

  Result<std::uint64_t> do_seek(std::int64_t offset, Whence whence, std::source_location site) override {
    Operation op = operation(OperationKind::file_seek, site, static_cast<std::uint64_t>(offset));
    return link_->pass<std::uint64_t>(op, [&] {
      Result<std::uint64_t> position = ProxyFile::do_seek(offset, whence, site);
      if (position && !options_.append) position_ = *position;
      return position;
    });
  }

  Result<void> do_truncate(std::uint64_t size, std::source_location site) override {
    Operation op = operation(OperationKind::file_truncate, site, 0, size);
    return link_->pass<void>(op, [&] { return ProxyFile::do_truncate(size, site); });
  }

  Result<void> do_allocate(std::uint64_t offset, std::uint64_t size, std::source_location site) override {
    Operation op = operation(OperationKind::file_allocate, site, offset, size);
    return link_->pass<void>(op, [&] { return ProxyFile::do_allocate(offset, size, site); });
  }

  Result<void> do_sync(std::source_location site) override {
    Operation op = operation(OperationKind::file_sync, site);
    return link_->pass<void>(op, [&] { return ProxyFile::do_sync(site); });
  }

  Result<void> do_sync_data(std::source_location site) override {
    Operation op = operation(OperationKind::file_sync_data, site);
    return link_->pass<void>(op, [&] { return ProxyFile::do_sync_data(site); });
  }

  Result<FileInfo> do_stat(std::source_location site) override {
    Operation op = operation(OperationKind::file_stat, site);
    return link_->pass<FileInfo>(op, [&] { return ProxyFile::do_stat(site); });
  }

  Result<void> do_chmod(std::uint32_t mode, std::source_location site) override {
    Operation op = operation(OperationKind::file_chmod, site);
    return link_->pass<void>(op, [&] { return ProxyFile::do_chmod(mode, site); });
  }

  Result<void> do_set_times(std::optional<Clock::system_time_point> accessed,
                            std::optional<Clock::system_time_point> modified, std::source_location site) override {
    Operation op = operation(OperationKind::file_set_times, site);
    return link_->pass<void>(op, [&] { return ProxyFile::do_set_times(accessed, modified, site); });
  }

  Result<void> do_try_lock(LockMode mode, LockRange range, std::source_location site) override {
    Operation op = operation(OperationKind::file_try_lock, site, range.offset, range.size);
    op.lock_mode = mode;
    return link_->pass<void>(op, [&] { return ProxyFile::do_try_lock(mode, range, site); });
  }

  Result<void> do_lock(Call call, LockMode mode, LockRange range) override {
    Operation op{.kind = OperationKind::file_lock,
                 .path = path(),
                 .options = &options_,
                 .lock_mode = mode,
                 .offset = range.offset,
                 .size = range.size,
                 .context = call.context(),
                 .site = call.site()};
    return link_->pass<void>(op, [&] { return ProxyFile::do_lock(call, mode, range); });
  }

  Result<void> do_unlock(LockRange range, std::source_location site) override {
    Operation op = operation(OperationKind::file_unlock, site, range.offset, range.size);
    return link_->pass<void>(op, [&] { return ProxyFile::do_unlock(range, site); });
  }

  Result<std::unique_ptr<Mapping>> do_map(std::uint64_t offset, std::size_t size, MapMode mode,
                                          std::source_location site) override {
    Operation op = operation(OperationKind::file_map, site, offset, size);
    op.map_mode = mode;
    Result<std::unique_ptr<Mapping>> mapping =
        link_->pass<std::unique_ptr<Mapping>>(op, [&] { return ProxyFile::do_map(offset, size, mode, site); });
    if (!mapping || !op.hooks_handle) return mapping;
    return std::make_unique<HookedMapping>(*std::move(mapping), link_, context_);
  }

  Result<int> do_release(std::source_location site) override {
    Operation op = operation(OperationKind::file_release, site);
    // Closed unless the caller gets it, which the hook may forbid afterwards.
    os::Descriptor released;
    Result<int> result = link_->pass<int>(op, [&] {
      Result<int> descriptor = ProxyFile::do_release(site);
      if (descriptor) released = os::Descriptor(*descriptor);
      return descriptor;
    });
    if (result) static_cast<void>(released.release());
    return result;
  }

  Result<void> do_close(std::source_location site) override {
    return link_->pass_close(operation(OperationKind::file_close, site), [&] { return ProxyFile::do_close(site); });
  }

  const OpenOptions options_;
  std::uint64_t position_;  ///< Where the next `read` or `write` begins, or `unknown_offset`.
};

Operation operation_of(OperationKind kind, Call call, std::string_view path) {
  return {.kind = kind, .path = path, .context = call.context(), .site = call.site()};
}

}  // namespace
}  // namespace detail

using detail::operation_of;

HookedFileSystem::HookedFileSystem(FileSystem& inner) : HookedFileSystem(inner, Opens::always) {}

HookedFileSystem::HookedFileSystem(FileSystem& inner, Opens opens)
    : ProxyFileSystem(inner), link_(new detail::HookLink(this)), opens_(opens) {}

HookedFileSystem::~HookedFileSystem() { link_->hook.store(nullptr, std::memory_order_release); }

Result<void> HookedFileSystem::around(Operation&, Next next) { return next(); }

bool HookedFileSystem::passes(const Context& context) const noexcept {
  return opens_ == Opens::always || fault::detail::find_plan(context) != nullptr;
}

Result<std::unique_ptr<File>> HookedFileSystem::do_open(Call call, std::string_view path, const OpenOptions& options) {
  if (!passes(call.context())) [[likely]]
    return ProxyFileSystem::do_open(call, path, options);
  return open_through(call, path, options);
}

// Apart, so that `do_open` needs no large frame where nothing passes through the hook.
Result<std::unique_ptr<File>> HookedFileSystem::open_through(Call call, std::string_view path,
                                                             const OpenOptions& options) {
  Operation op = operation_of(OperationKind::open, call, path);
  op.options = &options;
  Result<std::unique_ptr<File>> file =
      link_->pass<std::unique_ptr<File>>(op, [&] { return inner().open(call, op.path, options); });
  if (!file || !op.hooks_handle) return file;
  return std::make_unique<detail::HookedFile>(*std::move(file), link_, call.context(), options);
}

Result<std::unique_ptr<Dir>> HookedFileSystem::do_open_dir(Call call, std::string_view path) {
  if (!passes(call.context())) return ProxyFileSystem::do_open_dir(call, path);
  Operation op = operation_of(OperationKind::open_dir, call, path);
  Result<std::unique_ptr<Dir>> dir =
      link_->pass<std::unique_ptr<Dir>>(op, [&] { return inner().open_dir(call, op.path); });
  if (!dir || !op.hooks_handle) return dir;
  return std::make_unique<detail::HookedDir>(*std::move(dir), link_, call.context());
}

Result<FileInfo> HookedFileSystem::do_stat(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::stat, call, path);
  return link_->pass<FileInfo>(op, [&] { return inner().stat(call, op.path); });
}

Result<FileInfo> HookedFileSystem::do_lstat(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::lstat, call, path);
  return link_->pass<FileInfo>(op, [&] { return inner().lstat(call, op.path); });
}

Result<std::vector<DirEntry>> HookedFileSystem::do_read_dir(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::read_dir, call, path);
  return link_->pass<std::vector<DirEntry>>(op, [&] { return inner().read_dir(call, op.path); });
}

Result<std::vector<FileInfo>> HookedFileSystem::do_read_dir_info(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::read_dir_info, call, path);
  return link_->pass<std::vector<FileInfo>>(op, [&] { return inner().read_dir_info(call, op.path); });
}

Result<void> HookedFileSystem::do_mkdir(Call call, std::string_view path, std::uint32_t mode) {
  Operation op = operation_of(OperationKind::mkdir, call, path);
  return link_->pass<void>(op, [&] { return inner().mkdir(call, op.path, mode); });
}

Result<void> HookedFileSystem::do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) {
  Operation op = operation_of(OperationKind::mkdir_all, call, path);
  return link_->pass<void>(op, [&] { return inner().mkdir_all(call, op.path, mode); });
}

Result<void> HookedFileSystem::do_remove(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::remove, call, path);
  return link_->pass<void>(op, [&] { return inner().remove(call, op.path); });
}

Result<void> HookedFileSystem::do_remove_file(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::remove_file, call, path);
  return link_->pass<void>(op, [&] { return inner().remove_file(call, op.path); });
}

Result<void> HookedFileSystem::do_remove_dir(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::remove_dir, call, path);
  return link_->pass<void>(op, [&] { return inner().remove_dir(call, op.path); });
}

Result<void> HookedFileSystem::do_remove_all(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::remove_all, call, path);
  return link_->pass<void>(op, [&] { return inner().remove_all(call, op.path); });
}

Result<void> HookedFileSystem::do_rename(Call call, std::string_view from, std::string_view to) {
  Operation op = operation_of(OperationKind::rename, call, from);
  op.to = to;
  return link_->pass<void>(op, [&] { return inner().rename(call, op.path, op.to); });
}

Result<void> HookedFileSystem::do_link(Call call, std::string_view existing, std::string_view path) {
  Operation op = operation_of(OperationKind::link, call, existing);
  op.to = path;
  return link_->pass<void>(op, [&] { return inner().link(call, op.path, op.to); });
}

Result<void> HookedFileSystem::do_symlink(Call call, std::string_view target, std::string_view path) {
  Operation op = operation_of(OperationKind::symlink, call, path);
  op.target = target;
  return link_->pass<void>(op, [&] { return inner().symlink(call, target, op.path); });
}

Result<std::string> HookedFileSystem::do_read_link(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::read_link, call, path);
  return link_->pass<std::string>(op, [&] { return inner().read_link(call, op.path); });
}

Result<void> HookedFileSystem::do_chmod(Call call, std::string_view path, std::uint32_t mode) {
  Operation op = operation_of(OperationKind::chmod, call, path);
  return link_->pass<void>(op, [&] { return inner().chmod(call, op.path, mode); });
}

Result<void> HookedFileSystem::do_set_times(Call call, std::string_view path,
                                            std::optional<Clock::system_time_point> accessed,
                                            std::optional<Clock::system_time_point> modified) {
  Operation op = operation_of(OperationKind::set_times, call, path);
  return link_->pass<void>(op, [&] { return inner().set_times(call, op.path, accessed, modified); });
}

Result<void> HookedFileSystem::do_truncate(Call call, std::string_view path, std::uint64_t size) {
  Operation op = operation_of(OperationKind::truncate, call, path);
  op.size = size;
  return link_->pass<void>(op, [&] { return inner().truncate(call, op.path, size); });
}

Result<void> HookedFileSystem::do_sync_dir(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::sync_dir, call, path);
  return link_->pass<void>(op, [&] { return inner().sync_dir(call, op.path); });
}

Result<Space> HookedFileSystem::do_space(Call call, std::string_view path) {
  Operation op = operation_of(OperationKind::space, call, path);
  return link_->pass<Space>(op, [&] { return inner().space(call, op.path); });
}

}  // namespace LEASH_NAMESPACE::fs
