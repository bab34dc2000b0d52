#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/real.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/collect.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/tracker.hpp>
#include <optional>
#include <string>

namespace LEASH_NAMESPACE::interpose {
namespace {

/// What `leash run` tells the program, by its environment.
struct Orders {
  bool fail_on_leak = false;
  bool to_files = false;
};

constinit Orders orders;

/// Where the report goes: standard error as it was when the program began, which may close its own.
class Out {
 public:
  void take() noexcept {
    // A number that programs do not come to by themselves.
    const int number = os::open_own([] { return ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200); });
    if (number >= 0) kept_ = os::open_descriptor(number);
  }

  /// Null if the program has closed that one too.
  std::FILE* stream() const {
    if (kept_ && os::open_descriptor(kept_->number) == kept_) return ::fdopen(kept_->number, "w");
    return os::open_descriptor(STDERR_FILENO) ? stderr : nullptr;
  }

 private:
  std::optional<os::OpenDescriptor> kept_;
};

constinit Out out;

bool is_set(const char* name) noexcept {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

/// The resources are called what the kernel calls them.
void name_resources(track::Report& report) {
  for (track::Group& group : report.groups) {
    for (track::Instance& instance : group.instances) {
      if (!instance.name.empty() || instance.descriptor < 0) continue;
      const os::DescriptorText described = os::describe_descriptor(instance.descriptor);
      instance.name = os::target_of_descriptor(described.text);
    }
  }
}

constinit const Real<void(int)> real_exit("_exit");

/// Says what is open, once, in the process that the program began as. Returns whether that is to be a failure.
bool report_once() noexcept {
  static constinit std::atomic<bool> reported{false};
  if (os::fork_generation() != 0 || reported.exchange(true)) return false;
  const Descriptors::Inside inside;
  Descriptors::end();
  try {
    track::Report report = Descriptors::tracker().close();
    name_resources(report);
    track::detail::collect(report);
    if (!orders.to_files && !report.groups.empty()) {
      if (std::FILE* const stream = out.stream(); stream != nullptr) {
        track::print(report, stream);
        std::fflush(stream);
      }
    }
    return orders.fail_on_leak && !report.ok();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "leash: %s\n", error.what());
    return false;
  }
}

void end_with_failure() {
  std::fflush(nullptr);
  real_exit(EXIT_FAILURE);
}

/// exit(3) calls what was registered last first: what writes the reports comes before `end_with_failure`, which does
/// nothing unless there is a reason.
void at_exit() {
  static constinit std::atomic<bool> fails{false};
  std::atexit([] {
    if (fails) end_with_failure();
  });
  fails = report_once();
}

[[gnu::constructor]] void start() {
  const Descriptors::Inside inside;
  orders.fail_on_leak = is_set("LEASH_RUN_FAIL");
  orders.to_files = is_set("LEASH_REPORT");
  // What the program starts is not on the leash, unless that was asked for.
  if (!is_set("LEASH_RUN_FOLLOW")) ::unsetenv("LD_PRELOAD");
  out.take();
  std::atexit(at_exit);
}

/// The program ends without exit(3).
[[noreturn]] void end_at_once(int status) noexcept {
  const bool fails = report_once();
  track::detail::write_collected();
  for (;;) real_exit(fails ? EXIT_FAILURE : status);
}

}  // namespace

// NOLINTBEGIN(cert-dcl37-c,cert-dcl51-cpp,bugprone-reserved-identifier): these names are the point
extern "C" {
#pragma GCC visibility push(default)
void _exit(int status) { end_at_once(status); }
void _Exit(int status) noexcept { end_at_once(status); }
#pragma GCC visibility pop
}
// NOLINTEND(cert-dcl37-c,cert-dcl51-cpp,bugprone-reserved-identifier)

}  // namespace LEASH_NAMESPACE::interpose
