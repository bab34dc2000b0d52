#pragma once

#include <leash/context.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/listener.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"

/// A listener whose queue is full: a dial to it waits for ever.
class FullListener {
 public:
  FullListener(leash::net::Dialer& dialer, leash::net::Binder& binder, const std::string& address,
               std::string_view network = "tcp")
      : listener_(must(binder.bind(leash::Context(), network, address))) {
    // TCP may take one more, and a machine may be slow.
    for (int waited = 0; waited < 3;) {
      auto conn = dialer.dial(leash::Context().with_timeout(50ms), network, this->address());
      if (conn) {
        waiting_.push_back(*std::move(conn));
      } else {
        REQUIRE(conn.error().timeout());
        ++waited;
      }
    }
  }

  std::string address() const { return to_string(listener_->address()); }

 private:
  std::unique_ptr<leash::net::Listener> listener_;
  std::vector<std::unique_ptr<leash::net::Conn>> waiting_;
};
