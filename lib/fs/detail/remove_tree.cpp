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

/// How many times to go on where someone else has changed the tree meanwhile.
constexpr int max_retries = 1000;

Outcome<os::Descriptor> open_directory(int parent, const char* name, int flags) {
  os::Descriptor directory(os::open_own(
      [&] { return os::retry([&] { return ::openat(parent, name, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }); }));
  if (!directory) return refuse_last();
  return directory;
}

Outcome<void> unlink(int parent, const std::string& name, int flags) {
  if (os::retry([&] { return ::unlinkat(parent, name.c_str(), flags); }) != 0) return refuse_last();
  return {};
}

bool is_gone(std::error_code code) { return code == std::errc::no_such_file_or_directory; }

/// What open(2) with O_DIRECTORY and O_NOFOLLOW, and rmdir(2), say of something else.
bool is_no_directory(std::error_code code) {
  return code == std::errc::not_a_directory || code == std::errc::too_many_symbolic_link_levels;
}

/// rmdir(2) may say either.
bool is_not_empty(std::error_code code) {
  return code == std::errc::directory_not_empty || code == std::errc::file_exists;
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

  Outcome<void> remove(int parent, const std::string& name) {
    for (;;) {
      Outcome<void> removed = unlink(parent, name, 0);
      if (removed || is_gone(removed.error())) return {};
      if (removed.error() != std::errc::is_a_directory) return removed;
      removed = unlink(parent, name, AT_REMOVEDIR);
      if (removed || is_gone(removed.error())) return {};
      if (is_not_empty(removed.error())) {
        Outcome<os::Descriptor> top = open_directory(parent, name.c_str(), O_RDONLY);
        if (top) {
          if (auto emptied = remove_content(*std::move(top), name); !emptied) return emptied;
        } else if (!is_gone(top.error()) && !is_no_directory(top.error())) {
          return std::unexpected(top.error());
        }
      } else if (!is_no_directory(removed.error())) {
        return removed;
      }
      // The first time is no retry, but one more or less does not matter.
      if (!may_retry()) return removed;
    }
  }

 private:
  bool may_retry() noexcept { return ++retries_ <= max_retries; }

  /// Removes all that is in the directory `top`, which has the name `name`, but not the directory itself. Stops with
  /// success where the tree was moved: the caller looks what is left.
  Outcome<void> remove_content(os::Descriptor top, const std::string& name) {
    levels_.clear();
    current_ = std::move(top);
    if (auto entered = enter(name); !entered) return entered;
    for (;;) {
      if (context_.done()) return std::unexpected(context_.error());
      if (!levels_.back().subdirectories.empty()) {
        if (auto down = go_down(levels_.back()); !down) return down;
      } else if (levels_.size() > 1) {
        const Outcome<bool> up = go_up();
        if (!up) return std::unexpected(up.error());
        if (!*up) return {};
      } else {
        return {};
      }
    }
  }

  /// Begins a level for the current directory, which has the name `name`: removes all in it but its subdirectories, and
  /// notes those.
  Outcome<void> enter(const std::string& name) {
    struct stat status{};
    if (os::retry([&] { return ::fstat(current_.get(), &status); }) != 0) return refuse_last();
    Level level{name, status.st_dev, status.st_ino, {}};
    Outcome<os::Descriptor> listed = open_directory(current_.get(), ".", O_RDONLY);
    // If it was removed meanwhile, there is nothing in it.
    if (!listed && !is_gone(listed.error())) return std::unexpected(listed.error());
    // Lists the whole directory before it removes anything: getdents(2) may leave names out if some are removed
    // meanwhile.
    Outcome<std::vector<DirEntry>> entries;
    if (listed) entries = list_all(*std::move(listed));
    if (!entries) return std::unexpected(entries.error());
    for (DirEntry& entry : *entries) {
      if (context_.done()) return std::unexpected(context_.error());
      if (!entry.is_directory()) {
        Outcome<void> removed = unlink(current_.get(), entry.name, 0);
        if (removed || is_gone(removed.error())) continue;
        if (removed.error() != std::errc::is_a_directory) return removed;
      }
      level.subdirectories.push_back(std::move(entry.name));
    }
    levels_.push_back(std::move(level));
    return {};
  }

  Outcome<void> go_down(Level& level) {
    std::string name = std::move(level.subdirectories.back());
    level.subdirectories.pop_back();
    Outcome<os::Descriptor> next = open_directory(current_.get(), name.c_str(), O_RDONLY);
    if (next) {
      current_ = *std::move(next);
      return enter(name);
    }
    if (is_gone(next.error())) return {};
    // Someone has replaced it by something else since it was listed; or it may not be read, but is empty.
    const bool replaced = is_no_directory(next.error());
    Outcome<void> removed = unlink(current_.get(), name, replaced ? 0 : AT_REMOVEDIR);
    if (removed || is_gone(removed.error())) return {};
    // Someone has replaced it again.
    const bool again = replaced ? removed.error() == std::errc::is_a_directory : is_no_directory(removed.error());
    if (!again || !may_retry()) return replaced ? removed : std::unexpected(next.error());
    level.subdirectories.push_back(std::move(name));
    return {};
  }

  /// Goes to the directory above and removes the one that was left. Returns false if the way up is not the one that led
  /// down: someone has moved or removed the current directory, and its `..` is another one, perhaps outside of the
  /// root.
  Outcome<bool> go_up() {
    Outcome<os::Descriptor> parent = open_directory(current_.get(), "..", O_PATH);
    if (!parent) {
      if (is_gone(parent.error()) || parent.error() == std::errc::permission_denied) return false;
      return std::unexpected(parent.error());
    }
    current_ = *std::move(parent);
    std::string name = std::move(levels_.back().name);
    levels_.pop_back();
    Level& level = levels_.back();
    struct stat status{};
    if (os::retry([&] { return ::fstat(current_.get(), &status); }) != 0) return refuse_last();
    if (status.st_dev != level.device || status.st_ino != level.inode) return false;
    const Outcome<void> removed = unlink(current_.get(), name, AT_REMOVEDIR);
    if (removed || is_gone(removed.error())) return true;
    const bool changed = is_not_empty(removed.error()) || is_no_directory(removed.error());
    if (!changed || !may_retry()) return std::unexpected(removed.error());
    level.subdirectories.push_back(std::move(name));
    return true;
  }

  const Context& context_;
  os::Descriptor current_;
  std::vector<Level> levels_;
  int retries_ = 0;
};

}  // namespace

Outcome<void> remove_tree(int parent, const std::string& name, const Context& context) {
  return Remover(context).remove(parent, name);
}

}  // namespace LEASH_NAMESPACE::fs::detail
