#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/error_code.hpp>
#include <cstddef>
#include <leash/config.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::net::stream_conformance {

/// Writes what comes after the first `written` bytes of `text` until a write waits, and returns that one.
inline Operation fill(StreamTrial& t, Stream& stream, const std::string& text, std::size_t& written,
                      asio::cancellation_slot slot = {}) {
  for (;;) {
    t.must(written < text.size(), "a write to wait", std::to_string(written) + " bytes were taken at once");
    const Operation writing = begin_write(stream, asio::buffer(text) + written, slot);
    t.settle();
    if (!writing->over()) return writing;
    written += t.success_of(writing, "a write")->count;
  }
}

/// Ends a write that waits by `end(signal)`, where `signal` is that of its cancellation, and expects it to end with
/// `code`. One that has found room at the same moment may succeed; there is another one then.
template <class End>
void fill_and_end(StreamTrial& t, Stream& stream, const std::string& text, std::size_t& written, asio::error_code code,
                  End end, std::string_view what) {
  constexpr int attempts = 100;
  for (int attempt = 0;; ++attempt) {
    asio::cancellation_signal signal;
    const Operation writing = fill(t, stream, text, written, signal.slot());
    end(signal);
    if (attempt == attempts || t.end_of(writing, what)->code) return t.must_end_with(writing, code, what);
    written += writing->count;
    t.must(stream.set_deadline(std::nullopt), "set_deadline");
  }
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
