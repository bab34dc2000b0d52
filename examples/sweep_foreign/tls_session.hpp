#pragma once

#include <mbedtls/ssl.h>

#include <cstdint>
#include <leash/net/conn.hpp>
#include <leash/result.hpp>
#include <string>
#include <string_view>

namespace sweep_foreign {

/// One end of a connection with mbedTLS, which reads and writes by the functions that it is given. Both ends have the
/// same secret. For a test: its random numbers are the same each time.
class TlsSession {
 public:
  /// `endpoint` is `MBEDTLS_SSL_IS_CLIENT` or `MBEDTLS_SSL_IS_SERVER`. `conn` must outlive this.
  TlsSession(leash::net::Conn& conn, int endpoint);
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession();

  [[nodiscard]] leash::Result<void> shake_hands();
  [[nodiscard]] leash::Result<void> write(std::string_view text);

  /// Reads so many bytes.
  [[nodiscard]] leash::Result<std::string> read(std::size_t size);

  /// Tells the other end that nothing will follow.
  [[nodiscard]] leash::Result<void> close_notify();

 private:
  std::unexpected<leash::Error> failure(const char* operation, int code) const;

  leash::net::Conn& conn_;
  std::uint64_t random_;
  int setup_ = 0;
  mbedtls_ssl_config config_{};
  mbedtls_ssl_context ssl_{};
};

}  // namespace sweep_foreign
