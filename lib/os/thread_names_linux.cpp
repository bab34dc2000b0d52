#include <dirent.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <leash/os/own_descriptors.hpp>
#include <leash/os/thread_names.hpp>
#include <memory>
#include <string_view>
#include <thread>

namespace LEASH_NAMESPACE::os {
namespace {

constexpr const char* own_thread_name = "leash";

/// How many threads of leash have no name yet.
constinit std::atomic<int> nameless{0};

constinit thread_local bool is_own = false;

/// For a second at most: a process may be forked while a thread is being started, which then never comes.
void wait_for_names() {
  for (int times = 0; times < 1000 && nameless.load() > 0; ++times)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

std::string name_of_thread(const char* number) {
  const std::string file = std::string("/proc/self/task/") + number + "/comm";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "re"), std::fclose);
  std::string name;
  if (!in) return name;
  for (int letter = 0; (letter = std::fgetc(in.get())) != EOF && letter != '\n';) name += static_cast<char>(letter);
  return name;
}

}  // namespace

void expect_own_thread() noexcept { ++nameless; }

void forget_own_thread() noexcept { --nameless; }

void name_own_thread() noexcept {
  ::pthread_setname_np(::pthread_self(), own_thread_name);
  is_own = true;
  --nameless;
}

bool is_own_thread() noexcept { return is_own; }

std::vector<std::string> other_threads() {
  wait_for_names();
  const Opening opening;
  const MayOpen may_open(Unlisted::files);
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks(::opendir("/proc/self/task"), ::closedir);
  if (!tasks) return names;
  const long own = ::syscall(SYS_gettid);
  while (const dirent* const entry = ::readdir(tasks.get())) {
    if (entry->d_name[0] == '.' || std::strtol(entry->d_name, nullptr, 10) == own) continue;
    std::string name = name_of_thread(entry->d_name);
    if (!name.empty() && name != own_thread_name) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace LEASH_NAMESPACE::os
