#pragma once

#include <cstddef>
#include <deque>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/detail/memory_link.hpp>
#include <leash/os/condition_variable.hpp>
#include <leash/os/mutex.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <string_view>

namespace LEASH_NAMESPACE::net::detail {

/// The queue of connections that wait to be accepted at one address of a MemoryNetwork. Thread-safe.
class Backlog {
 public:
  explicit Backlog(std::size_t capacity) : capacity_(capacity) {}

  /// Appends a dialled connection; waits while the queue is full. Errors: `connection_refused`
  /// when the backlog is closed, and those of the Context.
  [[nodiscard]] Result<void> push(const Context& context, std::string_view subject, std::shared_ptr<MemoryLink> link);

  /// Takes the first connection; waits while there is none. Errors: `bad_file_descriptor` when the backlog is closed,
  /// and those of the Context.
  [[nodiscard]] Result<std::shared_ptr<MemoryLink>> pop(const Context& context, std::string_view subject);

  /// Makes all waiting operations fail, and resets the connections in the queue. False if it was closed before.
  bool close();

 private:
  template <class Ready>
  void wait(std::unique_lock<os::Mutex>& lock, Registration& woken, const Context& context, Ready ready);

  const std::size_t capacity_;
  os::Mutex mutex_;
  os::ConditionVariable changed_;
  std::deque<std::shared_ptr<MemoryLink>> queue_;
  bool closed_ = false;
};

}  // namespace LEASH_NAMESPACE::net::detail
