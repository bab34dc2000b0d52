#include "wire.hpp"

#include <array>
#include <concepts>
#include <cstddef>

namespace mirror {

using leash::Result;
using leash::net::Conn;

namespace {

constexpr std::uint32_t longest_path = 64 * 1024;

template <std::unsigned_integral Number>
void put(std::span<std::byte> bytes, Number number) {
  for (std::byte& byte : bytes.first(sizeof(Number))) {
    byte = static_cast<std::byte>(number);
    number = static_cast<Number>(number >> 8U);
  }
}

template <std::unsigned_integral Number>
Number get(std::span<const std::byte> bytes) {
  Number number = 0;
  for (std::size_t index = sizeof(Number); index-- > 0;) {
    number = static_cast<Number>(number << 8U) | static_cast<Number>(bytes[index]);
  }
  return number;
}

Result<void> read_all(Conn& conn, std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const Result<std::size_t> got = conn.read(buffer);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) {
      return leash::fail("read", to_string(conn.remote_address()), std::errc::connection_aborted,
                         "the peer closed in the middle of a message");
    }
    buffer = buffer.subspan(*got);
  }
  return {};
}

}  // namespace

Result<void> send(Conn& conn, const Request& request) {
  std::array<std::byte, 12> header{};
  put(header, static_cast<std::uint32_t>(request.path.size()));
  put(std::span(header).subspan(4), request.size);
  std::string message(reinterpret_cast<const char*>(header.data()), header.size());
  return conn.write(message + request.path);
}

Result<Request> receive_request(Conn& conn) {
  std::array<std::byte, 12> header{};
  if (auto got = read_all(conn, header); !got) return std::unexpected(got.error());
  const auto length = get<std::uint32_t>(header);
  if (length > longest_path) {
    return leash::fail("read", to_string(conn.remote_address()), std::errc::bad_message, "no path is that long");
  }
  Request request{std::string(length, '\0'), get<std::uint64_t>(std::span(header).subspan(4))};
  if (auto got = read_all(conn, std::as_writable_bytes(std::span(request.path))); !got) {
    return std::unexpected(got.error());
  }
  return request;
}

Result<void> send(Conn& conn, Answer answer) {
  std::array<std::byte, 9> message{static_cast<std::byte>(answer.status)};
  put(std::span(message).subspan(1), answer.checksum);
  return conn.write(message);
}

Result<Answer> receive_answer(Conn& conn) {
  std::array<std::byte, 9> message{};
  if (auto got = read_all(conn, message); !got) return std::unexpected(got.error());
  return Answer{static_cast<Status>(message[0]), get<std::uint64_t>(std::span(message).subspan(1))};
}

void Checksum::add(std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) value_ = (value_ ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3U;
}

}  // namespace mirror
