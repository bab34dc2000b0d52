#include <atomic>
#include <cstdint>
#include <leash/net/detail/caught.hpp>
#include <leash/net/detail/lookup_threads.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/detail/system_resolver.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/resolver.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/lazy.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using Texts = Result<std::vector<std::string>>;
using Addresses = Result<std::vector<IpAddress>>;

/// The result where no resolver is asked: an Error, or the numeric address that `host` is. Otherwise nothing.
std::optional<Addresses> answer_at_once(const Context& context, std::string_view network, std::string_view host) {
  Result<void> checked = context.check("resolve", host);
  if (!checked) return std::unexpected(std::move(checked).error());
  const std::optional<detail::Network> known = detail::find_network(network);
  if (!known || known == detail::Network::unix_stream) {
    return fail("resolve", host, std::errc::invalid_argument,
                "unknown network \"" + std::string(network) + "\"; known are tcp, tcp4, tcp6");
  }
  const Result<std::optional<IpAddress>> numeric = detail::parse_host("resolve", host, *known, host);
  if (!numeric) return std::unexpected(numeric.error());
  if (*numeric) return std::vector{**numeric};
  return std::nullopt;
}

/// The result where a resolver has given this answer. `network` is one of the three.
Addresses addresses_of(const Context& context, std::string_view network, std::string_view host, const Texts& texts) {
  if (!texts) return std::unexpected(texts.error());
  Result<void> checked = context.check("resolve", host);
  if (!checked) return std::unexpected(std::move(checked).error());
  if (texts->empty()) return fail("resolve", host, make_error_code(errc::host_not_found), "no address");
  const detail::Network known = *detail::find_network(network);
  std::vector<IpAddress> addresses;
  for (const std::string& text : *texts) {
    const Result<IpAddress> address = IpAddress::parse(text);
    if (!address) return fail("resolve", host, address.error().code(), "\"" + text + "\" is no numeric address");
    const IpAddress unmapped = address->unmapped();
    if (detail::allows(known, unmapped)) addresses.push_back(unmapped);
  }
  if (addresses.empty()) {
    return fail("resolve", host, std::errc::address_family_not_supported,
                "the host has no address for " + std::string(network));
  }
  return addresses;
}

/// One call of `async_resolve`. Whoever may still answer it owns it.
class Lookup {
 public:
  Lookup(Context context, std::string_view network, std::string_view host, Function<void(Addresses)> done)
      : network_(network), host_(host), context_(std::move(context)), done_(std::move(done)) {}
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// No one can answer it any more. In a forked child that is not known of a look-up of the parent, and what `done`
  /// refers to may be lost.
  ~Lookup() {
    if (os::fork_generation() != generation_) return;
    answer([this](const Context& context) -> Addresses {
      Result<void> checked = context.check("resolve", host_);
      if (!checked) return std::unexpected(std::move(checked).error());
      return fail("resolve", host_, std::errc::operation_canceled, "the resolver gave no answer");
    });
  }

  std::string_view network() const noexcept { return network_; }
  std::string_view host() const noexcept { return host_; }

  /// Passes what `make` makes of the Context, or the Error for what it throws, to `done`, unless it was called before.
  template <class Make>
  void answer(Make make) noexcept {
    if (answered_.exchange(true)) return;
    // A resolver that is left behind may own this for long: it keeps nothing of the user's.
    const Context context = std::move(context_);
    const Function<void(Addresses)> done = std::move(done_);
    done([&]() noexcept -> Addresses {
      try {
        return make(context);
      } catch (...) {
        return std::unexpected(detail::caught("resolve", host_, no_memory_));
      }
    }());
  }

  /// Answers `lookup` when `context`, its Context, is done.
  static void end_with(const Context& context, const std::shared_ptr<Lookup>& lookup) {
    if (lookup->answered_) return;
    // Weak, or look-up and registration would own each other.
    lookup->ended_ = context.on_cancel([weak = std::weak_ptr(lookup)] {
      const std::shared_ptr<Lookup> ending = weak.lock();
      if (!ending) return;
      ending->answer(
          [&](const Context& done) { return std::unexpected(done.check("resolve", ending->host_).error()); });
    });
  }

 private:
  const std::string network_;
  const std::string host_;
  const Error no_memory_{"resolve", host_, std::errc::not_enough_memory};
  const std::uint32_t generation_ = os::fork_generation();
  std::atomic<bool> answered_{false};
  // Taken by who sets `answered_`.
  Context context_;
  Function<void(Addresses)> done_;
  Registration ended_;
};

}  // namespace

Resolver::~Resolver() = default;

Result<std::vector<IpAddress>> Resolver::resolve(Call call, std::string_view network, std::string_view host) {
  if (std::optional<Addresses> answer = answer_at_once(call.context(), network, host)) return *std::move(answer);
  return addresses_of(call.context(), network, host, do_resolve(call, network, host));
}

void Resolver::async_resolve(Call call, std::string_view network, std::string_view host,
                             Function<void(Result<std::vector<IpAddress>>)> done) {
  if (!done) throw std::logic_error("leash: Resolver::async_resolve: `done` is empty");
  // From here on copies are used: `done` may destroy what the caller passed, and the Resolver.
  // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const Context context = call.context();
  const auto lookup = std::make_shared<Lookup>(context, network, host, std::move(done));
  const std::shared_ptr<Resolver> self = weak_from_this().lock();
  try {
    if (std::optional<Addresses> answer = answer_at_once(context, lookup->network(), lookup->host())) {
      lookup->answer([&](const Context&) { return *std::move(answer); });
      return;
    }
    do_async_resolve(Call(context, call.site()), lookup->network(), lookup->host(), [lookup](const Texts& texts) {
      lookup->answer(
          [&](const Context& asked) { return addresses_of(asked, lookup->network(), lookup->host(), texts); });
    });
    // After `do_async_resolve`: what that has registered is called before, and may know more of why there is no answer.
    Lookup::end_with(context, lookup);
  } catch (...) {
    lookup->answer([](const Context&) -> Addresses { throw; });
  }
}

void Resolver::do_async_resolve(Call call, std::string_view network, std::string_view host,
                                Function<void(Result<std::vector<std::string>>)> done) {
  const std::shared_ptr<Resolver> self = weak_from_this().lock();
  if (!self) {
    done(fail("resolve", host, std::errc::operation_not_supported,
              "no std::shared_ptr owns the resolver, which a background thread must keep alive"));
    return;
  }
  detail::LookupThreads::of_process()->run(
      call.context(), host,
      [self, context = call.context(), site = call.site(), network = std::string(network), host = std::string(host)] {
        return self->do_resolve(Call(context, site), network, host);
      },
      std::move(done));
}

const std::shared_ptr<Resolver>& Resolver::system() {
  // Never destroyed: the destructor of a static object may still dial.
  static constinit os::Lazy<std::shared_ptr<Resolver>> resolver;
  return resolver.get([] { return new std::shared_ptr<Resolver>(std::make_shared<detail::SystemResolver>()); });
}

}  // namespace LEASH_NAMESPACE::net
