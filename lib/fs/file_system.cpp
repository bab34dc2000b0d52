#include <leash/fs/file_system.hpp>
#include <leash/fs/path.hpp>

namespace LEASH_NAMESPACE::fs {
namespace {

std::unexpected<Error> unsupported(std::string_view operation, std::string_view path) {
  return fail(operation, path, std::errc::operation_not_supported);
}

std::string from_to(std::string_view from, std::string_view to) { return std::string(from).append(" -> ").append(to); }

Result<void> check_path(std::string_view operation, std::string_view path) {
  const std::string_view defect = path_defect(path);
  if (!defect.empty()) return fail(operation, path, std::errc::invalid_argument, defect);
  return {};
}

Result<void> check(const Call& call, std::string_view operation, std::string_view path, bool whether_valid = true) {
  if (auto checked = call.context().check(operation, path); !checked) return checked;
  return whether_valid ? check_path(operation, path) : Result<void>();
}

Result<void> check_two_paths(Call call, std::string_view operation, std::string_view from, std::string_view to) {
  if (call.context().done()) return call.context().check(operation, from_to(from, to));
  if (auto checked = check_path(operation, from); !checked) return checked;
  return check_path(operation, to);
}

Result<void> check_removal(Call call, std::string_view operation, std::string_view path) {
  if (auto checked = check(call, operation, path); !checked) return checked;
  if (path == ".") return fail(operation, path, std::errc::invalid_argument, "the root cannot be removed");
  return {};
}

Result<void> check_mode(Call call, std::string_view operation, std::string_view path, std::uint32_t mode,
                        std::uint32_t allowed) {
  if (auto checked = check(call, operation, path); !checked) return checked;
  if ((mode & ~allowed) == 0) return {};
  return fail(operation, path, std::errc::invalid_argument, "mode has bits other than permissions");
}

}  // namespace

FileSystem::~FileSystem() = default;

Result<std::unique_ptr<File>> FileSystem::open(Call call, PathArg path) { return open(call, path, {.read = true}); }

Result<std::unique_ptr<File>> FileSystem::create(Call call, PathArg path) {
  return open(call, path, {.write = true, .create = true, .truncate = true});
}

Result<std::unique_ptr<File>> FileSystem::append(Call call, PathArg path) {
  return open(call, path, {.write = true, .append = true, .create = true});
}

Result<std::unique_ptr<File>> FileSystem::open(Call call, PathArg path, const OpenOptions& options) {
  if (auto checked = check(call, "open", path, !checks_paths_); !checked) return std::unexpected(checked.error());
  const std::string_view defect = options_defect(options);
  if (!defect.empty()) {
    // The path comes first, also where the implementation checks it, which is not called.
    if (auto checked = check_path("open", path); !checked) return std::unexpected(checked.error());
    return fail("open", path, std::errc::invalid_argument, defect);
  }
  return do_open(call, path, options);
}

Result<std::unique_ptr<Dir>> FileSystem::open_dir(Call call, PathArg path) {
  if (auto checked = check(call, "open_dir", path); !checked) return std::unexpected(checked.error());
  return do_open_dir(call, path);
}

Result<FileInfo> FileSystem::stat(Call call, PathArg path) {
  if (auto checked = check(call, "stat", path, !checks_paths_); !checked) return std::unexpected(checked.error());
  return do_stat(call, path);
}

Result<FileInfo> FileSystem::lstat(Call call, PathArg path) {
  if (auto checked = check(call, "lstat", path, !checks_paths_); !checked) return std::unexpected(checked.error());
  return do_lstat(call, path);
}

Result<std::vector<DirEntry>> FileSystem::read_dir(Call call, PathArg path) {
  if (auto checked = check(call, "read_dir", path); !checked) return std::unexpected(checked.error());
  return do_read_dir(call, path);
}

Result<std::vector<FileInfo>> FileSystem::read_dir_info(Call call, PathArg path) {
  if (auto checked = check(call, "read_dir_info", path); !checked) return std::unexpected(checked.error());
  return do_read_dir_info(call, path);
}

Result<void> FileSystem::mkdir(Call call, PathArg path, std::uint32_t mode) {
  if (auto checked = check_mode(call, "mkdir", path, mode, 0777); !checked) return checked;
  return do_mkdir(call, path, mode);
}

Result<void> FileSystem::mkdir_all(Call call, PathArg path, std::uint32_t mode) {
  if (auto checked = check_mode(call, "mkdir_all", path, mode, 0777); !checked) return checked;
  return do_mkdir_all(call, path, mode);
}

Result<void> FileSystem::remove(Call call, PathArg path) {
  if (auto checked = check_removal(call, "remove", path); !checked) return checked;
  return do_remove(call, path);
}

Result<void> FileSystem::remove_file(Call call, PathArg path) {
  if (auto checked = check(call, "remove_file", path); !checked) return checked;
  return do_remove_file(call, path);
}

Result<void> FileSystem::remove_dir(Call call, PathArg path) {
  if (auto checked = check_removal(call, "remove_dir", path); !checked) return checked;
  return do_remove_dir(call, path);
}

Result<void> FileSystem::remove_all(Call call, PathArg path) {
  if (auto checked = check_removal(call, "remove_all", path); !checked) return checked;
  return do_remove_all(call, path);
}

Result<void> FileSystem::rename(Call call, PathArg from, PathArg to) {
  if (auto checked = check_two_paths(call, "rename", from, to); !checked) return checked;
  if (std::string_view(from) == "." || std::string_view(to) == ".") {
    return fail("rename", from_to(from, to), std::errc::invalid_argument, "the root cannot be renamed");
  }
  return do_rename(call, from, to);
}

Result<void> FileSystem::link(Call call, PathArg existing, PathArg path) {
  if (auto checked = check_two_paths(call, "link", existing, path); !checked) return checked;
  return do_link(call, existing, path);
}

Result<void> FileSystem::symlink(Call call, PathArg target, PathArg path) {
  if (auto checked = check(call, "symlink", path); !checked) return checked;
  const std::string_view text = target;
  if (text.empty()) return fail("symlink", path, std::errc::invalid_argument, "empty target");
  if (text.contains('\0')) return fail("symlink", path, std::errc::invalid_argument, "NUL in target");
  return do_symlink(call, target, path);
}

Result<std::string> FileSystem::read_link(Call call, PathArg path) {
  if (auto checked = check(call, "read_link", path); !checked) return std::unexpected(checked.error());
  return do_read_link(call, path);
}

Result<void> FileSystem::chmod(Call call, PathArg path, std::uint32_t mode) {
  if (auto checked = check_mode(call, "chmod", path, mode, 07777); !checked) return checked;
  return do_chmod(call, path, mode);
}

Result<void> FileSystem::set_times(Call call, PathArg path, std::optional<Clock::system_time_point> accessed,
                                   std::optional<Clock::system_time_point> modified) {
  if (auto checked = check(call, "set_times", path); !checked) return checked;
  return do_set_times(call, path, accessed, modified);
}

Result<void> FileSystem::truncate(Call call, PathArg path, std::uint64_t size) {
  if (auto checked = check(call, "truncate", path); !checked) return checked;
  if (size > static_cast<std::uint64_t>(INT64_MAX)) return fail("truncate", path, std::errc::file_too_large);
  return do_truncate(call, path, size);
}

Result<void> FileSystem::sync_dir(Call call, PathArg path) {
  if (auto checked = check(call, "sync_dir", path); !checked) return checked;
  return do_sync_dir(call, path);
}

Result<Space> FileSystem::space(Call call, PathArg path) {
  if (auto checked = check(call, "space", path); !checked) return std::unexpected(checked.error());
  return do_space(call, path);
}

Result<std::unique_ptr<File>> FileSystem::do_open(Call, std::string_view path, const OpenOptions&) {
  return unsupported("open", path);
}

Result<std::unique_ptr<Dir>> FileSystem::do_open_dir(Call, std::string_view path) {
  return unsupported("open_dir", path);
}

Result<FileInfo> FileSystem::do_stat(Call, std::string_view path) { return unsupported("stat", path); }

Result<FileInfo> FileSystem::do_lstat(Call, std::string_view path) { return unsupported("lstat", path); }

Result<std::vector<DirEntry>> FileSystem::do_read_dir(Call, std::string_view path) {
  return unsupported("read_dir", path);
}

Result<std::vector<FileInfo>> FileSystem::do_read_dir_info(Call, std::string_view path) {
  return unsupported("read_dir_info", path);
}

Result<void> FileSystem::do_mkdir(Call, std::string_view path, std::uint32_t) { return unsupported("mkdir", path); }

Result<void> FileSystem::do_mkdir_all(Call, std::string_view path, std::uint32_t) {
  return unsupported("mkdir_all", path);
}

Result<void> FileSystem::do_remove(Call, std::string_view path) { return unsupported("remove", path); }

Result<void> FileSystem::do_remove_file(Call, std::string_view path) { return unsupported("remove_file", path); }

Result<void> FileSystem::do_remove_dir(Call, std::string_view path) { return unsupported("remove_dir", path); }

Result<void> FileSystem::do_remove_all(Call, std::string_view path) { return unsupported("remove_all", path); }

Result<void> FileSystem::do_rename(Call, std::string_view from, std::string_view to) {
  return unsupported("rename", from_to(from, to));
}

Result<void> FileSystem::do_link(Call, std::string_view existing, std::string_view path) {
  return unsupported("link", from_to(existing, path));
}

Result<void> FileSystem::do_symlink(Call, std::string_view, std::string_view path) {
  return unsupported("symlink", path);
}

Result<std::string> FileSystem::do_read_link(Call, std::string_view path) { return unsupported("read_link", path); }

Result<void> FileSystem::do_chmod(Call, std::string_view path, std::uint32_t) { return unsupported("chmod", path); }

Result<void> FileSystem::do_set_times(Call, std::string_view path, std::optional<Clock::system_time_point>,
                                      std::optional<Clock::system_time_point>) {
  return unsupported("set_times", path);
}

Result<void> FileSystem::do_truncate(Call, std::string_view path, std::uint64_t) {
  return unsupported("truncate", path);
}

Result<void> FileSystem::do_sync_dir(Call, std::string_view path) { return unsupported("sync_dir", path); }

Result<Space> FileSystem::do_space(Call, std::string_view path) { return unsupported("space", path); }

}  // namespace LEASH_NAMESPACE::fs
