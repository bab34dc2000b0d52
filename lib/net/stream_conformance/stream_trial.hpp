#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <initializer_list>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_network.hpp>
#include <leash/net/conformance.hpp>
#include <leash/net/stream_conformance/outcome.hpp>
#include <leash/net/stream_conformance/runner.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace LEASH_NAMESPACE::net::stream_conformance {

using namespace std::chrono_literals;

/// What is checked.
struct Subject {
  MakeAsyncNetwork make = {};
  ConformanceOptions options = {};
};

/// The two ends of a connection, as a check sees them.
struct Ends {
  Stream here;
  Stream there;
};

/// One check at work: the network that it uses, and the execution context, which runs while the check waits.
class StreamTrial {
 public:
  /// Leaves a check that cannot go on. What is wrong was recorded before.
  struct Abandoned {};

  StreamTrial(const Subject& subject, Findings& findings, bool exchanged)
      : make_(subject.make),
        options_(subject.options),
        findings_(findings),
        exchanged_(exchanged),
        context_(options_.context.with_clock(clock_)),
        end_(std::chrono::steady_clock::now() + options_.limit),
        loop_(std::make_unique<asio::io_context>(1)),
        network_(make_ ? make_(loop_->get_executor()) : AsyncNetwork()) {
    must(network_.dialer && network_.binder, "a dialer and a binder", "there are none");
  }

  const ConformanceOptions& options() const noexcept { return options_; }
  /// That of the options, but with the clock of the check.
  const Context& context() const noexcept { return context_; }
  FakeClock& clock() const noexcept { return *clock_; }
  asio::any_io_executor executor() const { return loop_->get_executor(); }
  AsyncDialer& dialer() const noexcept { return *network_.dialer; }

  void expect(bool kept, std::string_view expected, std::string_view happened) {
    if (!kept) findings_.record(expected, happened);
  }
  void must(bool kept, std::string_view expected, std::string_view happened) {
    expect(kept, expected, happened);
    if (!kept) throw Abandoned();
  }
  void must(const Result<void>& result, std::string_view what) {
    if (!result) must(false, std::string(what) + " to succeed", "it failed: " + to_string(result.error()));
  }
  template <class T>
  void expect_fails(const Result<T>& result, std::errc code, std::string_view what) {
    expect(!result && result.error() == code, to_fail(what, std::make_error_code(code)),
           result ? "it succeeded" : "it failed: " + to_string(result.error()));
  }

  /// Runs what is ready, until nothing is.
  void settle() {
    do {
      loop_->restart();
    } while (loop_->poll() != 0);
  }

  /// Runs the execution context until `done`; leaves the check when its time is up.
  template <class Done>
  void wait(Done done, std::string_view what) {
    const auto work = asio::make_work_guard(*loop_);
    loop_->restart();
    while (!done()) {
      findings_.show_life();
      must(!options_.context.done(), "to be let run to its end", "the Context was done");
      must(std::chrono::steady_clock::now() < end_, std::string(what) + " to end", "it hangs");
      loop_->run_one_for(20ms);
    }
  }

  /// Waits for the end of an operation whose handler has to be called.
  Operation end_of(const Operation& operation, std::string_view what) {
    wait([&] { return operation->over(); }, what);
    must(operation->called, "the handler of " + std::string(what) + " to be called", operation->text());
    expect(!operation->inside, "the handler of " + std::string(what) + " to be called later",
           "it was called in the call that began the operation");
    return operation;
  }

  /// Waits for an operation that must succeed.
  Operation success_of(const Operation& operation, std::string_view what) {
    const Operation outcome = end_of(operation, what);
    must(!outcome->code && !outcome->error, std::string(what) + " to succeed", outcome->text());
    return outcome;
  }

  /// Waits for a read or a write that must end with `code`.
  void must_end_with(const Operation& operation, asio::error_code code, std::string_view what) {
    const Operation outcome = end_of(operation, what);
    must(outcome->code == code, to_fail(what, code), outcome->text());
  }

