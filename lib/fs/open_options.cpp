#include <leash/fs/open_options.hpp>

namespace LEASH_NAMESPACE::fs {

std::string_view options_defect(const OpenOptions& options) noexcept {
  if (!options.read && !options.write) return "neither read nor write";
  if (options.unnamed && !options.write) return "unnamed without write";
  if (options.unnamed &&
      (options.append || options.create || options.truncate || options.directory || options.no_follow)) {
    return "unnamed with an option for a name";
  }
  if (options.directory && options.write) return "write to a directory";
  if (options.append && !options.write) return "append without write";
  if (options.create && !options.write) return "create without write";
  if (options.truncate && !options.write) return "truncate without write";
  if (options.exclusive && !options.create) return "exclusive without create";
  if ((options.mode & ~0777U) != 0) return "mode has bits other than permissions";
  return {};
}

}  // namespace LEASH_NAMESPACE::fs
