#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <leash/net/detail/socket.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/os/background_thread.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

struct Answer {
  std::error_code code;     ///< None if there are addresses.
  const char* detail = "";  ///< What else is known of the failure.
  std::vector<std::string> addresses = {};
};

/// One look-up, shared by the thread that waits for the answer and the background thread that calls `getaddrinfo`.
struct Question {
  std::string host;
  int family = AF_UNSPEC;

  // Guarded by the mutex of the Queue.
  bool begun = false;
  bool abandoned = false;  ///< Nobody waits for the answer any more.
  bool answered = false;
  Answer answer;
  os::ConditionVariable changed;
};

namespace {

std::vector<std::string> numeric_addresses(const addrinfo* list) {
  std::vector<std::string> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress address;
    if (entry->ai_addrlen > address.size()) continue;
    std::memcpy(address.data(), entry->ai_addr, entry->ai_addrlen);
    if (address.family() != AF_INET && address.family() != AF_INET6) continue;
    std::string text = to_string(address.endpoint().address);
    if (std::ranges::find(addresses, text) == addresses.end()) addresses.push_back(std::move(text));
  }
  return addresses;
}

/// EMFILE or ENFILE if `getaddrinfo` failed because it could not open a descriptor, else no error. It reports that as a
/// host that does not exist, or as servers that do not answer, so this tries to open a descriptor.
std::error_code missing_descriptors(int lookup_error) {
  int error = lookup_error;
  if (error != EMFILE && error != ENFILE) {
    const os::Descriptor probe(os::open_own([] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }));
    error = probe.get() == -1 ? errno : 0;
  }
  if (error != EMFILE && error != ENFILE) return {};
  return {error, std::generic_category()};
}

std::error_code code_of(int status, int lookup_error) {
  switch (status) {
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    case EAI_SYSTEM:
      return {lookup_error, std::generic_category()};
    default:
      break;
  }
  if (const std::error_code missing = missing_descriptors(lookup_error)) return missing;
  switch (status) {
    case EAI_AGAIN:
      return errc::host_not_found_try_again;
    case EAI_FAIL:
      return errc::resolver_failed;
    default:
      return errc::host_not_found;
  }
}

Answer look_up(const SystemResolver::Lookup& lookup, const char* host, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  errno = 0;
  int status = 0;
  Answer answer;
  {
    // `getaddrinfo` opens files and sockets, and has closed them when it returns.
    const os::MayOpen files(os::Unlisted::files);
    const os::MayOpen sockets(os::Unlisted::sockets);
    status = lookup(host, nullptr, &hints, &found);
  }
  const int error = errno;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, [](addrinfo* list) {
    if (list != nullptr) ::freeaddrinfo(list);
  });
  if (status == 0) {
    answer.addresses = numeric_addresses(found);
  } else {
    answer.code = code_of(status, error);
    answer.detail = ::gai_strerror(status);
  }
  return answer;
}

/// `wanted()` says whether somebody still waits for the answer.
template <class Wanted>
Answer answer_to(const SystemResolver::Lookup& lookup, const Question& question, Wanted wanted) {
  Answer answer = look_up(lookup, question.host.c_str(), question.family);
  if (question.family == AF_UNSPEC || answer.code != errc::host_not_found || !wanted()) return answer;
  // Asked for one family, `getaddrinfo` does not tell a host that has only the other from one that does not exist.
  Answer of_any_family = look_up(lookup, question.host.c_str(), AF_UNSPEC);
  if (!of_any_family.code) answer = std::move(of_any_family);
  return answer;
}

int address_family(std::string_view network) {
  if (network == "tcp4") return AF_INET;
  return network == "tcp6" ? AF_INET6 : AF_UNSPEC;
}

}  // namespace

/// The questions that wait for a background thread, and those threads. They keep it alive.
class SystemResolver::Queue : public std::enable_shared_from_this<Queue> {
 public:
  explicit Queue(Lookup lookup) : lookup_(std::move(lookup)) {}

