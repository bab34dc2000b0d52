#include <leash/net/detail/memory_conn.hpp>
#include <leash/net/detail/network_address.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

MemoryConn::MemoryConn(MemoryEnd end, const std::shared_ptr<Clock>& clock)
    : end_(std::move(end)),
      read_deadline_(clock, [this] { end_.in->wake(); }),
      write_deadline_(clock, [this] { end_.out->wake(); }) {}

MemoryConn::~MemoryConn() { shut(false); }

std::unexpected<Error> MemoryConn::failure(std::string_view operation, std::error_code code,
                                           std::string_view detail) const {
  return fail(operation, ends(end_.local, end_.remote), code, detail);
}

std::unexpected<Error> MemoryConn::closed(std::string_view operation) const {
  return failure(operation, std::make_error_code(std::errc::bad_file_descriptor));
}

std::error_code MemoryConn::stopped(const Deadline& deadline) const noexcept {
  if (closed_) return std::make_error_code(std::errc::bad_file_descriptor);
  if (deadline.passed()) return std::make_error_code(std::errc::timed_out);
  return {};
}

Result<std::size_t> MemoryConn::do_read(std::span<std::byte> buffer, std::source_location) {
  const std::lock_guard turn(read_turn_);
  read_deadline_.renew_after_fork();
  const Pipe::Transfer transfer = end_.in->read(buffer, [this] { return stopped(read_deadline_); });
  if (transfer.error) return failure("read", transfer.error);
  return transfer.count;
}

Result<void> MemoryConn::do_write(std::span<const std::byte> data, std::source_location) {
  const std::lock_guard turn(write_turn_);
  write_deadline_.renew_after_fork();
  const Pipe::Transfer transfer = end_.out->write(data, [this] { return stopped(write_deadline_); });
  if (transfer.error) return failure("write", transfer.error, written_of(transfer.count, data.size()));
  return {};
}

Result<void> MemoryConn::do_close_write(std::source_location) {
  if (closed_) return closed("close_write");
  end_.out->close_write();
  return {};
}

bool MemoryConn::shut(bool reset) {
  if (closed_.exchange(true)) return false;
  if (reset) {
    end_.in->reset();
    end_.out->reset();
  } else {
    end_.in->close_read();
    end_.out->close_write();
  }
  read_deadline_.set(std::nullopt);
  write_deadline_.set(std::nullopt);
  return true;
}

Result<void> MemoryConn::do_close(std::source_location) {
  if (!shut(false)) return closed("close");
  return {};
}

Result<void> MemoryConn::do_reset(std::source_location) {
  if (!shut(true)) return closed("reset");
  return {};
}

Result<void> MemoryConn::do_set_deadline(Direction direction, std::optional<Clock::time_point> deadline,
                                         std::source_location) {
  if (closed_) return closed("set_deadline");
  if (direction != Direction::write) read_deadline_.set(deadline);
  if (direction != Direction::read) write_deadline_.set(deadline);
  return {};
}

Address MemoryConn::do_local_address() const { return end_.local; }

Address MemoryConn::do_remote_address() const { return end_.remote; }

int MemoryConn::do_native_handle() const noexcept { return -1; }

Result<int> MemoryConn::do_release(std::source_location) {
  if (closed_) return closed("release");
  return failure("release", std::make_error_code(std::errc::operation_not_supported),
                 "a connection in memory has no descriptor");
}

}  // namespace LEASH_NAMESPACE::net::detail
