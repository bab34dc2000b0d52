#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <leash/fs/detail/beneath.hpp>
#include <leash/fs/detail/disk_attributes.hpp>
#include <leash/fs/detail/disk_dir.hpp>
#include <leash/fs/detail/disk_file.hpp>
#include <leash/fs/detail/disk_info.hpp>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/named.hpp>
#include <leash/fs/detail/outcome.hpp>
#include <leash/fs/detail/remove_tree.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/path.hpp>
#include <leash/os/last_error.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using detail::Outcome;
using detail::refuse;
using detail::refuse_last;

int open_flags(const OpenOptions& options) noexcept {
  // Without O_NONBLOCK, opening a FIFO waits for its other end.
  int flags = O_NONBLOCK | O_NOCTTY;
  if (options.write) {
    flags |= options.read ? O_RDWR : O_WRONLY;
  } else {
    flags |= O_RDONLY;
  }
  if (options.unnamed) flags |= O_TMPFILE;
  if (options.append) flags |= O_APPEND;
  if (options.create) flags |= O_CREAT;
  if (options.exclusive) flags |= O_EXCL;
  if (options.truncate) flags |= O_TRUNC;
  if (options.directory) flags |= O_DIRECTORY;
  if (options.no_follow) flags |= O_NOFOLLOW;
  return flags;
}

/// Makes `system_call` until no signal interrupts it.
template <class SystemCall>
Outcome<void> done(SystemCall system_call) {
  if (os::retry(system_call) != 0) return refuse_last();
  return {};
}

/// The Error of an operation that failed with `code`; with the cause, if it is the Context that ended it.
std::unexpected<Error> failed(Call call, std::string_view operation, std::string_view path, std::error_code code) {
  if (code == call.context().error()) return std::unexpected(call.context().check(operation, path).error());
  return fail(operation, path, code);
}

std::unexpected<Error> failed(Call call, std::string_view operation, std::string_view from, std::string_view to,
                              std::error_code code) {
  return failed(call, operation, std::string(from).append(" -> ").append(to), code);
}

/// The descriptor of the root; of one that was moved from, -1, which the system calls refuse.
int descriptor_of(const detail::Root* root) noexcept { return root != nullptr ? root->directory.get() : -1; }

Outcome<os::Descriptor> open_path(const detail::Root* root, Call call, std::string_view path, int flags,
                                  unsigned mode = 0) {
  if (root == nullptr) return refuse(std::errc::bad_file_descriptor);
  return detail::open_beneath(*root, call.context(), path, flags, mode);
}

/// The directory a path stands in, open or borrowed from the root, and the name in it.
struct Parent {
  os::Descriptor held;
  int directory = -1;
  std::string name;
};

Outcome<Parent> open_parent(const detail::Root* root, Call call, std::string_view path) {
  if (path.size() > detail::max_path_size) return refuse(std::errc::filename_too_long);
  Parent parent{{}, descriptor_of(root), std::string(base_name(path))};
  if (const std::string_view directory = parent_path(path); directory != ".") {
    Outcome<os::Descriptor> opened = open_path(root, call, directory, O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    parent.held = *std::move(opened);
    parent.directory = parent.held.get();
  }
  return parent;
}

/// Opens what is no directory, unless the options ask for one.
Outcome<os::Descriptor> open_checked(const detail::Root* root, Call call, std::string_view path,
                                     const OpenOptions& options) {
  Outcome<os::Descriptor> file = open_path(root, call, path, open_flags(options), options.mode);
  if (!file || options.directory || options.write) return file;
  struct stat status{};
  if (os::retry([&] { return ::fstat(file->get(), &status); }) != 0) return refuse_last();
  if (S_ISDIR(status.st_mode)) return refuse(std::errc::is_a_directory);
  return file;
}

/// Opens the directory at `path`, the last element of which stands in `parent`. Creates it if it is missing.
Outcome<os::Descriptor> mkdir_step(const detail::Root* root, Call call, int parent, std::string_view path,
                                   std::uint32_t mode) {
  const std::string name(base_name(path));
  const Outcome<void> made = done([&] { return ::mkdirat(parent, name.c_str(), mode); });
  if (!made && made.error() != std::errc::file_exists) return std::unexpected(made.error());
  os::Descriptor directory(os::open_own([&] {
    return os::retry([&] { return ::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); });
  }));
  if (directory) return directory;
  Outcome<os::Descriptor> followed = open_path(root, call, path, O_PATH | O_DIRECTORY);
  const bool dangles = !followed && followed.error() == std::errc::no_such_file_or_directory;
  if (dangles) return refuse(std::errc::file_exists);
  return followed;
}

