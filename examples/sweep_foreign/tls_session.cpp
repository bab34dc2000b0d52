#include "tls_session.hpp"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl_ciphersuites.h>

#include <array>
#include <cstddef>
#include <leash/net/address.hpp>
#include <span>
#include <system_error>

namespace sweep_foreign {

using leash::Result;
using leash::net::Conn;

namespace {

constexpr std::array<int, 2> ciphersuites{MBEDTLS_TLS_PSK_WITH_AES_128_GCM_SHA256, 0};
constexpr std::array<unsigned char, 16> secret{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
constexpr std::string_view identity = "test";

int send(void* conn, const unsigned char* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  return static_cast<Conn*>(conn)->write(bytes) ? static_cast<int>(size) : MBEDTLS_ERR_NET_SEND_FAILED;
}

int receive(void* conn, unsigned char* data, std::size_t size) {
  const auto got = static_cast<Conn*>(conn)->read(std::as_writable_bytes(std::span(data, size)));
  return got ? static_cast<int>(*got) : MBEDTLS_ERR_NET_RECV_FAILED;
}

int random_bytes(void* state, unsigned char* data, std::size_t size) {
  auto& random = *static_cast<std::uint64_t*>(state);
  for (unsigned char& byte : std::span(data, size)) {
    random = random * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<unsigned char>(random >> 56U);
  }
  return 0;
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

TlsSession::TlsSession(Conn& conn, int endpoint) : conn_(conn), random_(static_cast<std::uint64_t>(endpoint) + 1) {
  mbedtls_ssl_config_init(&config_);
  mbedtls_ssl_init(&ssl_);
  setup_ = mbedtls_ssl_config_defaults(&config_, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  mbedtls_ssl_conf_rng(&config_, random_bytes, &random_);
  mbedtls_ssl_conf_ciphersuites(&config_, ciphersuites.data());
  if (setup_ == 0) {
    setup_ = mbedtls_ssl_conf_psk(&config_, secret.data(), secret.size(), bytes_of(identity), identity.size());
  }
  if (setup_ == 0) setup_ = mbedtls_ssl_setup(&ssl_, &config_);
  mbedtls_ssl_set_bio(&ssl_, &conn_, send, receive, nullptr);
}

TlsSession::~TlsSession() {
  mbedtls_ssl_free(&ssl_);
  mbedtls_ssl_config_free(&config_);
}

Result<void> TlsSession::shake_hands() {
  if (setup_ != 0) return failure("set up", setup_);
  const int code = mbedtls_ssl_handshake(&ssl_);
  if (code != 0) return failure("shake hands", code);
  return {};
}

Result<void> TlsSession::write(std::string_view text) {
  while (!text.empty()) {
    const int written = mbedtls_ssl_write(&ssl_, bytes_of(text), text.size());
    if (written < 0) return failure("write", written);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> TlsSession::read(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t at = 0; at < size;) {
    const int got = mbedtls_ssl_read(&ssl_, reinterpret_cast<unsigned char*>(text.data()) + at, size - at);
    // The end of the stream is an error too, with `close_notify` before it or not.
    if (got <= 0) return failure("read", got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got);
    at += static_cast<std::size_t>(got);
  }
  return text;
}

Result<void> TlsSession::close_notify() {
  const int code = mbedtls_ssl_close_notify(&ssl_);
  if (code != 0) return failure("close", code);
  return {};
}

std::unexpected<leash::Error> TlsSession::failure(const char* operation, int code) const {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return leash::fail(operation, to_string(conn_.remote_address()), std::errc::connection_aborted, text.data());
}

}  // namespace sweep_foreign
