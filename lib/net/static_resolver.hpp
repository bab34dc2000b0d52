#pragma once

#include <initializer_list>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/resolver.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net {

/// A Resolver with a table, for tests and for names that no service has:
///
///     auto resolver = std::make_shared<StaticResolver>(StaticResolver::Table{{"db.internal", {"10.0.0.1", "::1"}}});
///     TcpDialer dialer({.resolver = resolver});
///
/// Other names are `net::errc::host_not_found`. Letters of both cases are the same.
class StaticResolver final : public Resolver {
 public:
  /// One host and its addresses, in the order in which a dial prefers them.
  struct Entry {
    std::string_view host;
    std::initializer_list<std::string_view> addresses;
  };
  using Table = std::initializer_list<Entry>;

  /// Throws `std::logic_error` for an address that is not numeric, a host that is numeric, empty or refused by
  /// `Resolver::resolve`, and one without an address or given twice.
  explicit StaticResolver(Table table);

 private:
  Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) override;
  void do_async_resolve(Call call, std::string_view network, std::string_view host,
                        Function<void(Result<std::vector<std::string>>)> done) override;

  std::vector<std::pair<std::string, std::vector<std::string>>> hosts_;
};

}  // namespace LEASH_NAMESPACE::net
