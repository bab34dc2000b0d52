#pragma once

#include <array>
#include <atomic>
#include <leash/config.hpp>
#include <string>

namespace LEASH_NAMESPACE::net::conformance {

/// The operations that are under way in a trial. They are noted without ordering anything between threads, so that a
/// race in what is checked stays one for ThreadSanitizer.
class UnderWay {
 public:
  struct Slot {
    std::atomic<bool> taken = false;
    std::atomic<const char*> operation = nullptr;
    std::atomic<const char*> object = nullptr;
  };

  /// Notes one operation, as long as this lives. Both must be literals.
  class Note {
   public:
    Note(UnderWay& all, const char* operation, const char* object) noexcept;
    Note(const Note&) = delete;
    Note& operator=(const Note&) = delete;
    ~Note();

   private:
    Slot* slot_ = nullptr;
  };

  /// "read of the near end, write of the far end"; empty if there is none.
  [[nodiscard]] std::string text() const;

 private:
  std::array<Slot, 64> slots_;
};

}  // namespace LEASH_NAMESPACE::net::conformance
