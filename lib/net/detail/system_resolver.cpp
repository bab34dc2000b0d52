#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <leash/net/detail/endpoint.hpp>
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
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

struct Answer {
  std::error_code code;     ///< None if there are addresses.
  const char* detail = "";  ///< What else is known of the failure.
  std::vector<std::string> addresses = {};
};

/// One question, shared by the thread that asks and the one that waits for the answer.
struct Question {
  std::string host;
  int family = AF_UNSPEC;

  // Under the mutex of the desk.
  bool begun = false;
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
    std::string text = address.address().host;
    if (!text.empty() && std::ranges::find(addresses, text) == addresses.end()) addresses.push_back(std::move(text));
  }
  return addresses;
}

/// What `getaddrinfo` wanted to open a file or a socket with, if it could not: it takes that for a host that is not
/// there, or for servers that do not answer.
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

Answer look_up(const SystemResolver::Lookup& lookup, const Question& question) {
  addrinfo hints{};
  hints.ai_family = question.family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  errno = 0;
  int status = 0;
  Answer answer;
  {
    // They are closed when it returns.
    const os::MayOpen files(os::Unlisted::files);
    const os::MayOpen sockets(os::Unlisted::sockets);
    status = lookup(question.host.c_str(), nullptr, &hints, &found);
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

int address_family(std::string_view network) {
  switch (family_of(network)) {
    case Family::v4:
      return AF_INET;
    case Family::v6:
      return AF_INET6;
    case Family::any:
      break;
  }
  return AF_UNSPEC;
}

}  // namespace

/// Where questions are asked and answered. Its threads keep it alive.
class SystemResolver::Desk : public std::enable_shared_from_this<Desk> {
 public:
  explicit Desk(Lookup lookup) : lookup_(std::move(lookup)) {}

  /// Puts the question where a thread finds it, or answers it where there is none to be had.
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
      const std::lock_guard lock(mutex_);
      if (generation_ != generation || --threads_ != 0) return;
      // Nobody is left who would come to any of them.
      for (const std::shared_ptr<Question>& each : std::exchange(waiting_, {})) {
        each->answer = {.code = error.code(), .detail = "no thread to resolve it in"};
        each->answered = true;
        each->changed.notify_all();
      }
    }
  }

  /// Waits for the answer, as long as `context` allows. True if there is one. Takes the question back otherwise.
  bool wait(const std::shared_ptr<Question>& question, const Context& context) {
    const Registration woken = context.on_cancel([self = shared_from_this(), question] {
      {
        const std::lock_guard lock(self->mutex_);
      }
      question->changed.notify_all();
    });
    std::unique_lock lock(mutex_);
    question->changed.wait(lock, [&] { return question->answered || context.done(); });
    if (!question->answered) std::erase(waiting_, question);
    return question->answered;
  }

  /// Whether a thread came to it.
  bool begun(const Question& question) {
    const std::lock_guard lock(mutex_);
    return question.begun;
  }

 private:
  /// In a thread of the process with this generation.
  void work(std::uint32_t generation) {
    for (;;) {
      std::shared_ptr<Question> question;
      {
        const std::lock_guard lock(mutex_);
        // In a child that a look-up forked this thread is none of those that are counted.
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
        answer = look_up(lookup_, *question);
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
  std::uint32_t generation_ = os::fork_generation();  ///< Of the process that the threads and questions are of.
};

SystemResolver::SystemResolver(Lookup lookup) : desk_(std::make_shared<Desk>(std::move(lookup))) {}

Result<std::vector<std::string>> SystemResolver::do_resolve(Call call, std::string_view network,
                                                            std::string_view host) {
  const Context& context = call.context();
  const auto question = std::make_shared<Question>();
  question->host = host;
  question->family = address_family(network);
  desk_->ask(question);
  if (!desk_->wait(question, context)) {
    std::unexpected<Error> error(context.check("resolve", host).error());
    if (desk_->begun(*question)) return error;
    return fail("resolve", host, error.error().code(),
                "not begun: all " + std::to_string(max_threads) + " threads are waiting for the name service",
                std::vector<Error>(error.error().causes().begin(), error.error().causes().end()));
  }
  const Answer& answer = question->answer;
  if (answer.code) return fail("resolve", host, answer.code, answer.detail);
  return std::move(question->answer.addresses);
}

}  // namespace LEASH_NAMESPACE::net::detail
