#include "client.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <utility>

#include "wire.hpp"

namespace mirror {

using leash::Context;
using leash::Error;
using leash::Result;
using leash::fs::File;
using leash::net::Conn;
using namespace std::chrono_literals;

namespace {

constexpr int most_attempts = 3;

bool broke(const Error& error) {
  return error == std::errc::connection_reset || error == std::errc::connection_aborted ||
         error == std::errc::broken_pipe;
}

Delivery unreadable(Error error) { return {Outcome::unreadable, 0, std::move(error)}; }

/// Sends exactly `size` bytes of `file`; an Error of the file itself goes to `file_error`.
Result<std::uint64_t> send_content(Conn& conn, File& file, std::uint64_t size, std::optional<Error>& file_error) {
  Checksum checksum;
  std::array<std::byte, 16 * 1024> buffer{};
  for (std::uint64_t offset = 0; offset < size;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size - offset, buffer.size()));
    const Result<std::size_t> got = file.read_at(std::span(buffer).first(wanted), offset);
    if (!got) {
      file_error = got.error();
      return 0;
    }
    if (*got == 0) {
      file_error = Error("read", file.path(), std::errc::io_error, "it became shorter while it was sent");
      return 0;
    }
    const auto bytes = std::span(buffer).first(*got);
    if (auto written = conn.write(bytes); !written) return std::unexpected(written.error());
    checksum.add(bytes);
    offset += *got;
  }
  return checksum.value();
}

}  // namespace

Client::Client(leash::fs::FileSystem& files, leash::net::Dialer& dialer, std::string server, Version version)
    : files_(files), dialer_(dialer), server_(std::move(server)), version_(version) {}

Result<Delivery> Client::send_file(const Context& context, const std::string& path) {
  auto opened = files_.open(context, path);
  if (!opened) return unreadable(opened.error());
  File& file = **opened;
  {
    const std::lock_guard lock(mutex_);
    queue_[path] = std::move(*opened);
  }
  Result<Delivery> sent = attempt(context, path, file);
  for (int again = 1; again < most_attempts && !sent && broke(sent.error()) && !context.done(); ++again) {
    ++retries_;
    sent = attempt(context, path, file);
  }
  // Bug: the client gives up, and forgets the open file in its queue.
  if (version_ == Version::leaky && sent && sent->outcome == Outcome::refused) return sent;
  const std::lock_guard lock(mutex_);
  (void)file.close();
  queue_.erase(path);
  return sent;
}

Result<Delivery> Client::attempt(const Context& context, const std::string& path, File& file) {
  auto dialled = dialer_.dial(context, "tcp", server_);
  if (!dialled) return std::unexpected(dialled.error());
  Conn& conn = **dialled;
  std::uint64_t session = 0;
  {
    const std::lock_guard lock(mutex_);
    session = ++last_session_;
    sessions_[session] = std::move(*dialled);
  }
  Result<Delivery> sent = conn.set_deadline(context.clock()->now() + 30s).has_value()
                              ? exchange(conn, path, file)
                              : leash::fail("dial", server_, std::errc::connection_aborted);
  // Bug: the next attempt has a connection of its own, and this one stays behind in the table.
  if (version_ == Version::leaky && !sent) return sent;
  const std::lock_guard lock(mutex_);
  (void)conn.close();
  sessions_.erase(session);
  return sent;
}

Result<Delivery> Client::exchange(Conn& conn, const std::string& path, File& file) {
  const auto info = file.stat();
  if (!info) return unreadable(info.error());
  if (auto asked = send(conn, Request{path, info->size}); !asked) return std::unexpected(asked.error());
  const Result<Answer> permission = receive_answer(conn);
  if (!permission) return std::unexpected(permission.error());
  if (permission->status == Status::refused) return Delivery{Outcome::refused, 0, std::nullopt};

  std::optional<Error> file_error;
  const Result<std::uint64_t> checksum = send_content(conn, file, info->size, file_error);
  if (file_error) return unreadable(*file_error);
  if (!checksum) return std::unexpected(checksum.error());
  const Result<Answer> answer = receive_answer(conn);
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != Status::stored) return leash::fail("mirror", path, std::errc::io_error, "the server failed");
  if (answer->checksum != *checksum) return leash::fail("mirror", path, std::errc::bad_message, "wrong checksum");
  return Delivery{Outcome::stored, info->size, std::nullopt};
}

void Client::stop() {
  const std::lock_guard lock(mutex_);
  for (const auto& [number, conn] : sessions_) (void)conn->reset();
}

}  // namespace mirror
