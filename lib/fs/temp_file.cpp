#include <leash/fs/detail/random_name.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/fs/temp_file.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs {

namespace detail {

/// Knows whether its user has closed the file: to close it once more would be a finding.
class TempHandle final : public ProxyFile {
 public:
  using ProxyFile::ProxyFile;

  bool closed() const noexcept { return closed_; }

 private:
  Result<int> do_release(std::source_location site) override {
    Result<int> descriptor = ProxyFile::do_release(site);
    if (descriptor) closed_ = true;
    return descriptor;
  }

  Result<void> do_close(std::source_location site) override {
    closed_ = true;
    return ProxyFile::do_close(site);
  }

  bool closed_ = false;
};

}  // namespace detail

TempFile::TempFile(std::unique_ptr<detail::TempHandle> handle, detail::TempEntry entry) noexcept
    : handle_(std::move(handle)), entry_(std::move(entry)) {}

TempFile::TempFile(TempFile&& other) noexcept = default;

TempFile& TempFile::operator=(TempFile&& other) noexcept {
  if (this == &other) return *this;
  close_unless_kept(entry_.site());
  handle_ = std::move(other.handle_);
  entry_ = std::move(other.entry_);
  return *this;
}

TempFile::~TempFile() { close_unless_kept(entry_.site()); }

File& TempFile::file() noexcept { return *handle_; }

Result<void> TempFile::remove(std::source_location site) {
  close_unless_kept(site);
  return entry_.remove(site);
}

/// An error of closing could only say that what is about to be removed is not complete.
void TempFile::close_unless_kept(std::source_location site) noexcept {
  if (!entry_.owns() || handle_->closed()) return;
  try {
    static_cast<void>(handle_->close(site));
  } catch (...) {
    return;
  }
}

Result<TempFile> temp_file(Call call, FileSystem& files, PathArg directory, std::string_view prefix) {
  std::unique_ptr<File> file;
  const auto create = [&](std::string_view path) -> Result<void> {
    auto opened =
        files.open(call, path, {.read = true, .write = true, .create = true, .exclusive = true, .mode = 0600});
    if (!opened) return std::unexpected(opened.error());
    file = *std::move(opened);
    return {};
  };
  Result<std::string> path = detail::create_randomly_named(directory, prefix, create);
  if (!path) return std::unexpected(path.error());
  auto entry = detail::TempEntry::adopt(call, files, detail::TempEntry::Type::file, *std::move(path), "temp_file");
  if (!entry) {
    static_cast<void>(file->close(call.site()));
    return std::unexpected(entry.error());
  }
  return TempFile(std::make_unique<detail::TempHandle>(std::move(file)), *std::move(entry));
}

}  // namespace LEASH_NAMESPACE::fs
