// A tag on what leash knows nothing of: a slot of a pool, and a handle of a C library.

#include <dirent.h>

#include <cstdio>
#include <iostream>
#include <leash/make_unique.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <utility>

namespace app {

// A kind is what reports call the thing: one, and many.
inline constexpr leash::track::Kind slot{"slot", "slots"};
inline constexpr leash::track::Kind stream{"directory stream", "directory streams"};

/// A place in a pool of workers. It takes a Call first, and so knows the line of the code that took the place.
class Slot {
 public:
  Slot(leash::Call call, int number) : tag_(leash::track::acquire(call, {slot, "worker " + std::to_string(number)})) {}

  void give_back() { tag_.close(); }

 private:
  leash::track::Tag tag_;
};

/// A `DIR*` of the C library. Its destructor closes it, so to be dropped is no mistake.
class Stream {
 public:
  Stream(leash::Call call, const std::string& path) : dir_(::opendir(path.c_str())) {
    if (dir_ == nullptr) return;
    tag_ = leash::track::acquire(call, {stream, path, ::dirfd(dir_), leash::track::OnDrop::closed});
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() {
    if (dir_ != nullptr) ::closedir(dir_);
  }

 private:
  DIR* dir_;
  leash::track::Tag tag_;
};

void work(const leash::Context& ctx) {
  Slot first(ctx, 1);
  Slot second(ctx, 2);
  if (!std::string_view("bad input").starts_with("good")) return;  // Bug: nothing gives the slots back.
  first.give_back();
  second.give_back();
}

}  // namespace app

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());

  app::work(ctx);
  {
    const app::Stream closed(ctx, "/");
  }
  // With std::make_unique the line would be one of the standard library's.
  // snippet: make_unique
  static const auto kept = leash::make_unique<app::Stream>(ctx, "/");
  // end snippet

  std::cout << tracker.close() << "\n";
  return 0;
}
