#include "server.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <leash/net/listener.hpp>
#include <span>
#include <utility>

#include "wire.hpp"

namespace mirror {

using leash::Context;
using leash::Result;
using leash::fs::File;
using leash::net::Conn;
using namespace std::chrono_literals;

Result<std::unique_ptr<Server>> Server::start(const Context& context, leash::net::Binder& binder,
                                              std::string_view address, leash::fs::FileSystem& files,
                                              Difficulty difficulty) {
  auto listener = binder.bind(context, "tcp", address);
  if (!listener) return std::unexpected(listener.error());
  return std::unique_ptr<Server>(new Server(context, std::move(*listener), files, difficulty));
}

Server::Server(const Context& context, std::unique_ptr<leash::net::Listener> listener, leash::fs::FileSystem& files,
               Difficulty difficulty)
    : running_(context.with_note("serve").with_cancel()),
      listener_(std::move(listener)),
      files_(files),
      difficulty_(difficulty) {
  for (int thread = 0; thread < 4; ++thread) threads_.emplace_back([this] { serve(); });
}

Server::~Server() {
  running_.source.cancel();
  threads_.clear();
  (void)listener_->close();
}

std::string Server::address() const { return to_string(listener_->address()); }

void Server::serve() {
  while (!running_.context.done()) {
    auto conn = listener_->accept(running_.context);
    if (!conn) {
      // Out of descriptors, for one: others may give some back.
      if (!running_.context.done()) std::this_thread::sleep_for(10ms);
      continue;
    }
    const leash::Registration on_stop = running_.context.on_cancel([&] { (void)(*conn)->reset(); });
    if (auto answered = answer(**conn); !answered) {
      (void)(*conn)->reset();
    } else {
      (void)(*conn)->close();
    }
  }
}

Result<void> Server::answer(Conn& conn) {
  const std::uint64_t number = ++accepted_;
  auto ready = conn.set_deadline(running_.context.clock()->now() + 30s);
  if (!ready) return ready;
  const Result<Request> request = receive_request(conn);
  if (!request) return std::unexpected(request.error());
  if (request->size > difficulty_.largest_file) return send(conn, Answer{Status::refused, 0});
  // A client that tries again may be served while the connection that it gave up still is: each writes its own file.
  const std::string part = request->path + ".part" + std::to_string(number);
  // What cannot be created is refused before its content comes.
  auto file = create(part);
  if (!file) return send(conn, Answer{Status::refused, 0});
  Result<std::uint64_t> checksum = store(conn, **file, request->size);
  if (checksum) {
    if (auto renamed = files_.rename(running_.context, part, request->path); !renamed) {
      checksum = std::unexpected(renamed.error());
    }
  }
  if (!checksum) (void)files_.remove_file(running_.context, part);
  if (difficulty_.reset_every != 0 && number % difficulty_.reset_every == 0) return conn.reset();
  return send(conn, checksum ? Answer{Status::stored, *checksum} : Answer{Status::failed, 0});
}

Result<std::unique_ptr<File>> Server::create(const std::string& path) {
  const Context& context = running_.context;
  if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) {
    if (auto made = files_.mkdir_all(context, path.substr(0, slash)); !made) return std::unexpected(made.error());
  }
  return files_.create(context, path);
}

Result<std::uint64_t> Server::store(Conn& conn, File& file, std::uint64_t size) {
  Checksum checksum;
  std::array<std::byte, 16 * 1024> buffer{};
  Result<void> written = send(conn, Answer{Status::go, 0});
  while (size > 0 && written) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer.size()));
    const Result<std::size_t> got = conn.read(std::span(buffer).first(wanted));
    if (!got) {
      written = std::unexpected(got.error());
    } else if (*got == 0) {
      written = leash::fail("store", file.path(), std::errc::connection_aborted, "the client closed early");
    } else {
      const auto bytes = std::span(buffer).first(*got);
      checksum.add(bytes);
      written = file.write(bytes);
      size -= *got;
    }
  }
  const Result<void> closed = file.close();
  if (!written) return std::unexpected(written.error());
  if (!closed) return std::unexpected(closed.error());
  return checksum.value();
}

}  // namespace mirror
