// disk_operations DIRECTORY LOOKUP OPERATION: does one operation of a DiskFS in an empty directory, for check-faults,
// which makes system calls fail. LOOKUP is `kernel` or `walk`. Calls getppid(2) before and after the operation. Prints
//
//     success, or the text of the error
//     how many more descriptors are open than before
//     what the file that was written has in it; for who read, what was read
//
// Without arguments, prints the names of the operations.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <iterator>
#include <leash/clock.hpp>
#include <leash/fs/adopt.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/result.hpp>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace fs = leash::fs;
using leash::Context;
using leash::Result;

namespace {

constexpr fs::OpenOptions read_write{.read = true, .write = true};

/// A directory with something of everything, and what is open in it before an operation begins.
struct World {
  World(const std::string& top, bool by_kernel)
      : files(fs::DiskFS::open_root(ctx, top, {.use_openat2 = by_kernel}).value()) {
    files.mkdir_all(ctx, "dir/sub/empty").value();
    fs::write_file(ctx, files, "dir/file", "0123456789").value();
    fs::write_file(ctx, files, "dir/sub/other", "other").value();
    files.symlink(ctx, "file", "dir/link").value();
    file = files.open(ctx, "dir/file", read_write).value();
    mapping = file->map(0, 10, fs::MapMode::write).value();
    dir = files.open_dir(ctx, "dir").value();
    foreign = ::open((top + "/dir/file").c_str(), O_RDWR | O_CLOEXEC);
  }

