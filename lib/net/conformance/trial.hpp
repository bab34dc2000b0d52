#pragma once

#include <condition_variable>
#include <cstddef>
#include <initializer_list>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/conformance.hpp>
#include <leash/net/conformance/under_way.hpp>
#include <leash/net/listener.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {

/// What is checked.
struct Subject {
  MakeConnPair make_pair = {};
  Dialer* dialer = nullptr;
  Binder* binder = nullptr;
  ConformanceOptions options = {};
  std::string plenty = {};  ///< As long as `more_than_buffers`.
};

/// The two ends of a connection, as a check sees them.
struct Ends {
  Conn& here;
  Conn& there;
};

/// Leaves a check that cannot go on. What is wrong was recorded before.
struct Abandoned {};

template <class T>
class Task;

/// One check at work, in a thread of its own. It owns the handles that the check uses, so that whoever watches it can
/// end them. Thread-safe.
class Trial : public std::enable_shared_from_this<Trial> {
 public:
  Trial(std::string_view check, std::shared_ptr<const Subject> subject, bool exchanged);
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;
  ~Trial();

  // For checks.

  const Context& context() const noexcept { return context_; }
  const ConformanceOptions& options() const noexcept { return subject_->options; }
  std::string_view plenty() const noexcept { return subject_->plenty; }
  Dialer& dialer() const noexcept { return *dialer_; }
  Binder& binder() const noexcept { return *binder_; }

  /// A time to come, by the clock of the connections.
  [[nodiscard]] Clock::time_point after(std::chrono::milliseconds time) const;
  [[nodiscard]] Clock::time_point past() const;

  /// A new connection.
  [[nodiscard]] Ends ends() { return ends(context_); }
  [[nodiscard]] Ends ends(const Context& context);

  Conn& keep(std::unique_ptr<Conn> conn);
  Listener& keep(std::unique_ptr<Listener> listener);

  /// Destroys a handle that was kept.
  void destroy(const Conn& conn);
  void destroy(const Listener& listener);

  /// Runs `function` in a thread of its own.
  template <class Function>
  [[nodiscard]] Task<std::invoke_result_t<Function&>> start(Function function);

  /// Records a failure unless `kept`.
  void expect(bool kept, std::string_view expected, std::string_view happened);

  /// Records a failure, ends all handles, and leaves the check. What is found later does not count.
  [[noreturn]] void abandon(std::string_view expected, std::string_view happened);

  /// The value of a Result that the check cannot go on without. `what` says what should have succeeded: "a read".
  template <class T>
  T must(Result<T> result, std::string_view what) {
    if (!result) abandon(std::string(what) + " to succeed", "it failed: " + to_string(result.error()));
    if constexpr (!std::is_void_v<T>) return *std::move(result);
  }

  /// Expects `result` to be a failure with one of `codes`; leaves the check if it is none.
  template <class T>
  void must_fail(const Result<T>& result, std::initializer_list<std::errc> codes, std::string_view what) {
    if (result) abandon(to_fail(what, codes), succeeded(result));
    expect_code(result.error(), codes, what);
  }
  template <class T>
  void must_fail(const Result<T>& result, std::errc code, std::string_view what) {
    must_fail(result, {code}, what);
  }

  /// As `must_fail`, and returns the Error.
  template <class T>
  Error error_of(const Result<T>& result, std::initializer_list<std::errc> codes, std::string_view what) {
    must_fail(result, codes, what);
    return result.error();
  }
  template <class T>
  Error error_of(const Result<T>& result, std::errc code, std::string_view what) {
    return error_of(result, {code}, what);
  }

  /// Expects `error` to say what failed: the name of the operation, and the subject.
  void expect_names(const Error& error, std::string_view operation, std::string_view subject);

  /// Expects what was read to be what was written.
  void expect_text(std::string_view got, std::string_view wanted, std::string_view what);

  UnderWay& under_way() noexcept { return under_way_; }

  /// Cancels the Context, resets all connections and closes all listeners.
  void end_handles();

  // For whoever runs it.

  enum class End : unsigned char { returned, hangs, cancelled };

  /// Does the check.
  void work(void (*body)(Trial&)) noexcept;

  /// Waits until the check has returned, for `limit` at most, or until the Context of the options is done.
  End wait(std::chrono::milliseconds limit);

  /// Ends all handles, each in a thread of its own, and waits for `limit` at most. Returns whether all came back.
  bool put_to_an_end(std::chrono::milliseconds limit);

  /// Records that the check hangs; what is found later does not count.
  void record_hang(std::string_view expected, std::string_view happened);

  [[nodiscard]] std::vector<ConformanceFailure> failures() const;

 private:
  static std::string to_fail(std::string_view what, std::initializer_list<std::errc> codes);
  void expect_code(const Error& error, std::initializer_list<std::errc> codes, std::string_view what);

  template <class T>
  static std::string succeeded(const Result<T>& result) {
    if constexpr (std::is_same_v<T, std::size_t>) return "it succeeded: " + std::to_string(*result);
    if constexpr (std::is_same_v<T, std::string>) return "it read " + std::to_string(result->size()) + " bytes";
    return "it succeeded";
  }

  void record(std::string_view expected, std::string_view happened, bool hang);

  /// What the trial owns. The last member is let go of first.
  struct Handles {
    std::vector<std::shared_ptr<void>> owners;
    std::vector<std::shared_ptr<Listener>> listeners;
    std::vector<std::shared_ptr<Conn>> conns;
  };

  Handles handles() const;
  void let_go_of_handles();
  template <class Handle>
  std::shared_ptr<Handle> taken(std::vector<std::shared_ptr<Handle>>& kept, const Handle& handle);

  const std::string check_;
  const std::shared_ptr<const Subject> subject_;
  const bool exchanged_;
  const CancelSource source_;
  const Context context_;
  UnderWay under_way_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<Binder> binder_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ConformanceFailure> failures_;
  bool over_ = false;  ///< What is found from now on follows from what was found already, and says nothing.
  bool returned_ = false;
  bool cancelled_ = false;
  int ending_ = 0;  ///< How many threads of `put_to_an_end` have not come back.
  Handles handles_;

  Trial(std::string_view check, std::shared_ptr<const Subject> subject, bool exchanged, Cancellable cancellable);
};

}  // namespace LEASH_NAMESPACE::net::conformance
