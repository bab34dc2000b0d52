#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/tracker.hpp>

namespace LEASH_NAMESPACE::interpose {

/// The tags of the descriptors that the program has opened, by their numbers. All members are thread-safe, keep errno,
/// and throw nothing.
///
/// A number above `most` has no tag, and neither has what is opened while the calling thread is in one of these
/// functions already: by an allocator that opens files, or in a handler of a signal that interrupted it.
class Descriptors {
 public:
  static constexpr int most = 1 << 20;

  /// The tracker of all of them. Made by the first call.
  static track::Tracker& tracker();

  /// `number`, a descriptor or -1, was just opened by the program. A tag that was there ends: it was closed past us.
  /// `kind` lives as long as the program.
  static void opened(int number, const track::Kind& kind) noexcept;

  /// The tag of a descriptor that is about to be closed. From its construction on it is not among those that are open,
  /// so that another thread may get the number as soon as the kernel has it.
  class Closing {
   public:
    explicit Closing(int number) noexcept;
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;
    /// Closes the tag, unless `keep` was called.
    ~Closing();

    /// It was not closed: the tag is put back.
    void keep() noexcept;

   private:
    int number_;
    void* tag_ = nullptr;
  };

  /// The kind that `number` was opened with last; `otherwise` if that is not known.
  static const track::Kind& kind_or(int number, const track::Kind& otherwise) noexcept;

  /// As `Closing` for all numbers from `first` to `last`, which were just closed.
  static void closed(unsigned first, unsigned last) noexcept;

  /// The report is about to be made: what is opened from now on has no tag.
  static void end() noexcept;

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
