#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/cancellation_signal.hpp>
#include <asio/error_code.hpp>
#include <asio/write.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/error.hpp>
#include <leash/net/async_listener.hpp>
#include <leash/net/stream.hpp>
#include <leash/result.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::net::stream_conformance {

/// How an operation has ended, or that it has not yet.
struct Outcome {
  bool initiating = false;  ///< The call that begins it has not returned.
  bool inside = false;      ///< Its handler was called in that call.
  bool called = false;
  bool dropped = false;  ///< The handler was destroyed, uncalled.

  // What the handler was called with.
  asio::error_code code;
  std::size_t count = 0;
  std::optional<Error> error;
  std::optional<Stream> stream;
  std::unique_ptr<AsyncListener> listener;

  bool over() const noexcept { return called || dropped; }

  std::string text() const {
    if (dropped) return "its handler was destroyed, uncalled";
    if (error) return "it failed: " + to_string(*error);
    if (code) return "it ended with " + code.message() + " after " + std::to_string(count) + " bytes";
    return stream || listener ? "it succeeded" : "it succeeded: " + std::to_string(count) + " bytes";
  }
};

/// An operation that a check has begun.
using Operation = std::shared_ptr<Outcome>;

/// The handler of such an operation, of every type. Move-only.
class OutcomeHandler {
 public:
  OutcomeHandler(Operation operation, asio::cancellation_slot slot) : operation_(std::move(operation)), slot_(slot) {}
  OutcomeHandler(OutcomeHandler&&) noexcept = default;
  OutcomeHandler& operator=(OutcomeHandler&&) = delete;
  ~OutcomeHandler() {
    if (operation_) operation_->dropped = !operation_->called;
  }

  void operator()(asio::error_code code, std::size_t count) {
    call();
    operation_->code = code;
    operation_->count = count;
  }
  void operator()(Result<Stream> opened) {
    call();
    if (opened) {
      operation_->stream = *std::move(opened);
    } else {
      operation_->error = opened.error();
    }
  }
  void operator()(Result<std::unique_ptr<AsyncListener>> bound) {
    call();
    if (bound) {
      operation_->listener = *std::move(bound);
    } else {
      operation_->error = bound.error();
    }
  }

  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return slot_; }

 private:
  void call() {
    operation_->called = true;
    operation_->inside = operation_->initiating;
  }

  Operation operation_;
  asio::cancellation_slot slot_;
};

/// Begins an operation: `initiate` is called with its handler.
template <class Initiate>
Operation begin(Initiate initiate, asio::cancellation_slot slot = {}) {
  auto operation = std::make_shared<Outcome>();
  operation->initiating = true;
  initiate(OutcomeHandler(operation, slot));
  operation->initiating = false;
  return operation;
}

inline Operation begin_read(Stream& stream, asio::mutable_buffer buffer, asio::cancellation_slot slot = {}) {
  return begin([&](auto handler) { stream.async_read_some(buffer, std::move(handler)); }, slot);
}

inline Operation begin_write(Stream& stream, asio::const_buffer buffer, asio::cancellation_slot slot = {}) {
  return begin([&](auto handler) { stream.async_write_some(buffer, std::move(handler)); }, slot);
}

inline Operation begin_write_all(Stream& stream, std::string_view text) {
  return begin([&](auto handler) { asio::async_write(stream, asio::buffer(text), std::move(handler)); });
}

inline Operation begin_accept(AsyncListener& listener, const Context& context, asio::cancellation_slot slot = {}) {
  return begin([&](auto handler) { listener.async_accept(context, std::move(handler)); }, slot);
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
