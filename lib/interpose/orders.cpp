#include <sys/mman.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <leash/interpose/orders.hpp>
#include <leash/os/fork.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::interpose {
namespace {

constexpr std::string_view library_name = "libleash_interpose.so";
constexpr const char* preload_variable = "LD_PRELOAD";
constexpr const char* orders_variable = "LEASH_RUN";

constinit Orders read;

/// What the program that this one becomes by exec(3) has to find in its environment. Null: it was not preloaded.
constinit const std::string* library = nullptr;
constinit const std::string* words = nullptr;

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Calls `function` for each part of `list` between separators that is not empty.
template <class Function>
void each_of(std::string_view list, std::string_view separators, Function function) {
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find_first_of(separators));
    list.remove_prefix(part.size() == list.size() ? part.size() : part.size() + 1);
    if (!part.empty()) function(part);
  }
}

bool is_library(std::string_view path) noexcept {
  const std::size_t slash = path.rfind('/');
  return path.substr(slash == std::string_view::npos ? 0 : slash + 1) == library_name;
}

void read_word(std::string_view word) {
  constexpr std::string_view every = "every=";
  if (word == "fail") read.fail_on_leak = true;
  if (word == "follow") read.follow = true;
  if (!word.starts_with(every)) return;
  std::chrono::milliseconds::rep milliseconds = 0;
  std::from_chars(word.data() + every.size(), word.data() + word.size(), milliseconds);
  read.every = std::chrono::milliseconds(milliseconds);
}

/// What stands behind `name=` in `entry`; null if it is another variable.
const char* value_of(const char* entry, const char* name) noexcept {
  const std::size_t size = std::strlen(name);
  const bool is_it = std::strncmp(entry, name, size) == 0 && entry[size] == '=';
  return is_it ? entry + size + 1 : nullptr;
}

/// Puts texts one behind the other.
class Writer {
 public:
  explicit Writer(char* to) noexcept : to_(to) {}

  Writer& add(std::string_view text) noexcept {
    std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
    *to_ = '\0';
    return *this;
  }
  /// Where the text begins that comes behind all that was added, and a zero.
  char* next() noexcept { return ++to_; }
  char* here() noexcept { return to_; }

 private:
  char* to_;
};

}  // namespace

const Orders& orders() noexcept { return read; }

void take_orders() {
  const std::string given = variable(orders_variable);
  each_of(given, ",", read_word);
  read.to_files = !variable("LEASH_REPORT").empty();
  std::string others;
  std::string ours;
  each_of(variable(preload_variable), ": ", [&](std::string_view path) {
    if (is_library(path)) {
      ours = path;
    } else {
      others.append(others.empty() ? "" : ":").append(path);
    }
  });
  if (ours.empty()) return;
  library = new std::string(std::move(ours));
  words = new std::string(given);
  if (read.follow) return;
  ::unsetenv(orders_variable);
  if (others.empty()) {
    ::unsetenv(preload_variable);
  } else {
    ::setenv(preload_variable, others.c_str(), 1);
  }
}

LeashedEnvironment::LeashedEnvironment(char* const* environment, bool is_child) noexcept : environment_(environment) {
  if (library == nullptr || environment == nullptr) return;
  if ((is_child || os::fork_generation() != 0) && !read.follow) return;
  std::size_t count = 0;
  const char* preloaded = "";
  for (; environment[count] != nullptr; ++count) {
    if (const char* const value = value_of(environment[count], preload_variable)) preloaded = value;
  }
  if (std::string_view(preloaded).contains(library_name)) return;
  const std::size_t pointers = (count + 3) * sizeof(char*);
  const std::size_t texts = std::strlen(preload_variable) + library->size() + std::strlen(preloaded) +
                            std::strlen(orders_variable) + words->size() + 8;
  void* const memory = ::mmap(nullptr, pointers + texts, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  memory_ = memory;
  size_ = pointers + texts;
  auto* const all = static_cast<char**>(memory);
  std::size_t kept = 0;
  for (std::size_t at = 0; at < count; ++at) {
    const bool is_ours =
        value_of(environment[at], preload_variable) != nullptr || value_of(environment[at], orders_variable) != nullptr;
    if (!is_ours) all[kept++] = environment[at];
  }
  Writer writer(static_cast<char*>(memory) + pointers);
  all[kept++] = writer.here();
  writer.add(preload_variable).add("=").add(*library);
  if (*preloaded != '\0') writer.add(":").add(preloaded);
  all[kept++] = writer.next();
  writer.add(orders_variable).add("=").add(*words);
  all[kept] = nullptr;
  environment_ = all;
}

LeashedEnvironment::~LeashedEnvironment() {
  const int error = errno;
  if (memory_ != nullptr) ::munmap(memory_, size_);
  errno = error;
}

}  // namespace LEASH_NAMESPACE::interpose
