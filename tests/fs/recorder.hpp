#pragma once

#include <array>
#include <leash/fs/file_system.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

/// What arrived at a fake: how often each operation was asked for, and from which lines.
struct Record {
  std::map<std::string, int> counts;
  std::set<unsigned> lines;

  void note(const std::string& operation, std::source_location site) {
    ++counts[operation];
    lines.insert(site.line());
  }
};

/// A mapping that only records, and answers with what can be told apart from a default.
class RecordingMapping final : public leash::fs::Mapping {
 public:
  explicit RecordingMapping(Record& record) : record_(record) {}

 private:
  std::span<const std::byte> do_bytes() const noexcept override { return bytes_; }
  std::span<std::byte> do_writable_bytes() const noexcept override { return bytes_; }
  leash::Result<void> do_sync(std::source_location site) override {
    record_.note("sync", site);
    return {};
  }
  leash::Result<void> do_close(std::source_location site) override {
    record_.note("close", site);
    return {};
  }
  std::string_view do_path() const noexcept override { return "recorded"; }

  Record& record_;
  mutable std::array<std::byte, 3> bytes_{};
};

class RecordingFile final : public leash::fs::File {
 public:
  explicit RecordingFile(Record& record) : RecordingFile(record, record) {}
  RecordingFile(Record& record, Record& of_mapping) : record_(record), of_mapping_(of_mapping) {}

 private:
  using Site = std::source_location;
  template <class T>
  using Result = leash::Result<T>;

  Result<std::size_t> do_read(std::span<std::byte>, Site site) override {
    record_.note("read", site);
    return 1;
  }
  Result<void> do_write(std::span<const std::byte>, Site site) override {
    record_.note("write", site);
    return {};
  }
  Result<std::size_t> do_read_at(std::span<std::byte>, std::uint64_t offset, Site site) override {
    record_.note("read_at", site);
    return offset;
  }
  Result<void> do_write_at(std::span<const std::byte>, std::uint64_t, Site site) override {
    record_.note("write_at", site);
    return {};
  }
  Result<std::uint64_t> do_seek(std::int64_t offset, leash::fs::Whence, Site site) override {
    record_.note("seek", site);
    return static_cast<std::uint64_t>(offset);
  }
  Result<void> do_truncate(std::uint64_t, Site site) override {
    record_.note("truncate", site);
    return {};
  }
  Result<void> do_allocate(std::uint64_t, std::uint64_t, Site site) override {
    record_.note("allocate", site);
    return {};
  }
  Result<void> do_sync(Site site) override {
    record_.note("sync", site);
    return {};
  }
  Result<void> do_sync_data(Site site) override {
    record_.note("sync_data", site);
    return {};
  }
  Result<leash::fs::FileInfo> do_stat(Site site) override {
    record_.note("stat", site);
    return leash::fs::FileInfo{.name = "recorded"};
  }
  Result<void> do_chmod(std::uint32_t, Site site) override {
    record_.note("chmod", site);
    return {};
  }
  Result<void> do_set_times(std::optional<leash::Clock::system_time_point>,
                            std::optional<leash::Clock::system_time_point>, Site site) override {
    record_.note("set_times", site);
    return {};
  }
  Result<void> do_try_lock(leash::fs::LockMode, leash::fs::LockRange, Site site) override {
    record_.note("try_lock", site);
    return {};
  }
  Result<void> do_lock(leash::Call call, leash::fs::LockMode, leash::fs::LockRange) override {
    record_.note("lock", call.site());
    return {};
  }
  Result<void> do_unlock(leash::fs::LockRange, Site site) override {
    record_.note("unlock", site);
    return {};
  }
  Result<std::unique_ptr<leash::fs::Mapping>> do_map(std::uint64_t, std::size_t, leash::fs::MapMode,
                                                     Site site) override {
    record_.note("map", site);
    return std::make_unique<RecordingMapping>(of_mapping_);
  }
  Result<int> do_release(Site site) override {
    record_.note("release", site);
    return 42;
  }
  Result<void> do_close(Site site) override {
    record_.note("close", site);
    return {};
  }
  int do_native_handle() const noexcept override { return 42; }
  std::string_view do_path() const noexcept override { return "recorded"; }

