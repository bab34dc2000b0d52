#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <leash/context.hpp>
#include <leash/net/detail/socket.hpp>
#include <leash/net/detail/socket_address.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/stop_token.hpp>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

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

using Answer = LookupThreads::Answer;

Answer look_up(const SystemResolver::Lookup& lookup, const std::string& host, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  errno = 0;
  int status = 0;
  {
    // `getaddrinfo` opens files and sockets, and has closed them when it returns.
    const os::MayOpen files(os::Unlisted::files);
    const os::MayOpen sockets(os::Unlisted::sockets);
    status = lookup(host.c_str(), nullptr, &hints, &found);
  }
  const int error = errno;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found, [](addrinfo* list) {
    if (list != nullptr) ::freeaddrinfo(list);
  });
  if (status != 0) return fail("resolve", host, code_of(status, error), ::gai_strerror(status));
  return numeric_addresses(found);
}

/// Whoever asks waits until a stop is requested of `ended`.
Answer answer_to(const SystemResolver::Lookup& lookup, const std::stop_token& ended, const std::string& host,
                 int family) {
  Answer answer = look_up(lookup, host, family);
  if (family == AF_UNSPEC || answer || answer.error() != errc::host_not_found || ended.stop_requested()) {
    return answer;
  }
  // Asked for one family, `getaddrinfo` does not tell a host that has only the other from one that does not exist.
  Answer of_any_family = look_up(lookup, host, AF_UNSPEC);
  if (of_any_family) answer = std::move(of_any_family);
  return answer;
}

int address_family(std::string_view network) {
  if (network == "tcp4") return AF_INET;
  return network == "tcp6" ? AF_INET6 : AF_UNSPEC;
}

}  // namespace

SystemResolver::SystemResolver(Lookup lookup) : lookup_(std::make_shared<const Lookup>(std::move(lookup))) {}

Result<std::vector<std::string>> SystemResolver::do_resolve(Call call, std::string_view network,
                                                            std::string_view host) {
  struct Waiting {
    os::Mutex mutex;
    os::ConditionVariable changed;
    std::optional<Answer> answer;
  };
  const auto waiting = std::make_shared<Waiting>();
  do_async_resolve(call, network, host, [waiting](Answer answer) {
    const std::lock_guard lock(waiting->mutex);
    if (waiting->answer) return;
    waiting->answer = std::move(answer);
    waiting->changed.notify_all();
  });
  std::unique_lock lock(waiting->mutex);
  waiting->changed.wait(lock, [&] { return waiting->answer.has_value(); });
  return *std::move(waiting->answer);
}

void SystemResolver::do_async_resolve(Call call, std::string_view network, std::string_view host,
                                      Function<void(Result<std::vector<std::string>>)> done) {
  threads_->run(
      call.context(), host,
      [lookup = lookup_, ended = std::stop_token(call.context().stop_token()), host = std::string(host),
       family = address_family(network)] { return answer_to(*lookup, ended, host, family); },
      std::move(done));
}

}  // namespace LEASH_NAMESPACE::net::detail
