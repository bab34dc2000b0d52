#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <leash/fs/detail/dir_stream.hpp>
#include <leash/fs/detail/remove_tree.hpp>
#include <leash/os/descriptor.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// How many times to empty directories again in which someone else has put something meanwhile.
constexpr int max_refills = 1000;

Outcome<os::Descriptor> open_directory(int parent, const std::string& name) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  os::Descriptor directory(
      os::open_own([&] { return os::retry([&] { return ::openat(parent, name.c_str(), flags); }); }));
  if (!directory) return refuse_last();
  return directory;
}

/// A directory on the way from the top to the current one.
struct Level {
  std::string name;
  dev_t device = 0;
  ino_t inode = 0;
  std::vector<std::string> subdirectories;  ///< Those that are still to be removed.
};

class Remover {
 public:
  explicit Remover(const Context& context) : context_(context) {}

  /// Removes all that is in the directory `top`, which has the name `name`, but not the directory itself.
  Outcome<void> remove_content(os::Descriptor top, const std::string& name) {
    current_ = std::move(top);
    if (auto entered = enter(name); !entered) return entered;
    for (;;) {
      if (context_.done()) return std::unexpected(context_.error());
      Level& level = levels_.back();
      if (!level.subdirectories.empty()) {
        if (auto down = go_down(level); !down) return down;
      } else if (levels_.size() > 1) {
        if (auto up = go_up(); !up) return up;
      } else {
        levels_.clear();
        return {};
      }
    }
  }

 private:
  /// Begins a level for the current directory, which has the name `name`: removes all in it but its subdirectories, and
  /// notes those.
  Outcome<void> enter(const std::string& name) {
    struct stat status{};
    if (::fstat(current_.get(), &status) != 0) return refuse_last();
    Level level{name, status.st_dev, status.st_ino, {}};
    Outcome<os::Descriptor> listed = open_directory(current_.get(), ".");
    if (!listed) return std::unexpected(listed.error());
    // Lists the whole directory before it removes anything: readdir(3) may leave names out if some are removed
    // meanwhile.
    Outcome<std::vector<DirEntry>> entries = list_all(*std::move(listed));
    if (!entries) return std::unexpected(entries.error());
    for (DirEntry& entry : *entries) {
      if (context_.done()) return std::unexpected(context_.error());
      if (!entry.is_directory()) {
        if (::unlinkat(current_.get(), entry.name.c_str(), 0) == 0 || errno == ENOENT) continue;
        if (errno != EISDIR) return refuse_last();
      }
      level.subdirectories.push_back(std::move(entry.name));
    }
    levels_.push_back(std::move(level));
    return {};
  }

  Outcome<void> go_down(Level& level) {
    const std::string name = std::move(level.subdirectories.back());
    level.subdirectories.pop_back();
    Outcome<os::Descriptor> next = open_directory(current_.get(), name);
    if (next) {
      current_ = *std::move(next);
      return enter(name);
    }
    if (next.error() == std::errc::no_such_file_or_directory) return {};
    // Someone has replaced it by something else since it was listed.
    if (::unlinkat(current_.get(), name.c_str(), 0) == 0) return {};
    return std::unexpected(next.error());
  }

  Outcome<void> go_up() {
    Outcome<os::Descriptor> parent = open_directory(current_.get(), "..");
    if (!parent) return std::unexpected(parent.error());
    current_ = *std::move(parent);
    const std::string name = std::move(levels_.back().name);
    levels_.pop_back();
    Level& level = levels_.back();
    struct stat status{};
    if (::fstat(current_.get(), &status) != 0) return refuse_last();
    // Someone has moved the directory that was left: its `..` is another directory, perhaps outside of the root.
    if (status.st_dev != level.device || status.st_ino != level.inode) {
      return refuse(std::errc::resource_unavailable_try_again);
    }
    if (::unlinkat(current_.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return {};
    if (errno != ENOTEMPTY || ++refills_ > max_refills) return refuse_last();
    level.subdirectories.push_back(name);
    return {};
  }

  const Context& context_;
  os::Descriptor current_;
  std::vector<Level> levels_;
  int refills_ = 0;
};

}  // namespace

Outcome<void> remove_tree(int parent, const std::string& name, const Context& context) {
  Remover remover(context);
  for (int refill = 0;; ++refill) {
    if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
    if (errno != EISDIR) return refuse_last();
    if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return {};
    if (errno != ENOTEMPTY || refill == max_refills) return refuse_last();
    Outcome<os::Descriptor> top = open_directory(parent, name);
    if (!top) return std::unexpected(top.error());
    if (auto emptied = remover.remove_content(*std::move(top), name); !emptied) return emptied;
  }
}

}  // namespace LEASH_NAMESPACE::fs::detail
