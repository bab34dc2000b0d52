#pragma once

#include <leash/config.hpp>
#include <leash/track/resource.hpp>
#include <source_location>
#include <utility>

namespace LEASH_NAMESPACE::track {

class Tracker;

#if LEASH_TRACKING

namespace detail {
struct Record;
}

/// Stands for one open resource in its tracker. Whoever owns the resource owns its tag, and closes the two together.
///
/// Move-only. An empty tag (default-made, moved from, or acquired where there is no tracker) accepts every operation
/// and does nothing. `close`, `touch` and the setters may run in any number of threads at once; moving and destroying
/// need the tag to themselves. A tag may outlive its tracker. Nothing here throws but `child`, where there is no
/// memory.
class Tag {
 public:
  Tag() noexcept = default;
  Tag(Tag&& other) noexcept : record_(std::exchange(other.record_, nullptr)) {}
  Tag& operator=(Tag&& other) noexcept {
    if (this != &other) {
      if (record_ != nullptr) end();
      record_ = std::exchange(other.record_, nullptr);
    }
    return *this;
  }

  /// Drops the resource if it was not closed: what that means, its `OnDrop` says.
  ~Tag() {
    if (record_ != nullptr) end();
  }

  /// The resource is closed; `site` is where. A close while a child is open is a finding on the child,
  /// `outlived-parent`; one after the verdict that called this leaked is `closed-late`, told when the tag ends. A
  /// second close is a finding too, `double-close`. The first may be called in a signal handler, at any time.
  void close(std::source_location site = std::source_location::current()) noexcept;

  /// The resource is given to someone else, who is to close it: for the tracker it is closed. Its descriptor, if it has
  /// one and it stays open, the rule `untracked` names with where it was opened and with `site`. Not in a signal
  /// handler.
  void release(std::source_location site = std::source_location::current()) noexcept;

  /// The resource is about to be used, here. Reports show the last use. After `close` it is a finding,
  /// `use-after-close`; only a note if another thread closed it, which may be how the user of the resource is stopped.
  void touch(std::source_location site = std::source_location::current()) noexcept;

  /// From now on, this is what it means to be destroyed without `close`.
  void set_on_drop(OnDrop on_drop) noexcept;

  /// An operation on the resource failed, and its owner was told: to drop the resource now is no new loss.
  void set_failed() noexcept;

  /// Opens a resource that depends on this one: it must be closed first. The result is empty if this tag is. If the
  /// tracker is closed already, that is a finding, `opened-after-end`, and the result is empty too: a handle at work
  /// must not fail for the verdict of its test.
  [[nodiscard]] Tag child(const Resource& resource, std::source_location site = std::source_location::current()) const;

  /// Whether this tag stands for something, open or closed.
  explicit operator bool() const noexcept { return record_ != nullptr; }

 private:
  friend class Tracker;
  explicit Tag(detail::Record* record) noexcept : record_(record) {}

  void end() noexcept;

  detail::Record* record_ = nullptr;
};

#else

/// Tracking is compiled out: an empty class, all of whose operations are nothing.
class Tag {
 public:
  Tag() noexcept = default;
  Tag(Tag&&) noexcept = default;
  Tag& operator=(Tag&&) noexcept = default;
  ~Tag() {}  // NOLINT(modernize-use-equals-default): a named but unused tag is no warning, as when tracking is on

  void close(std::source_location = std::source_location::current()) noexcept {}
  void release(std::source_location = std::source_location::current()) noexcept {}
  void touch(std::source_location = std::source_location::current()) noexcept {}
  void set_on_drop(OnDrop) noexcept {}
  void set_failed() noexcept {}
  [[nodiscard]] Tag child(const Resource&, std::source_location = std::source_location::current()) const { return {}; }
  explicit operator bool() const noexcept { return false; }
};

#endif

}  // namespace LEASH_NAMESPACE::track
