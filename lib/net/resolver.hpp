#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::net {

/// Finds the addresses of a host. A test derives its own, and so needs no name service. Any number of threads may
/// resolve at once.
class Resolver {
 public:
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver();

  /// The numeric addresses of `host` for `network` ("tcp", "tcp4", "tcp6"), the best first; never an empty list. An
  /// address that is numeric already is returned as it is. Ends at once when the Context is done. Errors: `net::errc`,
  /// `timed_out`, `operation_canceled`. Loop over `leash::take(resolver.resolve(…))`, not over `.value()` of it.
  [[nodiscard]] Result<std::vector<std::string>> resolve(Call call, std::string_view network, std::string_view host);

  // What a call without a Context is told.
  Result<std::vector<std::string>> resolve(NoContext, std::string_view);

  /// The machine's: `getaddrinfo`, in threads of its own, so that it can be left behind while it hangs. At most 32 look
  /// up at once; while all of them hang, others wait for one as long as their Context allows, and the Error says so.
  /// Out of descriptors it fails with `too_many_files_open` or `too_many_files_open_in_system`, whatever `getaddrinfo`
  /// says.
  static const std::shared_ptr<Resolver>& system();

 protected:
  Resolver() = default;

  /// `host` is not numeric. An empty list means that it has no address.
  virtual Result<std::vector<std::string>> do_resolve(Call call, std::string_view network, std::string_view host) = 0;
};

}  // namespace LEASH_NAMESPACE::net
