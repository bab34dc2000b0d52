#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <leash/fs/detail/beneath.hpp>
#include <leash/fs/detail/c_text.hpp>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/errc.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/retry.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// How many times to retry where someone else changes the tree at the same time.
constexpr int max_attempts = 128;

/// How many elements a walk may take, those of links, and those that it walks again from the root, included. Only 40
/// links with targets of the greatest length have more, and the kernel would follow them.
constexpr int max_elements = 1 << 16;

/// How many directories above the current one to hold open for a `..` that may come: without one, the walk must begin
/// again at the root.
constexpr std::size_t max_held = 16;

int openat2(int root, const char* path, int flags, unsigned mode, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  // O_TMPFILE has more than one bit.
  const bool creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  how.mode = creates ? mode : 0;
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  return os::open_own([&] {
    return static_cast<int>(os::retry([&] { return ::syscall(SYS_openat2, root, path, &how, sizeof how); }));
  });
}

Outcome<os::Descriptor> open_at(int directory, const std::string& name, int flags, unsigned mode) {
  os::Descriptor descriptor(
      os::open_own([&] { return os::retry([&] { return ::openat(directory, name.c_str(), flags, mode); }); }));
  if (!descriptor) return refuse_last();
  return descriptor;
}

Outcome<mode_t> type_of(int descriptor) {
  struct stat info{};
  if (os::retry([&] { return ::fstat(descriptor, &info); }) != 0) return refuse_last();
  return info.st_mode & S_IFMT;
}

/// Whether a directory is one of procfs. An absolute link there (`/proc/self/fd/0`) stands for a file that a process
/// has open, and its text may be that of another file. openat2(2) with RESOLVE_NO_MAGICLINKS refuses such links.
bool is_proc(int directory) {
  struct statfs info{};
  return ::fstatfs(directory, &info) == 0 && info.f_type == PROC_SUPER_MAGIC;
}

Outcome<std::string> read_link(int directory, const char* name) {
  std::array<char, max_path_size + 1> target;
  const ssize_t size = os::retry([&] { return ::readlinkat(directory, name, target.data(), target.size()); });
  if (size < 0) return refuse_last();
  return std::string(target.data(), static_cast<std::size_t>(size));
}

/// The result of a step from a directory to a name in it: what was opened or, if the name is a link, its target.
struct Step {
  os::Descriptor open;
  std::optional<std::string> link;
};

Outcome<Step> link_step(int directory, const char* name) {
  Outcome<std::string> target = read_link(directory, name);
  if (!target) return std::unexpected(target.error());
  return Step{{}, *std::move(target)};
}

