// What a report says where the process is out of descriptors or of memory, and afterwards. A program of its own, since
// names that were read once are remembered; each check is in a child, which has read none.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <leash/track/tracker.hpp>
#include <new>
#include <string>

namespace {

/// How many allocations are left until one fails; 0 for never.
std::size_t allocations_left = 0;

bool is_last() { return allocations_left != 0 && --allocations_left == 0; }

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = is_last() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using leash::track::Options;
using leash::track::Suppressions;
using leash::track::Tag;
using leash::track::Tracker;

constexpr unsigned patience = 60;  // seconds, after which a child is taken for dead

[[gnu::noinline]] Tag forget(Tracker& tracker) { return tracker.create({{"slot", "slots"}, "a"}); }

bool has_names(const std::string& report) {
  return report.contains("1 slot not closed") && report.contains("forget(") && report.contains("main");
}

/// A tracker with a leak, and with suppressions, which ask for names too.
struct Leak {
  Tracker tracker{Options{.suppressions = Suppressions::parse("leaked slot nobody", "test").value()}};
  Tag tag = forget(tracker);

  std::string report() { return to_string(tracker.close()); }
};

rlimit limit_of(int resource) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit;
}

/// Sets the soft limit of a resource while it lives.
class Limit {
 public:
  Limit(int resource, rlim_t soft) : resource_(resource), before_(limit_of(resource)) {
    const rlimit limit{soft, before_.rlim_max};
    ::setrlimit(static_cast<__rlimit_resource>(resource_), &limit);
  }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;
  ~Limit() { ::setrlimit(static_cast<__rlimit_resource>(resource_), &before_); }

 private:
  const int resource_;
  const rlimit before_;
};

/// From now on close_range(2) is not permitted, as in a sandbox that does not know it.
void forbid_close_range() {
  std::array<sock_filter, 4> filter{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  sock_fprog program{.len = filter.size(), .filter = filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

int out_of_descriptors() {
  Leak leak;
  const Limit limit(RLIMIT_NOFILE, 3);
  return has_names(leak.report()) ? 0 : 1;
}

int out_of_descriptors_in_a_sandbox() {
  forbid_close_range();
  Leak leak;
  {
    const Limit limit(RLIMIT_NOFILE, 3);
    const std::string report = leak.report();
    if (!report.contains("1 slot not closed") || !report.contains("names could not be read: Too many open files"))
      return 1;
  }
  return has_names(leak.report()) ? 0 : 2;
}

/// `more` bytes of addresses are left.
int out_of_addresses(rlim_t more) {
  Leak leak;
  std::size_t pages = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%zu", &pages) != 1) return 1;
  std::fclose(file);
  try {
    const Limit limit(RLIMIT_AS, pages * 4096 + more);
    if (!leak.report().contains("1 slot not closed")) return 2;
  } catch (const std::bad_alloc&) {
    // That is allowed, as long as it is all there the next time.
  }
  return has_names(leak.report()) ? 0 : 3;
}

/// Returns 100 where the report needs fewer allocations.
int allocation_fails(std::size_t number) {
  Leak leak;
  allocations_left = number;
  try {
    const std::string report = leak.report();
    if (allocations_left != 0) return 100;
  } catch (const std::bad_alloc&) {
  }
  allocations_left = 0;
  return has_names(leak.report()) ? 0 : 1;
}

template <class Check>
int status_of_child(Check check) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(patience);
    ::_exit(check());
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int failures = 0;

void expect(const std::string& what, int status, int wanted = 0) {
  if (status == wanted) return;
  ++failures;
  std::fprintf(stderr, "%s: %d\n", what.c_str(), status);
}

}  // namespace

int main() {
  expect("out of descriptors", status_of_child(out_of_descriptors));
  expect("out of descriptors in a sandbox", status_of_child(out_of_descriptors_in_a_sandbox));
  for (const rlim_t more : {0UL, 1UL << 16U, 1UL << 20U, 3UL << 20U, 9UL << 20U, 1UL << 26U}) {
    expect("with " + std::to_string(more) + " bytes", status_of_child([&] { return out_of_addresses(more); }));
  }
  std::size_t runs = 0;
  for (std::size_t number = 1;; number += 1 + number / 6, ++runs) {
    const int status = status_of_child([&] { return allocation_fails(number); });
    if (status == 100) break;
    expect("allocation " + std::to_string(number), status);
  }
  if (runs < 15) expect("a report with so few allocations", static_cast<int>(runs), -1);
  return failures == 0 ? 0 : 1;
}
