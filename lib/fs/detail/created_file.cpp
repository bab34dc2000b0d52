#include <leash/fs/detail/created_file.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

CreatedFile::CreatedFile(Call call, FileSystem& files, std::string path)
    : files_(&files), context_(call.context().without_cancel()), site_(call.site()), path_(std::move(path)) {}

CreatedFile::~CreatedFile() {
  if (files_ == nullptr) return;
  try {
    static_cast<void>(files_->remove(Call(context_, site_), path_));
  } catch (...) {
    return;
  }
}

std::unexpected<Error> CreatedFile::remove(const Error& why) {
  FileSystem& files = *std::exchange(files_, nullptr);
  const Result<void> removed = files.remove(Call(context_, site_), path_);
  if (removed || removed.error() == std::errc::no_such_file_or_directory) return std::unexpected(why);
  std::vector<Error> causes(why.causes().begin(), why.causes().end());
  causes.push_back(removed.error());
  return fail(why.operation(), why.subject(), why.code(), why.detail(), std::move(causes), why.transferred());
}

}  // namespace LEASH_NAMESPACE::fs::detail