/// Opens a regular file for writing. Looks first what it is: to open a FIFO or a device is to act on it, and fails with
/// errors of its own.
Outcome<os::Descriptor> open_regular(const detail::Root* root, Call call, std::string_view path) {
  const Outcome<os::Descriptor> place = open_path(root, call, path, O_PATH);
  if (!place) return std::unexpected(place.error());
  struct stat status{};
  if (os::retry([&] { return ::fstat(place->get(), &status); }) != 0) return refuse_last();
  if (S_ISDIR(status.st_mode)) return refuse(std::errc::is_a_directory);
  if (!S_ISREG(status.st_mode)) return refuse(std::errc::invalid_argument);
  return open_path(root, call, path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
}

/// All entries of the directory at `path`, as `list` gives them.
template <class Entry>
Result<std::vector<Entry>> list_directory(const detail::Root* root, Call call, std::string_view operation,
                                          std::string_view path, Outcome<std::vector<Entry>> (*list)(os::Descriptor)) {
  Outcome<os::Descriptor> directory = open_path(root, call, path, O_RDONLY | O_DIRECTORY);
  if (!directory) return failed(call, operation, path, directory.error());
  Outcome<std::vector<Entry>> entries = list(*std::move(directory));
  if (!entries) return failed(call, operation, path, entries.error());
  return *std::move(entries);
}

/// Finds the file at `path` and returns what `act` makes of its O_PATH descriptor.
template <class Act>
auto act_on(const detail::Root* root, Call call, std::string_view operation, std::string_view path, Act act)
    -> Result<typename std::invoke_result_t<Act, int>::value_type> {
  const Outcome<os::Descriptor> file = open_path(root, call, path, O_PATH);
  if (!file) return failed(call, operation, path, file.error());
  return detail::named(operation, path, act(file->get()));
}

/// Removes the name of `path` from its directory, by unlinkat(2) with `flags`.
Result<void> remove_name(const detail::Root* root, Call call, std::string_view operation, std::string_view path,
                         int flags) {
  const Outcome<Parent> parent = open_parent(root, call, path);
  if (!parent) return failed(call, operation, path, parent.error());
  return detail::named(operation, path,
                       done([&] { return ::unlinkat(parent->directory, parent->name.c_str(), flags); }));
}

}  // namespace

Result<DiskFS> DiskFS::open_root(Call call, PathArg directory) { return open_root(call, directory, {}); }

Result<DiskFS> DiskFS::open_root(Call call, PathArg directory, const Options& options) {
  if (auto wanted = call.context().check("open_root", directory); !wanted) return std::unexpected(wanted.error());
  if (std::string_view(directory).contains('\0'))
    return fail("open_root", directory, std::errc::invalid_argument, "NUL in path");
  const std::string path{std::string_view(directory)};
  os::Descriptor root(
      os::open_own([&] { return os::retry([&] { return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }); }));
  if (!root) return fail("open_root", directory, os::last_error());
  const auto lookup = options.use_openat2 ? detail::best_lookup(root.get()) : detail::PathLookup::walk;
  return DiskFS(std::make_unique<const detail::Root>(std::move(root), options.links, lookup));
}

DiskFS::DiskFS(std::unique_ptr<const detail::Root> root) noexcept : root_(std::move(root)) {}
DiskFS::DiskFS(DiskFS&&) noexcept = default;
DiskFS& DiskFS::operator=(DiskFS&&) noexcept = default;
DiskFS::~DiskFS() = default;

