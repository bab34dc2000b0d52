#include <leash/fs/detail/remove_created.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {

std::unexpected<Error> remove_created(Call call, FileSystem& files, std::string_view path, const Error& why) {
  const Context context = call.context().without_cancel();
  const Result<void> removed = files.remove(Call(context, call.site()), path);
  if (removed || removed.error() == std::errc::no_such_file_or_directory) return std::unexpected(why);
  std::vector<Error> causes(why.causes().begin(), why.causes().end());
  causes.push_back(removed.error());
  return fail(why.operation(), why.subject(), why.code(), why.detail(), std::move(causes));
}

}  // namespace LEASH_NAMESPACE::fs::detail