  /// Appends a question, and starts another thread if there are fewer than `max_threads`. If not even one thread can be
  /// started, all questions that wait are answered with that error.
  void ask(const std::shared_ptr<Question>& question) {
    std::deque<std::shared_ptr<Question>> of_parent;
    std::uint32_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      generation = os::fork_generation();
      if (generation_ != generation) {
        generation_ = generation;
        threads_ = 0;
        of_parent.swap(waiting_);
      }
      waiting_.push_back(question);
      if (threads_ == max_threads) return;
      ++threads_;
    }
    try {
      os::start_background_thread([self = shared_from_this(), generation] { self->work(generation); });
    } catch (const std::system_error& error) {
      count_off(generation, error.code());
    } catch (const std::bad_alloc&) {
      count_off(generation, std::make_error_code(std::errc::not_enough_memory));
    }
  }

  /// Waits for the answer until `context` is done. True if there is one; otherwise removes the question from the queue.
  bool wait(const std::shared_ptr<Question>& question, const Context& context) {
    const Registration woken = context.on_cancel([self = shared_from_this(), question] {
      {
        const std::lock_guard lock(self->mutex_);
      }
      question->changed.notify_all();
    });
    std::unique_lock lock(mutex_);
    question->changed.wait(lock, [&] { return question->answered || context.done(); });
    if (question->answered) return true;
    question->abandoned = true;
    std::erase(waiting_, question);
    return false;
  }

  /// Whether a background thread has taken the question.
  bool begun(const Question& question) {
    const std::lock_guard lock(mutex_);
    return question.begun;
  }

 private:
  /// A thread that was counted could not be started, for this reason. If none is left that could answer the questions
  /// that wait, that is the answer.
  void count_off(std::uint32_t generation, std::error_code why) noexcept {
    const std::lock_guard lock(mutex_);
    if (generation_ != generation || --threads_ != 0) return;
    for (const std::shared_ptr<Question>& each : waiting_) {
      each->answer.code = why;
      each->answer.detail = "no thread to resolve it in";
      each->answered = true;
      each->changed.notify_all();
    }
    waiting_.clear();
  }

  /// What a background thread does: answers questions until none waits. `generation` is the fork generation of the
  /// process that started the thread.
  void work(std::uint32_t generation) {
    for (;;) {
      std::shared_ptr<Question> question;
      {
        const std::lock_guard lock(mutex_);
        // If the look-up forked, this is the thread in the child that returned from it: the child does not count it in
        // `threads_`.
        if (generation_ != generation || os::fork_generation() != generation) return;
        if (waiting_.empty()) {
          --threads_;
          return;
        }
        question = std::move(waiting_.front());
        waiting_.pop_front();
        question->begun = true;
      }
      Answer answer;
      try {
        answer = answer_to(lookup_, *question, [&] {
          const std::lock_guard lock(mutex_);
          return !question->abandoned;
        });
      } catch (const std::bad_alloc&) {
        answer = {.code = std::make_error_code(std::errc::not_enough_memory)};
      }
      {
        const std::lock_guard lock(mutex_);
        question->answer = std::move(answer);
        question->answered = true;
      }
      question->changed.notify_all();
    }
  }

  const Lookup lookup_;
  os::Mutex mutex_;
  std::deque<std::shared_ptr<Question>> waiting_;
  std::size_t threads_ = 0;
  std::uint32_t generation_ = os::fork_generation();  ///< Of the process that `threads_` and `waiting_` are those of.
};

SystemResolver::SystemResolver(Lookup lookup) : queue_(std::make_shared<Queue>(std::move(lookup))) {}

Result<std::vector<std::string>> SystemResolver::do_resolve(Call call, std::string_view network,
                                                            std::string_view host) {
  const Context& context = call.context();
  const auto question = std::make_shared<Question>();
  question->host = host;
  question->family = address_family(network);
  queue_->ask(question);
  if (!queue_->wait(question, context)) {
    std::unexpected<Error> error(context.check("resolve", host).error());
    if (queue_->begun(*question)) return error;
    return fail("resolve", host, error.error().code(),
                "not begun: all " + std::to_string(max_threads) + " threads are waiting for the name service",
                std::vector<Error>(error.error().causes().begin(), error.error().causes().end()));
  }
  const Answer& answer = question->answer;
  if (answer.code) return fail("resolve", host, answer.code, answer.detail);
  return std::move(question->answer.addresses);
}

}  // namespace LEASH_NAMESPACE::net::detail
