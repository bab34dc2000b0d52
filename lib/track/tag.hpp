#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/resource.hpp>
#include <source_location>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::track {

class Tracker;

#if LEASH_TRACKING

namespace detail {
struct Record;
struct TagAccess;
}  // namespace detail

/// Stands for one open resource in its tracker. Whoever owns the resource owns its tag too, and closes both together.
///
/// Move-only. An empty tag (default-constructed, moved from, or acquired without a tracker) accepts every operation and
/// does nothing. Any number of threads may call `close`, `touch`, `note`, `add_bytes_in`, `add_bytes_out` and the
/// setters at once; while a tag is moved or destroyed, no other thread may use it. A tag may outlive its tracker.
/// Nothing throws but `note`, `child` and `sibling`, if there is no memory.
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

  /// If the resource was not closed, it is dropped: see `OnDrop`.
  ~Tag() {
    if (record_ != nullptr) end();
  }

  /// The resource is closed, at `site`. These closes are findings: a second one is `double-close`; one while a child is
  /// open is `outlived-parent`, on the child; one after the verdict called the resource leaked is `closed-late`,
  /// reported when the tag ends. The first close is async-signal-safe.
  void close(std::source_location site = std::source_location::current()) noexcept;

  /// The resource is given away at `site` to someone else, who is to close it: for the tracker it is closed. If it has
  /// a descriptor that stays open, the rule `untracked` reports that, with the place where it was opened and with
  /// `site`. Not for a signal handler.
  void release(std::source_location site = std::source_location::current()) noexcept;

  /// The resource is about to be used, at `site`. Reports show the last use. After `close` it is a finding,
  /// `use-after-close`; only a note if another thread closed it, since that may be how the thread that uses it is
  /// stopped.
  void touch(std::source_location site = std::source_location::current()) noexcept;

  /// As `touch`, where `site` lies in a library that uses the resource for the user, such as `asio::async_read`:
  /// reports show the line of the user's code that called it, which the stack tells.
  void touch_with_stack(std::source_location site = std::source_location::current()) noexcept;

  /// From now on `descriptor` is the resource's descriptor, and it is called `name` if that is not empty: for an object
  /// that is made before it opens a descriptor. If, while the tag is open, the number comes to mean something else or
  /// nothing, reports of the leak say that it was perhaps closed past its tag. At level `count`, or if there is no
  /// memory, only the descriptor is kept.
  void identify(std::string_view name, int descriptor) noexcept;

  /// The resource is a connected socket whose ends its name says, as in `10.0.0.1:51002 -> 10.0.0.2:80`, and has its
  /// descriptor. Reports of a leak then say the same of a number that means something else, as far as its ends tell:
  /// this asks the system for nothing, where `identify` has to.
  void identify_by_ends() noexcept;

  /// From now on `on_drop` says what it means that the resource is dropped.
  void set_on_drop(OnDrop on_drop) noexcept;

  /// An operation on the resource failed, and its owner got the error. To drop the resource loses nothing new from now
  /// on: `dropped` is only a note.
  void set_failed() noexcept;

  /// Says what the resource is being used for, such as `GET /index`: reports show it as the innermost of its notes. It
  /// replaces the note that an earlier call has set. Throws `std::bad_alloc`.
  void note(std::string_view text, std::source_location site = std::source_location::current()) const;

  /// So many bytes were read from the resource, or written to it: reports show the sums, but for level `count`. They
  /// are not counted if there is no memory for that.
  void add_bytes_in(std::uint64_t bytes) noexcept;
  void add_bytes_out(std::uint64_t bytes) noexcept;

  /// A tag for a resource that was just opened at `site`, depends on this one, and must be closed before it. Empty if
  /// this tag is. Empty too if the tracker is closed, with a finding, `opened-after-end`: it is no error, since a
  /// handle that is in use must go on working after the verdict. After `close` it is a finding, `use-after-close`.
  /// Throws `std::bad_alloc`.
  [[nodiscard]] Tag child(const Resource& resource, std::source_location site = std::source_location::current()) const;

  /// As `child`, for a resource that was made of this one but may outlive it: to close this one first is no finding,
  /// before this call or after it.
  [[nodiscard]] Tag sibling(const Resource& resource,
                            std::source_location site = std::source_location::current()) const;

  /// Whether this tag stands for something, open or closed.
  explicit operator bool() const noexcept { return record_ != nullptr; }

 private:
  friend class Tracker;
  friend struct detail::TagAccess;
  explicit Tag(detail::Record* record) noexcept : record_(record) {}

  void end() noexcept;

  detail::Record* record_ = nullptr;
};

#else

/// Tracking is compiled out: an empty class whose operations do nothing.
class Tag {
 public:
  Tag() noexcept = default;
  Tag(Tag&&) noexcept = default;
  Tag& operator=(Tag&&) noexcept = default;
  ~Tag() {}  // NOLINT(modernize-use-equals-default): no warning about an unused tag, as when tracking is on

  void close(std::source_location = std::source_location::current()) noexcept {}
  void release(std::source_location = std::source_location::current()) noexcept {}
  void touch(std::source_location = std::source_location::current()) noexcept {}
  void touch_with_stack(std::source_location = std::source_location::current()) noexcept {}
  void identify(std::string_view, int) noexcept {}
  void identify_by_ends() noexcept {}
  void set_on_drop(OnDrop) noexcept {}
  void set_failed() noexcept {}
  void note(std::string_view, std::source_location = std::source_location::current()) const {}
  void add_bytes_in(std::uint64_t) noexcept {}
  void add_bytes_out(std::uint64_t) noexcept {}
  [[nodiscard]] Tag child(const Resource&, std::source_location = std::source_location::current()) const { return {}; }
  [[nodiscard]] Tag sibling(const Resource&, std::source_location = std::source_location::current()) const {
    return {};
  }
  explicit operator bool() const noexcept { return false; }
};

#endif

}  // namespace LEASH_NAMESPACE::track
