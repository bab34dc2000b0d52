#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/function.hpp>
#include <leash/os/fork.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Background threads for look-ups that nothing can interrupt. There are at most `max_threads`, those included whose
/// look-up is no longer wanted; further look-ups wait until one is free, as long as their Context allows. A thread ends
/// when no look-up waits. They keep this object alive. Thread-safe.
class LookupThreads : public std::enable_shared_from_this<LookupThreads> {
 public:
  static constexpr std::size_t max_threads = 32;

  using Answer = Result<std::vector<std::string>>;

  /// The threads for all resolvers that have none of their own. The system's resolver has: such a resolver may ask it,
  /// and threads that wait for each other might wait for ever.
  static const std::shared_ptr<LookupThreads>& of_process();

  LookupThreads();
  LookupThreads(const LookupThreads&) = delete;
  LookupThreads& operator=(const LookupThreads&) = delete;
  ~LookupThreads();

  /// Calls `look_up` in one of the threads, and there `done` with what it returns, or with the Error for what it throws
  /// (see `caught`). When `context` is done first, calls `done` with its error, in the thread that ends it, and does
  /// not begin the look-up any more; the detail says so if it was not begun. If not even one thread can be started,
  /// all look-ups that wait are done with that error, in this call.
  ///
  /// `done` may be called twice, also by two threads at once: the first call counts. It must not throw. Throws
  /// `std::bad_alloc`, and what `Context::on_cancel` does; `done` may be called nevertheless.
  void run(const Context& context, std::string_view host, Function<Answer()> look_up, Function<void(Answer)> done);

 private:
  struct Question;
  using Questions = std::list<std::shared_ptr<Question>>;

  void add(const std::shared_ptr<Question>& question);
  bool remove(Question& question) noexcept;
  void count_off(std::uint32_t generation, std::error_code why) noexcept;
  void work(std::uint32_t generation) noexcept;

  os::Mutex mutex_;
  Questions waiting_;
  /// In a forked child: questions of the parent. They are kept, since what they own may not be destroyed in the child.
  Questions of_parent_;
  std::size_t threads_ = 0;
  std::uint32_t generation_ = os::fork_generation();  ///< Of the process that `threads_` and `waiting_` are those of.
};

}  // namespace LEASH_NAMESPACE::net::detail