Result<std::unique_ptr<File>> DiskFS::do_open(Call call, std::string_view path, const OpenOptions& options) {
  Outcome<os::Descriptor> file = open_checked(root_.get(), call, path, options);
  if (!file) return failed(call, "open", path, file.error());
  return detail::DiskFile::make(*std::move(file), path, options);
}

Result<std::unique_ptr<Dir>> DiskFS::do_open_dir(Call call, std::string_view path) {
  Outcome<os::Descriptor> directory = open_path(root_.get(), call, path, O_RDONLY | O_DIRECTORY);
  if (!directory) return failed(call, "open_dir", path, directory.error());
  return std::make_unique<detail::DiskDir>(detail::DirStream(*std::move(directory)), path);
}

Result<FileInfo> DiskFS::do_stat(Call call, std::string_view path) {
  return act_on(root_.get(), call, "stat", path, [path](int file) { return detail::info_of(file, base_name(path)); });
}

Result<FileInfo> DiskFS::do_lstat(Call call, std::string_view path) {
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent) return failed(call, "lstat", path, parent.error());
  struct stat status{};
  const Outcome<void> found =
      done([&] { return ::fstatat(parent->directory, parent->name.c_str(), &status, AT_SYMLINK_NOFOLLOW); });
  if (!found) return fail("lstat", path, found.error());
  return detail::to_info(status, parent->name);
}

Result<std::vector<DirEntry>> DiskFS::do_read_dir(Call call, std::string_view path) {
  return list_directory(root_.get(), call, "read_dir", path, detail::list_all);
}

Result<std::vector<FileInfo>> DiskFS::do_read_dir_info(Call call, std::string_view path) {
  return list_directory(root_.get(), call, "read_dir_info", path, detail::list_all_info);
}

Result<void> DiskFS::do_mkdir(Call call, std::string_view path, std::uint32_t mode) {
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent) return failed(call, "mkdir", path, parent.error());
  return detail::named("mkdir", path, done([&] { return ::mkdirat(parent->directory, parent->name.c_str(), mode); }));
}

Result<void> DiskFS::do_mkdir_all(Call call, std::string_view path, std::uint32_t mode) {
  if (path.size() > detail::max_path_size) return fail("mkdir_all", path, std::errc::filename_too_long);
  os::Descriptor directory;
  for (std::size_t end = 0; end != path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    Outcome<os::Descriptor> next = mkdir_step(
        root_.get(), call, directory ? directory.get() : descriptor_of(root_.get()), path.substr(0, end), mode);
    if (!next) return failed(call, "mkdir_all", path, next.error());
    directory = *std::move(next);
  }
  return {};
}

Result<void> DiskFS::do_remove(Call call, std::string_view path) {
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent) return failed(call, "remove", path, parent.error());
  const auto unlink = [&](int flags) {
    return done([&] { return ::unlinkat(parent->directory, parent->name.c_str(), flags); });
  };
  Outcome<void> removed = unlink(0);
  if (!removed && removed.error() == std::errc::is_a_directory) removed = unlink(AT_REMOVEDIR);
  return detail::named("remove", path, std::move(removed));
}

Result<void> DiskFS::do_remove_file(Call call, std::string_view path) {
  return remove_name(root_.get(), call, "remove_file", path, 0);
}

Result<void> DiskFS::do_remove_dir(Call call, std::string_view path) {
  return remove_name(root_.get(), call, "remove_dir", path, AT_REMOVEDIR);
}

Result<void> DiskFS::do_remove_all(Call call, std::string_view path) {
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent && parent.error() == std::errc::no_such_file_or_directory) return {};
  if (!parent) return failed(call, "remove_all", path, parent.error());
  const Outcome<void> removed = detail::remove_tree(parent->directory, parent->name, call.context());
  if (!removed) return failed(call, "remove_all", path, removed.error());
  return {};
}

