// What the program makes is of use in the library and back: values, types, errors, exceptions, tags.

#include "part.hpp"

#include <iostream>
#include <leash/leash.hpp>
#include <stdexcept>
#include <string_view>

namespace {

bool right = true;

void check(bool ok, std::string_view what) {
  if (!ok) std::cerr << "not so: " << what << '\n';
  right = right && ok;
}

/// A decorator of the program's own.
class MyFS final : public leash::fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;
};

}  // namespace

int main() {
  auto [tracker, ctx] = leash::track::with_tracker(leash::Context::background());
  leash::fs::MemoryFS memory{{"data.csv", "a,b\n1,2\n"}};
  leash::fs::TrackedFS files(memory);
  MyFS mine(files);
  leash::net::MemoryNetwork network;
  leash::net::TrackedDialer dialer(network);
  auto listener = network.bind(ctx, "tcp", "localhost:80");

  auto [child, source] = ctx.with_value<UserId>(42).with_cancel();
  const Seen seen = look(child, memory, mine);
  check(seen.user_id == 42, "the library finds the value");
  check(seen.is_memory_fs && seen.is_proxy, "the library casts to the types of leash");
  source.cancel();
  check(look(child, memory, mine).canceled, "the library sees the end of the Context");

  const auto file = open_in_part(ctx, mine);
  const auto conn = dial_in_part(ctx, dialer);
  check(file && conn && tracker.open_count() == 2, "the library opens with the tracker of the program");
  static_cast<void>(tracker.close());
  check(open_in_part(ctx, mine).error() == leash::track::errc::tracker_closed, "errors are told by their category");
  try {
    misuse(ctx);
    check(false, "leash throws");
  } catch (const std::logic_error&) {
  }
  const std::string text = to_string(tracker.close());
  check(text.contains("part.cpp:15") && text.contains("part.cpp:19"), "the report names the lines of the library");
  if (!right) std::cerr << text;
  return right ? 0 : 1;
}
