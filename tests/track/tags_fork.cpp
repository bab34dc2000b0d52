// Forks again and again while other threads open and close tags and take snapshots; each child does all of that too,
// and gives a verdict on the trackers of its parent. Exits with 0 if all children did.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using leash::track::Kind;
using leash::track::OnDrop;
using leash::track::Tag;
using leash::track::Tracker;

constexpr Kind handle{"handle", "handles"};
constexpr int forks = 200;
constexpr unsigned patience = 60;  // seconds, after which a child is taken for dead

bool work(Tracker& tracker) {
  std::vector<Tag> tags;
  for (int tag = 0; tag < 100; ++tag) {
    // A long name and one that fits into a record, closed by hand and by the destructor, and a child.
    tags.push_back(tracker.create({handle, std::string(static_cast<std::size_t>(tag), 'x'), tag, OnDrop::closed}));
    if (tag % 3 == 0) tags.push_back(tags.back().child({handle, "child", tag, OnDrop::closed}));
  }
  const bool seen = tracker.open_count() >= 100 && !tracker.snapshot().groups.empty();
  while (!tags.empty()) {
    if (tags.size() % 2 == 0) tags.back().close();
    tags.pop_back();
  }
  return seen;
}

int in_child(Tracker& shared, Tracker& own) {
  ::alarm(patience);
  if (!work(shared) || !work(own)) {
    std::fputs("a child did not see what it opened\n", stderr);
    return 1;
  }
  Tracker fresh;
  if (!work(fresh) || !fresh.close().ok()) return 2;
  // What the threads of the parent had open is open here for good.
  static_cast<void>(to_string(shared.close()));
  return own.close().ok() ? 0 : 3;
}

}  // namespace

int main() {
  std::atomic<bool> done = false;
  Tracker shared;
  Tracker own;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      while (!done) {
        if (thread == 2) {
          static_cast<void>(shared.snapshot());
        } else {
          work(shared);
        }
        // A new thread now and then, and a tracker.
        std::jthread([&] { work(shared); }).join();
        Tracker brief;
        work(brief);
      }
    });
  }
  int failed = 0;
  for (int fork = 0; fork < forks; ++fork) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(in_child(shared, own));
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status != 0) std::fprintf(stderr, "fork %d: status %#x\n", fork, static_cast<unsigned>(status));
    failed += status != 0 ? 1 : 0;
  }
  done = true;
  return failed == 0 ? 0 : 1;
}
