#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <leash/fs/detail/beneath.hpp>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/detail/retry.hpp>
#include <leash/fs/errc.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// How often to begin anew where someone changes the tree at the same time.
constexpr int max_attempts = 128;

int openat2(int root, const char* path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(retry([&] { return ::syscall(SYS_openat2, root, path, &how, sizeof how); }));
}

Outcome<Descriptor> open_at(int directory, const std::string& name, int flags, unsigned mode) {
  Descriptor descriptor(retry([&] { return ::openat(directory, name.c_str(), flags, mode); }));
  if (!descriptor) return refuse_last();
  return descriptor;
}

Outcome<mode_t> type_of(int descriptor) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return refuse_last();
  return info.st_mode & S_IFMT;
}

Outcome<std::string> read_link(int directory, const char* name) {
  std::array<char, max_path_size + 1> target;
  const ssize_t size = ::readlinkat(directory, name, target.data(), target.size());
  if (size < 0) return refuse_last();
  return std::string(target.data(), static_cast<std::size_t>(size));
}

/// What stands at the end of a step: something open, or a link to go on from.
struct Step {
  Descriptor open;
  std::optional<std::string> link;
};

Outcome<Step> step_to_link(int directory, const char* name) {
  Outcome<std::string> target = read_link(directory, name);
  if (!target) return std::unexpected(target.error());
  return Step{{}, *std::move(target)};
}

/// Goes down one name that is not the last.
Outcome<Step> descend(int directory, const std::string& name) {
  Outcome<Descriptor> next = open_at(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (!next) return std::unexpected(next.error());
  const Outcome<mode_t> type = type_of(next->get());
  if (!type) return std::unexpected(type.error());
  if (*type == S_IFLNK) return step_to_link(next->get(), "");
  if (*type != S_IFDIR) return refuse(std::errc::not_a_directory);
  return Step{*std::move(next), {}};
}

/// Opens the last name, as it was asked for.
Outcome<Step> finish(int directory, const std::string& name, int flags, unsigned mode) {
  const bool may_follow = (flags & (O_NOFOLLOW | O_EXCL)) == 0;
  if (may_follow && (flags & O_PATH) != 0) {
    // With O_PATH and O_NOFOLLOW, a link is opened and not refused; with O_DIRECTORY besides, it is refused as no
    // directory.
    Outcome<Descriptor> opened = open_at(directory, name, (flags & ~O_DIRECTORY) | O_NOFOLLOW, 0);
    if (!opened) return std::unexpected(opened.error());
    const Outcome<mode_t> type = type_of(opened->get());
    if (!type) return std::unexpected(type.error());
    if (*type == S_IFLNK) return step_to_link(opened->get(), "");
    if ((flags & O_DIRECTORY) != 0 && *type != S_IFDIR) return refuse(std::errc::not_a_directory);
    return Step{*std::move(opened), {}};
  }
  for (int attempt = 0;; ++attempt) {
    Outcome<Descriptor> opened = open_at(directory, name, flags | O_NOFOLLOW, mode);
    if (opened) return Step{*std::move(opened), {}};
    const bool may_be_link =
        opened.error() == std::errc::too_many_symbolic_link_levels || opened.error() == std::errc::not_a_directory;
    if (!may_follow || !may_be_link) return std::unexpected(opened.error());
    Outcome<Step> link = step_to_link(directory, name.c_str());
    if (link) return link;
    // It was a link and is none any more: look again.
    const bool changed = opened.error() == std::errc::too_many_symbolic_link_levels;
    if (!changed || attempt == max_attempts) return std::unexpected(opened.error());
  }
}

Outcome<Descriptor> open_by_walk(int root, std::string_view path, int flags, unsigned mode) {
  if (path.size() > max_path_size) return refuse(std::errc::filename_too_long);
  Elements elements(path);
  std::vector<std::string> walked;
  Descriptor held;
  for (;;) {
    const int directory = held ? held.get() : root;
    const std::string name(elements.take());
    if (name == "..") {
      // Never by the name `..`: the directory may have been moved out of the root meanwhile.
      if (walked.empty()) return refuse(errc::escapes_root);
      walked.pop_back();
      elements.restart(std::exchange(walked, {}));
      held = Descriptor();
      continue;
    }
    if (name != ".") {
      const bool last = elements.last() && !elements.slash();
      if (elements.last() && elements.slash() && (flags & O_CREAT) != 0) return refuse(std::errc::is_a_directory);
      Outcome<Step> step = last ? finish(directory, name, flags, mode) : descend(directory, name);
      if (!step) return std::unexpected(step.error());
      if (step->link) {
        if (const std::error_code error = elements.expand(*step->link)) return std::unexpected(error);
        continue;
      }
      if (last) return std::move(step->open);
      held = std::move(step->open);
      walked.push_back(name);
    }
    if (elements.last()) return open_at(held ? held.get() : root, ".", flags & ~O_NOFOLLOW, mode);
  }
}

Outcome<Descriptor> open_by_kernel(int root, const std::string& path, int flags, unsigned mode) {
  // EAGAIN says that the kernel could not rule out that a concurrent rename, of whatever on this machine, led it
  // outside.
  for (int attempt = 0; attempt != max_attempts; ++attempt) {
    Descriptor descriptor(openat2(root, path.c_str(), flags, mode));
    if (descriptor) return descriptor;
    if (errno == EXDEV) return refuse(errc::escapes_root);
    if (errno != EAGAIN) return refuse_last();
  }
  return open_by_walk(root, path, flags, mode);
}

}  // namespace

Resolver best_resolver(int root) {
  // Without the system call it is ENOSYS, or whatever a filter answers; and what cannot open the root itself will open
  // nothing.
  const Descriptor probe(openat2(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0));
  return probe ? Resolver::kernel : Resolver::walk;
}

Outcome<Descriptor> open_beneath(int root, std::string_view path, int flags, unsigned mode, Resolver resolver) {
  flags |= O_CLOEXEC;
  return resolver == Resolver::kernel ? open_by_kernel(root, std::string(path), flags, mode)
                                      : open_by_walk(root, path, flags, mode);
}

}  // namespace LEASH_NAMESPACE::fs::detail