  Record& record_;
  Record& of_mapping_;
};

class RecordingDir final : public leash::fs::Dir {
 public:
  explicit RecordingDir(Record& record) : record_(record) {}

 private:
  leash::Result<std::vector<leash::fs::DirEntry>> do_read(std::size_t max, std::source_location site) override {
    record_.note("read", site);
    return std::vector<leash::fs::DirEntry>(max);
  }
  leash::Result<leash::fs::FileInfo> do_stat(std::source_location site) override {
    record_.note("stat", site);
    return leash::fs::FileInfo{.name = "recorded"};
  }
  leash::Result<void> do_close(std::source_location site) override {
    record_.note("close", site);
    return {};
  }
  int do_native_handle() const noexcept override { return 42; }
  std::string_view do_path() const noexcept override { return "recorded"; }

  Record& record_;
};

/// A file system that only records.
class RecordingFS final : public leash::fs::FileSystem {
 public:
  Record record;
  Record of_file;
  Record of_dir;
  Record of_mapping;

 private:
  template <class T>
  using Result = leash::Result<T>;
  using Call = leash::Call;
  using Path = std::string_view;
  using Time = std::optional<leash::Clock::system_time_point>;

  template <class T = void, class... Value>
  Result<T> note(const char* operation, Call call, Value... value) {
    record.note(operation, call.site());
    return Result<T>(std::in_place, std::move(value)...);
  }

  Result<std::unique_ptr<leash::fs::File>> do_open(Call call, Path, const leash::fs::OpenOptions&) override {
    record.note("open", call.site());
    return std::make_unique<RecordingFile>(of_file, of_mapping);
  }
  Result<std::unique_ptr<leash::fs::Dir>> do_open_dir(Call call, Path) override {
    record.note("open_dir", call.site());
    return std::make_unique<RecordingDir>(of_dir);
  }
  Result<leash::fs::FileInfo> do_stat(Call call, Path) override { return note<leash::fs::FileInfo>("stat", call); }
  Result<leash::fs::FileInfo> do_lstat(Call call, Path) override { return note<leash::fs::FileInfo>("lstat", call); }
  Result<std::vector<leash::fs::DirEntry>> do_read_dir(Call call, Path) override {
    return note<std::vector<leash::fs::DirEntry>>("read_dir", call);
  }
  Result<std::vector<leash::fs::FileInfo>> do_read_dir_info(Call call, Path) override {
    return note<std::vector<leash::fs::FileInfo>>("read_dir_info", call);
  }
  Result<void> do_mkdir(Call call, Path, std::uint32_t) override { return note("mkdir", call); }
  Result<void> do_mkdir_all(Call call, Path, std::uint32_t) override { return note("mkdir_all", call); }
  Result<void> do_remove(Call call, Path) override { return note("remove", call); }
  Result<void> do_remove_file(Call call, Path) override { return note("remove_file", call); }
  Result<void> do_remove_dir(Call call, Path) override { return note("remove_dir", call); }
  Result<void> do_remove_all(Call call, Path) override { return note("remove_all", call); }
  Result<void> do_rename(Call call, Path, Path) override { return note("rename", call); }
  Result<void> do_link(Call call, Path, Path) override { return note("link", call); }
  Result<void> do_symlink(Call call, Path, Path) override { return note("symlink", call); }
  Result<std::string> do_read_link(Call call, Path) override { return note<std::string>("read_link", call, "target"); }
  Result<void> do_chmod(Call call, Path, std::uint32_t) override { return note("chmod", call); }
  Result<void> do_set_times(Call call, Path, Time, Time) override { return note("set_times", call); }
  Result<void> do_truncate(Call call, Path, std::uint64_t) override { return note("truncate", call); }
  Result<void> do_sync_dir(Call call, Path) override { return note("sync_dir", call); }
  Result<leash::fs::Space> do_space(Call call, Path) override { return note<leash::fs::Space>("space", call); }
};
