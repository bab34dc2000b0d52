#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <leash/detail/background_thread.hpp>
#include <leash/net/detail/endpoint.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// One question, shared by the thread that asks and the one that waits for the answer.
struct Question {
  std::string host;
  int family = AF_UNSPEC;
  SystemResolver::Lookup lookup;

  std::mutex mutex;
  std::condition_variable changed;
  bool answered = false;
  int status = 0;
  int system_error = 0;
  std::vector<std::string> addresses;
};

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

void answer(Question& question) {
  addrinfo hints{};
  hints.ai_family = question.family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = question.lookup(question.host.c_str(), nullptr, &hints, &found);
  const int system_error = errno;
  std::vector<std::string> addresses;
  if (status == 0) addresses = numeric_addresses(found);
  if (found != nullptr) ::freeaddrinfo(found);

  {
    const std::lock_guard lock(question.mutex);
    question.answered = true;
    question.status = status;
    question.system_error = system_error;
    question.addresses = std::move(addresses);
  }
  question.changed.notify_all();
}

std::error_code code_of(int status, int system_error) {
  switch (status) {
    case EAI_AGAIN:
      return errc::host_not_found_try_again;
    case EAI_FAIL:
      return errc::resolver_failed;
    case EAI_MEMORY:
      return std::make_error_code(std::errc::not_enough_memory);
    case EAI_SYSTEM:
      return {system_error, std::generic_category()};
    default:
      return errc::host_not_found;
  }
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

SystemResolver::SystemResolver(Lookup lookup) : lookup_(std::move(lookup)) {}

Result<std::vector<std::string>> SystemResolver::do_resolve(Call call, std::string_view network,
                                                            std::string_view host) {
  const Context& context = call.context();
  const auto question = std::make_shared<Question>();
  question->host = host;
  question->family = address_family(network);
  question->lookup = lookup_;
  try {
    leash::detail::start_background_thread([question] { answer(*question); });
  } catch (const std::system_error& error) {
    return fail("resolve", host, error.code(), "no thread to resolve it in");
  }

  const Registration woken = context.on_cancel([question] {
    {
      const std::lock_guard lock(question->mutex);
    }
    question->changed.notify_all();
  });
  std::unique_lock lock(question->mutex);
  question->changed.wait(lock, [&] { return question->answered || context.done(); });
  if (!question->answered) return std::unexpected(context.check("resolve", host).error());
  if (question->status != 0) {
    return fail("resolve", host, code_of(question->status, question->system_error), ::gai_strerror(question->status));
  }
  return std::move(question->addresses);
}

}  // namespace LEASH_NAMESPACE::net::detail
