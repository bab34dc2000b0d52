#pragma once

#include <cstdint>
#include <functional>
#include <leash/fs/proxy.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// A decorator that counts the operations on it and on its files, and lets those fail that `fails` picks.
class FailingAt final : public leash::fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;

  /// Given the number of the operation, from 1 on, and its name.
  std::function<bool(int number, std::string_view operation)> fails = [](int, std::string_view) { return false; };
  std::errc code = std::errc::no_space_on_device;

  /// Whether what fails takes effect nevertheless; of a write the first half.
  bool takes_effect = false;

  /// Whether what fails throws a `Thrown` instead of returning an error, without any effect.
  bool throws = false;
  struct Thrown {};

  /// Whether its files show their descriptors.
  bool shows_descriptors = false;

  /// The operations so far, and the one that failed last.
  std::vector<std::string> operations;
  std::string failed;

  /// How files were opened.
  std::vector<leash::fs::OpenOptions> opened;

  /// The first operation with this number fails, and no other.
  void fail_at(int number) {
    operations.clear();
    failed.clear();
    fails = [number](int n, std::string_view) { return n == number; };
  }

 private:
  friend class FailingAtFile;

  bool next_fails(std::string_view operation) {
    operations.emplace_back(operation);
    if (!fails(static_cast<int>(operations.size()), operation)) return false;
    failed = operation;
    if (throws) throw Thrown();
    return true;
  }

  template <class Do>
  auto step(std::string_view operation, std::string_view subject, Do perform) -> decltype(perform()) {
    if (!next_fails(operation)) return perform();
    if (takes_effect) static_cast<void>(perform());
    return leash::fail(operation, subject, code);
  }

  leash::Result<std::unique_ptr<leash::fs::File>> do_open(leash::Call call, std::string_view path,
                                                          const leash::fs::OpenOptions& options) override;

  leash::Result<leash::fs::FileInfo> do_lstat(leash::Call call, std::string_view path) override {
    return step("lstat", path, [&] { return ProxyFileSystem::do_lstat(call, path); });
  }
  leash::Result<void> do_mkdir(leash::Call call, std::string_view path, std::uint32_t mode) override {
    return step("mkdir", path, [&] { return ProxyFileSystem::do_mkdir(call, path, mode); });
  }
  leash::Result<void> do_remove(leash::Call call, std::string_view path) override {
    return step("remove", path, [&] { return ProxyFileSystem::do_remove(call, path); });
  }
  leash::Result<void> do_remove_all(leash::Call call, std::string_view path) override {
    return step("remove_all", path, [&] { return ProxyFileSystem::do_remove_all(call, path); });
  }
  leash::Result<void> do_rename(leash::Call call, std::string_view from, std::string_view to) override {
    return step("rename", from, [&] { return ProxyFileSystem::do_rename(call, from, to); });
  }
  leash::Result<void> do_sync_dir(leash::Call call, std::string_view path) override {
    return step("sync_dir", path, [&] { return ProxyFileSystem::do_sync_dir(call, path); });
  }
};

class FailingAtFile final : public leash::fs::ProxyFile {
 public:
  FailingAtFile(std::unique_ptr<leash::fs::File> inner, FailingAt& files)
      : ProxyFile(std::move(inner)), files_(files) {}

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    return files_.step("read", path(), [&] { return ProxyFile::do_read(buffer, site); });
  }
  leash::Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    if (!files_.next_fails("write")) return ProxyFile::do_write(data, site);
    if (files_.takes_effect) static_cast<void>(ProxyFile::do_write(data.first(data.size() / 2), site));
    return leash::fail("write", path(), files_.code);
  }
  leash::Result<leash::fs::FileInfo> do_stat(std::source_location site) override {
    return files_.step("stat", path(), [&] { return ProxyFile::do_stat(site); });
  }
  leash::Result<void> do_truncate(std::uint64_t size, std::source_location site) override {
    return files_.step("truncate", path(), [&] { return ProxyFile::do_truncate(size, site); });
  }
  leash::Result<void> do_chmod(std::uint32_t mode, std::source_location site) override {
    return files_.step("chmod", path(), [&] { return ProxyFile::do_chmod(mode, site); });
  }
  leash::Result<void> do_sync(std::source_location site) override {
    return files_.step("sync", path(), [&] { return ProxyFile::do_sync(site); });
  }
  leash::Result<void> do_close(std::source_location site) override {
    // A file is closed even if that fails.
    auto closed = ProxyFile::do_close(site);
    if (files_.next_fails("close")) return leash::fail("close", path(), files_.code);
    return closed;
  }
  int do_native_handle() const noexcept override {
    return files_.shows_descriptors ? ProxyFile::do_native_handle() : -1;
  }

  FailingAt& files_;
};

inline leash::Result<std::unique_ptr<leash::fs::File>> FailingAt::do_open(leash::Call call, std::string_view path,
                                                                          const leash::fs::OpenOptions& options) {
  opened.push_back(options);
  if (next_fails("open")) return leash::fail("open", path, code);
  auto file = ProxyFileSystem::do_open(call, path, options);
  if (!file) return file;
  return std::make_unique<FailingAtFile>(*std::move(file), *this);
}

/// Sets the mode of a file, if the file system can. Whether it can.
inline bool set_mode(leash::fs::FileSystem& files, std::string_view path, std::uint32_t mode) {
  const auto set = files.chmod(leash::Context(), path, mode);
  return set || set.error() != std::errc::operation_not_supported;
}