  /// Waits for a dial, a bind or an accept that must end with one of `codes`.
  void must_fail_with(const Operation& operation, std::initializer_list<std::errc> codes, std::string_view what) {
    const Operation outcome = end_of(operation, what);
    bool kept = false;
    for (const std::errc code : codes) kept = kept || (outcome->error && *outcome->error == code);
    must(kept, to_fail(what, std::make_error_code(*codes.begin())), outcome->text());
  }

  /// Lets the execution context run, and expects `operation` to go on all the same.
  void must_wait(const Operation& operation, std::string_view what) {
    settle();
    must(!operation->over(), std::string(what) + " to wait", operation->text());
  }

  Operation dial(const Context& context, const std::string& address, asio::cancellation_slot slot = {}) {
    return begin([&](auto handler) { dialer().async_dial(context, options_.network, address, std::move(handler)); },
                 slot);
  }
  Operation bind(const std::string& address) {
    return begin(
        [&](auto handler) { network_.binder->async_bind(context_, options_.network, address, std::move(handler)); });
  }

  std::unique_ptr<AsyncListener> listen() { return std::move(success_of(bind(options_.address), "a bind")->listener); }

  Ends connect(AsyncListener& listener, const Context& context) {
    const Operation dialling = dial(context, to_string(listener.address()));
    const Operation accepting = begin_accept(listener, context);
    Stream dialled = *std::move(success_of(dialling, "a dial")->stream);
    Stream accepted = *std::move(success_of(accepting, "an accept")->stream);
    if (exchanged_) return {std::move(accepted), std::move(dialled)};
    return {std::move(dialled), std::move(accepted)};
  }

  /// A new connection, whose listener is closed.
  Ends ends() { return ends(context_); }
  Ends ends(const Context& context) {
    const std::unique_ptr<AsyncListener> listener = listen();
    return connect(*listener, context);
  }

  /// Writes all of `text`.
  void write_all(Stream& stream, std::string_view text, std::string_view what) {
    success_of(begin_write_all(stream, text), what);
  }

  /// Expects that `text` is what comes next.
  void must_read(Stream& stream, std::string_view text, std::string_view what) {
    std::string got(text.size(), '\0');
    success_of(begin([&](auto handler) { asio::async_read(stream, asio::buffer(got), std::move(handler)); }), what);
    must(got == text, std::string(what) + " to give what was written", "it gave something else");
  }

  /// Writes all of `text`, and expects the peer to read it meanwhile: the network need not hold any bytes.
  void transfer(Stream& from, Stream& to, std::string_view text, std::string_view what) {
    const Operation writing = begin_write_all(from, text);
    must_read(to, text, "the read of " + std::string(what));
    success_of(writing, what);
  }

  /// Expects that bytes go both ways.
  void must_work(Ends& ends, std::string_view when) {
    transfer(ends.here, ends.there, "there", "a write " + std::string(when));
    transfer(ends.there, ends.here, "back", "a write by the peer " + std::string(when));
  }

  /// Destroys the execution context, with all that is under way.
  void destroy_execution_context() { loop_.reset(); }

  /// Does `action` in a network of its own, with streams of this Context.
  template <class Action>
  void nested(const Context& context, Action action) {
    Subject subject{make_, options_};
    subject.options.context = context;
    StreamTrial trial(subject, findings_, exchanged_);
    action(trial);
  }

  static std::string to_fail(std::string_view what, const std::error_code& code) {
    return std::string(what) + " to end with " + code.message();
  }

 private:
  const MakeAsyncNetwork make_;
  const ConformanceOptions options_;
  Findings& findings_;
  const bool exchanged_;
  const std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
  const Context context_;
  const std::chrono::steady_clock::time_point end_;
  std::unique_ptr<asio::io_context> loop_;
  // Ends before the execution context does.
  AsyncNetwork network_;
};

/// A check, and whether it uses the two ends of a connection.
struct StreamCheck {
  std::string_view name;
  void (*body)(StreamTrial& trial);
  bool has_ends = true;
};

}  // namespace LEASH_NAMESPACE::net::stream_conformance
