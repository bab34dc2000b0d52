#pragma once

#include <cstdint>
#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <vector>

struct sockaddr;

namespace LEASH_NAMESPACE::interpose {

/// The tags of the descriptors that the program has opened, by their numbers. All members are thread-safe, keep errno,
/// and throw nothing unless they say so.
///
/// The standard streams have no tags, and a number above `most` has none, and neither has what is opened in a handler
/// of a signal that has interrupted one of these functions.
class Descriptors {
 public:
  static constexpr int most = 1 << 20;

  /// The tracker of all of them. Made by the first call. Throws `std::bad_alloc`.
  static track::Tracker& tracker();

  /// `number` was just opened by the program, or is -1, where errno tells why. A tag that was there ends: it was closed
  /// past us. `kind` lives as long as the program.
  static void opened(int number, const track::Kind& kind) noexcept;

  /// The close of a descriptor, which comes after the construction and before the destruction. In between its tag is
  /// not among those that are open, so that another thread may get the number as soon as the kernel has it.
  class Closing {
   public:
    /// `caller` is the code that calls close(2) itself; null where that is part of another function, as fclose(3).
    explicit Closing(int number, const void* caller = nullptr) noexcept;
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    /// Closes the tag, unless `keep` was called.
    ~Closing();

    /// It was not closed: the tag is put back.
    void keep() noexcept;

    /// `succeeded` is what the system says. Where it says EBADF, the number was closed before.
    void ended(bool succeeded) noexcept;

   private:
    int number_;
    bool is_close_;  ///< Of close(2) itself.
    void* tag_ = nullptr;
  };

  /// The kind that `number` was opened with last; `otherwise` if that is not known.
  static const track::Kind& kind_or(int number, const track::Kind& otherwise) noexcept;

  /// What was tried with `number`, and has failed with `error`: reports show it where the descriptor is left open.
  static void failed(int number, const char* what, const sockaddr* address, unsigned size, int error) noexcept;

  /// As `Closing` for all numbers from `first` to `last`, which are about to be closed.
  static void close(unsigned first, unsigned last) noexcept;

  /// Whether what this process opens gets tags. A forked child is on the leash only if it is to be followed: then what
  /// its parent has open is not its own.
  static bool is_on_leash() noexcept;

  /// The calling thread calls vfork(2): its child has the memory of this process until it becomes another program or
  /// ends, and what it closes is not closed here.
  static void begin_vfork() noexcept;

  /// Whether the calling thread is that of such a child.
  static bool is_vforked() noexcept;

  /// Whether `is_on_leash`, and this process is the one that knows that, and not a child of a raw clone(2) of its.
  static bool is_process() noexcept;

  /// From now on what is opened has a tag. Not before, since an allocator may open files in its first call, and must
  /// not be called meanwhile. Throws `std::bad_alloc`.
  static void begin();

  /// The report is about to be made: what is opened from now on has no tag, and what was closed past us has none any
  /// more.
  static void end() noexcept;

  /// Sentences on what was not seen. Throws `std::bad_alloc`.
  static std::vector<std::string> remarks();

  /// Whether the calling thread is in one of these functions, or an `Inside` lives in it.
  static bool is_inside() noexcept;

  /// While one lives, what the calling thread opens has no tag: it is leash's own.
  class Inside {
   public:
    Inside() noexcept;
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside();

   private:
    bool before_;
  };
};

}  // namespace LEASH_NAMESPACE::interpose
