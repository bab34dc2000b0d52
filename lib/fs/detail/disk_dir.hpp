#pragma once

#include <leash/config.hpp>
#include <leash/fs/detail/dir_stream.hpp>
#include <leash/fs/dir.hpp>
#include <leash/os/own_descriptors.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

/// A directory of the operating system.
class DiskDir final : public Dir {
 public:
  DiskDir(DirStream stream, std::string_view path) : stream_(std::move(stream)), path_(path) {
    os::hand_out(do_native_handle());
  }

 private:
  Result<std::vector<DirEntry>> do_read(std::size_t max, std::source_location site) override;
  Result<FileInfo> do_stat(std::source_location site) override;
  Result<void> do_close(std::source_location site) override;
  int do_native_handle() const noexcept override { return stream_.descriptor(); }
  std::string_view do_path() const noexcept override { return path_; }

  DirStream stream_;
  const std::string path_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