Result<void> DiskFS::do_rename(Call call, std::string_view from, std::string_view to) {
  const auto rename = [&]() -> Outcome<void> {
    const Outcome<Parent> source = open_parent(root_.get(), call, from);
    if (!source) return std::unexpected(source.error());
    const Outcome<Parent> target = open_parent(root_.get(), call, to);
    if (!target) return std::unexpected(target.error());
    return done(
        [&] { return ::renameat(source->directory, source->name.c_str(), target->directory, target->name.c_str()); });
  };
  const Outcome<void> renamed = rename();
  if (!renamed) return failed(call, "rename", from, to, renamed.error());
  return {};
}

Result<void> DiskFS::do_link(Call call, std::string_view existing, std::string_view path) {
  const auto link = [&]() -> Outcome<void> {
    const Outcome<Parent> source = open_parent(root_.get(), call, existing);
    if (!source) return std::unexpected(source.error());
    const Outcome<Parent> target = open_parent(root_.get(), call, path);
    if (!target) {
      // The system looks for the file before it looks where the name is to go.
      struct stat status{};
      const Outcome<void> found =
          done([&] { return ::fstatat(source->directory, source->name.c_str(), &status, AT_SYMLINK_NOFOLLOW); });
      if (!found) return found;
      return std::unexpected(target.error());
    }
    return done(
        [&] { return ::linkat(source->directory, source->name.c_str(), target->directory, target->name.c_str(), 0); });
  };
  const Outcome<void> linked = link();
  if (!linked) return failed(call, "link", existing, path, linked.error());
  return {};
}

Result<void> DiskFS::do_symlink(Call call, std::string_view target, std::string_view path) {
  if (target.size() > detail::max_path_size) return fail("symlink", path, std::errc::filename_too_long);
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent) return failed(call, "symlink", path, parent.error());
  const std::string text(target);
  return detail::named("symlink", path,
                       done([&] { return ::symlinkat(text.c_str(), parent->directory, parent->name.c_str()); }));
}

Result<std::string> DiskFS::do_read_link(Call call, std::string_view path) {
  const Outcome<Parent> parent = open_parent(root_.get(), call, path);
  if (!parent) return failed(call, "read_link", path, parent.error());
  std::array<char, detail::max_path_size + 1> target;
  const ssize_t size =
      os::retry([&] { return ::readlinkat(parent->directory, parent->name.c_str(), target.data(), target.size()); });
  if (size < 0) return fail("read_link", path, os::last_error());
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<void> DiskFS::do_chmod(Call call, std::string_view path, std::uint32_t mode) {
  return act_on(root_.get(), call, "chmod", path, [mode](int file) { return detail::change_mode(file, mode); });
}

Result<void> DiskFS::do_set_times(Call call, std::string_view path, std::optional<Clock::system_time_point> accessed,
                                  std::optional<Clock::system_time_point> modified) {
  const detail::TwoTimes times = detail::to_two_times(accessed, modified);
  return act_on(root_.get(), call, "set_times", path, [&](int file) { return detail::change_times(file, times); });
}

Result<Space> DiskFS::do_space(Call call, std::string_view path) {
  return act_on(root_.get(), call, "space", path, detail::space_of);
}

Result<void> DiskFS::do_truncate(Call call, std::string_view path, std::uint64_t size) {
  const Outcome<os::Descriptor> file = open_regular(root_.get(), call, path);
  if (!file) return failed(call, "truncate", path, file.error());
  return detail::named("truncate", path, done([&] { return ::ftruncate(file->get(), static_cast<off_t>(size)); }));
}

Result<void> DiskFS::do_sync_dir(Call call, std::string_view path) {
  const Outcome<os::Descriptor> directory = open_path(root_.get(), call, path, O_RDONLY | O_DIRECTORY);
  if (!directory) return failed(call, "sync_dir", path, directory.error());
  return detail::named("sync_dir", path, done([&] { return ::fsync(directory->get()); }));
}

}  // namespace LEASH_NAMESPACE::fs