/// Opens a directory on the way: the name is not the last element of the path.
Outcome<Step> open_on_the_way(int directory, const std::string& name) {
  Outcome<os::Descriptor> next = open_at(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (!next) return std::unexpected(next.error());
  const Outcome<mode_t> type = type_of(next->get());
  if (!type) return std::unexpected(type.error());
  if (*type == S_IFLNK) return link_step(next->get(), "");
  if (*type != S_IFDIR) return refuse(std::errc::not_a_directory);
  return Step{*std::move(next), {}};
}

/// Opens the last element of the path, with the flags and the mode of the caller of `open_beneath`.
Outcome<Step> open_last(int directory, const std::string& name, int flags, unsigned mode) {
  const bool may_follow = (flags & (O_NOFOLLOW | O_EXCL)) == 0;
  if (may_follow && (flags & O_PATH) != 0) {
    // O_PATH with O_NOFOLLOW opens a link itself. O_DIRECTORY is left out, since it would make that ENOTDIR.
    Outcome<os::Descriptor> opened = open_at(directory, name, (flags & ~O_DIRECTORY) | O_NOFOLLOW, 0);
    if (!opened) return std::unexpected(opened.error());
    const Outcome<mode_t> type = type_of(opened->get());
    if (!type) return std::unexpected(type.error());
    if (*type == S_IFLNK) return link_step(opened->get(), "");
    if ((flags & O_DIRECTORY) != 0 && *type != S_IFDIR) return refuse(std::errc::not_a_directory);
    return Step{*std::move(opened), {}};
  }
  for (int attempt = 0;; ++attempt) {
    Outcome<os::Descriptor> opened = open_at(directory, name, flags | O_NOFOLLOW, mode);
    if (opened) return Step{*std::move(opened), {}};
    const bool may_be_link =
        opened.error() == std::errc::too_many_symbolic_link_levels || opened.error() == std::errc::not_a_directory;
    if (!may_follow || !may_be_link) return std::unexpected(opened.error());
    Outcome<Step> link = link_step(directory, name.c_str());
    if (link) return link;
    const bool no_link =
        link.error() == std::errc::invalid_argument || link.error() == std::errc::no_such_file_or_directory;
    if (!no_link) return link;
    // The name was a link at openat(2), but no more at readlinkat(2): try again.
    const bool changed = opened.error() == std::errc::too_many_symbolic_link_levels;
    if (!changed || attempt == max_attempts) return std::unexpected(opened.error());
  }
}

/// The lookup of one path, one element at a time.
class Walk {
 public:
  Walk(const Root& root, const Context& context, std::string_view path)
      : root_(root), context_(context), elements_(path, root.links) {}

  Outcome<os::Descriptor> open(int flags, unsigned mode) {
    for (int count = 0; count != max_elements; ++count) {
      if (context_.done()) return std::unexpected(context_.error());
      const std::string name(elements_.take());
      if (name == "..") {
        if (const std::error_code error = go_up()) return std::unexpected(error);
      } else if (name != ".") {
        const bool last = elements_.taken_is_last() && !elements_.taken_has_slash();
        if (elements_.taken_is_last() && elements_.taken_has_slash() && (flags & O_CREAT) != 0) {
          return refuse(std::errc::is_a_directory);
        }
        Outcome<Step> step = last ? open_last(here(), name, flags, mode) : open_on_the_way(here(), name);
        if (!step && out_of_descriptors(step.error()) && !above_.empty()) {
          // The directories above are held for speed only: give them up and try again.
          above_.clear();
          step = last ? open_last(here(), name, flags, mode) : open_on_the_way(here(), name);
        }
        if (!step) return std::unexpected(step.error());
        if (step->link) {
          if (const std::error_code error = follow(*step->link)) return std::unexpected(error);
          continue;
        }
        if (last) return std::move(step->open);
        go_down(name, std::move(step->open));
      }
      // The path ends with `.`, `..` or a slash: what it asks for is the current directory.
      if (elements_.taken_is_last()) {
        above_.clear();
        return open_at(here(), ".", flags & ~O_NOFOLLOW, mode);
      }
    }
    return refuse(std::errc::too_many_symbolic_link_levels);
  }

 private:
  int here() const noexcept { return here_ ? here_.get() : root_.directory.get(); }

  static bool out_of_descriptors(std::error_code code) {
    return code == std::errc::too_many_files_open || code == std::errc::too_many_files_open_in_system;
  }

  void go_down(const std::string& name, os::Descriptor next) {
    if (!elements_.may_go_up()) {
      above_.clear();
    } else if (here_) {
      if (above_.size() == max_held) above_.pop_front();
      above_.push_back(std::move(here_));
    }
    here_ = std::move(next);
    walked_.push_back(name);
  }

  /// Goes to the directory that the walk came from. Opening `..` would not be safe: if someone has moved the current
  /// directory out of the root meanwhile, that is a directory outside. If the one above is not held open, the walk
  /// begins again at the root, once for all `..` in a row.
  std::error_code go_up() {
    if (walked_.empty()) return root_.links == Links::in_root ? std::error_code() : make_error_code(errc::escapes_root);
    walked_.pop_back();
    if (walked_.empty()) {
      here_ = os::Descriptor();
    } else if (!above_.empty()) {
      here_ = std::move(above_.back());
      above_.pop_back();
    } else {
      for (; elements_.next_goes_up() && !walked_.empty(); walked_.pop_back()) elements_.take();
      elements_.restart(std::exchange(walked_, {}));
      here_ = os::Descriptor();
    }
    return {};
  }

  std::error_code follow(const std::string& target) {
    const bool absolute = target.starts_with('/');
    if (absolute && is_proc(here())) return std::make_error_code(std::errc::too_many_symbolic_link_levels);
    if (const std::error_code error = elements_.expand(target)) return error;
    if (absolute) {
      walked_.clear();
      above_.clear();
      here_ = os::Descriptor();
    }
    return {};
  }

  const Root& root_;
  const Context& context_;
  Elements elements_;
  std::vector<std::string> walked_;   ///< The names from the root to the current directory.
  os::Descriptor here_;               ///< The current directory; none while it is the root.
  std::deque<os::Descriptor> above_;  ///< Those above the current directory that are held open, the nearest one last.
};

Outcome<os::Descriptor> open_by_walk(const Root& root, const Context& context, std::string_view path, int flags,
                                     unsigned mode) {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  return Walk(root, context, path).open(flags, mode);
}

Outcome<os::Descriptor> open_by_kernel(const Root& root, const Context& context, std::string_view path, int flags,
                                       unsigned mode) {
  const CText text(path);
  const std::uint64_t resolve = root.links == Links::in_root ? RESOLVE_IN_ROOT : RESOLVE_BENEATH;
  // EAGAIN: someone renamed something, anywhere on the machine, during the lookup of a `..`, and the kernel could not
  // rule out that this led outside of the root. After too many of them the walk, which has no such problem, does it.
  for (int attempt = 0; attempt != max_attempts; ++attempt) {
    os::Descriptor descriptor(openat2(root.directory.get(), text.get(), flags, mode, resolve));
    if (descriptor) return descriptor;
    if (errno == EXDEV) return refuse(errc::escapes_root);
    if (errno != EAGAIN) return refuse_last();
    if (context.done()) return std::unexpected(context.error());
  }
  return open_by_walk(root, context, path, flags, mode);
}

}  // namespace

PathLookup best_lookup(int root) {
  // Fails with ENOSYS where the kernel lacks openat2(2), or with any code where a seccomp filter forbids it.
  // RESOLVE_IN_ROOT came in the same version of the kernel as RESOLVE_BENEATH, so one probe is enough.
  const os::Descriptor probe(openat2(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH));
  return probe ? PathLookup::kernel : PathLookup::walk;
}

Outcome<os::Descriptor> open_beneath(const Root& root, const Context& context, std::string_view path, int flags,
                                     unsigned mode) {
  const auto open = root.lookup == PathLookup::kernel ? open_by_kernel : open_by_walk;
  return open(root, context, path, flags | O_CLOEXEC, mode);
}

}  // namespace LEASH_NAMESPACE::fs::detail