  const Context ctx;
  fs::DiskFS files;
  std::unique_ptr<fs::File> file;
  std::unique_ptr<fs::File> opened;  ///< By the operation.
  std::unique_ptr<fs::Mapping> mapping;
  std::unique_ptr<fs::Dir> dir;
  std::unique_ptr<fs::Dir> opened_dir;
  int foreign = -1;
  std::string read;  ///< What the operation has read.
};

/// A Result as one without a value.
template <class T>
Result<void> plain(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return {};
}

/// The same, and keeps the value.
template <class T, class To>
Result<void> keep(Result<T> result, To& to) {
  if (!result) return std::unexpected(result.error());
  to = *std::move(result);
  return {};
}

template <class Read>
Result<void> read_with(World& world, Read read) {
  std::string text(20, '_');
  const Result<std::size_t> count = read(std::as_writable_bytes(std::span(text)));
  if (!count) return std::unexpected(count.error());
  world.read = text.substr(0, *count);
  return {};
}

/// A walk that ends with the first error.
template <class Walk>
Result<void> walk_with(World& world, Walk walk) {
  std::optional<leash::Error> first;
  const Result<void> walked =
      walk(world.ctx, world.files, "dir", [&](std::string_view, const auto&, const std::optional<leash::Error>& error) {
        if (error) first = error;
        return error ? fs::WalkNext::stop : fs::WalkNext::go_on;
      });
  if (first) return std::unexpected(*first);
  return walked;
}

using Operation = std::function<Result<void>(World&)>;

Operation open_with(std::string path, fs::OpenOptions options) {
  return [path = std::move(path), options](World& w) { return keep(w.files.open(w.ctx, path, options), w.opened); };
}

const leash::Clock::system_time_point some_time{};

const std::map<std::string, Operation> operations{
    {"open", open_with("dir/file", {.read = true})},
    {"open_link", open_with("dir/link", {.read = true})},
    {"open_directory", open_with("dir", {.read = true, .directory = true})},
    {"open_to_write", open_with("dir/file", read_write)},
    {"create", open_with("dir/new", {.write = true, .create = true, .truncate = true})},
    {"create_exclusive", open_with("dir/new", {.write = true, .create = true, .exclusive = true})},
    {"append", open_with("dir/file", {.write = true, .append = true, .create = true})},
    {"unnamed", open_with("dir", {.read = true, .write = true, .unnamed = true})},
    {"open_dir", [](World& w) { return keep(w.files.open_dir(w.ctx, "dir"), w.opened_dir); }},
    {"stat", [](World& w) { return plain(w.files.stat(w.ctx, "dir/link")); }},
    {"lstat", [](World& w) { return plain(w.files.lstat(w.ctx, "dir/link")); }},
    {"read_dir", [](World& w) { return plain(w.files.read_dir(w.ctx, "dir")); }},
    {"read_dir_info", [](World& w) { return plain(w.files.read_dir_info(w.ctx, "dir")); }},
    {"mkdir", [](World& w) { return w.files.mkdir(w.ctx, "dir/new"); }},
    {"mkdir_all", [](World& w) { return w.files.mkdir_all(w.ctx, "dir/new/newer"); }},
    {"remove", [](World& w) { return w.files.remove(w.ctx, "dir/sub/empty"); }},
    {"remove_file", [](World& w) { return w.files.remove_file(w.ctx, "dir/file"); }},
    {"remove_dir", [](World& w) { return w.files.remove_dir(w.ctx, "dir/sub/empty"); }},
    {"remove_all", [](World& w) { return w.files.remove_all(w.ctx, "dir"); }},
    {"rename", [](World& w) { return w.files.rename(w.ctx, "dir/file", "dir/sub/file"); }},
    {"link", [](World& w) { return w.files.link(w.ctx, "dir/file", "dir/sub/file"); }},
    {"symlink", [](World& w) { return w.files.symlink(w.ctx, "file", "dir/new"); }},
    {"read_link", [](World& w) { return keep(w.files.read_link(w.ctx, "dir/link"), w.read); }},
    {"chmod", [](World& w) { return w.files.chmod(w.ctx, "dir/file", 0600); }},
    {"set_times", [](World& w) { return w.files.set_times(w.ctx, "dir/file", some_time, some_time); }},
    {"truncate", [](World& w) { return w.files.truncate(w.ctx, "dir/file", 3); }},
    {"sync_dir", [](World& w) { return w.files.sync_dir(w.ctx, "dir"); }},
    {"space", [](World& w) { return plain(w.files.space(w.ctx, "dir/file")); }},
    {"File::read", [](World& w) { return read_with(w, [&](auto to) { return w.file->read(to); }); }},
    {"File::write", [](World& w) { return w.file->write("abcdef"); }},
    {"File::read_at", [](World& w) { return read_with(w, [&](auto to) { return w.file->read_at(to, 2); }); }},
    {"File::write_at", [](World& w) { return w.file->write_at("abcdef", 2); }},
    {"File::seek", [](World& w) { return plain(w.file->seek(3)); }},
    {"File::truncate", [](World& w) { return w.file->truncate(3); }},
    {"File::allocate", [](World& w) { return w.file->allocate(0, 20); }},
    {"File::sync", [](World& w) { return w.file->sync(); }},
    {"File::sync_data", [](World& w) { return w.file->sync_data(); }},
    {"File::stat", [](World& w) { return plain(w.file->stat()); }},
    {"File::chmod", [](World& w) { return w.file->chmod(0600); }},
    {"File::set_times", [](World& w) { return w.file->set_times(some_time, some_time); }},
    {"File::try_lock", [](World& w) { return w.file->try_lock(fs::LockMode::exclusive); }},
    {"File::lock", [](World& w) { return w.file->lock(w.ctx, fs::LockMode::exclusive); }},
    {"File::unlock", [](World& w) { return w.file->unlock(); }},
    {"File::map", [](World& w) { return plain(w.file->map(0, 10)); }},
    {"File::close", [](World& w) { return w.file->close(); }},
    {"Mapping::sync", [](World& w) { return w.mapping->sync(); }},
    {"Mapping::close", [](World& w) { return w.mapping->close(); }},
    {"Dir::read", [](World& w) { return plain(w.dir->read(10)); }},
    {"Dir::stat", [](World& w) { return plain(w.dir->stat()); }},
    {"Dir::close", [](World& w) { return w.dir->close(); }},
    {"adopt", [](World& w) { return keep(fs::adopt(w.ctx, w.foreign, "dir/file"), w.opened); }},
    {"read_file", [](World& w) { return keep(fs::read_file(w.ctx, w.files, "dir/file"), w.read); }},
    {"write_file", [](World& w) { return fs::write_file(w.ctx, w.files, "dir/file", "abcdef"); }},
    {"walk", [](World& w) { return walk_with(w, [](auto&&... with) { return fs::walk(with...); }); }},
    {"walk_info", [](World& w) { return walk_with(w, [](auto&&... with) { return fs::walk_info(with...); }); }},
};

long descriptors() {
  using Listing = std::filesystem::directory_iterator;
  return static_cast<long>(std::distance(Listing("/proc/self/fd"), Listing()));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    for (const auto& [name, operation] : operations) std::puts(name.c_str());
    return count == 1 ? 0 : 2;
  }
  const std::string top = arguments[1];
  World world(top, arguments[2] == std::string("kernel"));
  const Operation& operation = operations.at(arguments[3]);
  const long before = descriptors();
  static_cast<void>(::getppid());
  const Result<void> result = operation(world);
  static_cast<void>(::getppid());
  // What the operation opened is closed here, and may not have failed to.
  world.opened.reset();
  world.opened_dir.reset();
  const long left = descriptors() - before;
  std::string content = world.read;
  if (content.empty()) {
    if (std::FILE* const file = std::fopen((top + "/dir/file").c_str(), "re")) {
      for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) content += static_cast<char>(c);
      std::fclose(file);
    }
  }
  for (char& c : content) {
    if (c < ' ' || c > '~') c = '?';
  }
  std::printf("%s\n%ld\n%s\n", result ? "success" : to_string(result.error()).c_str(), left, content.c_str());
  return 0;
}
