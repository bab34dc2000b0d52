#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/net/detail/wakeable.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {

using leash::detail::Ref;

/// What leash has in an execution context of Asio: operations that wait for what Asio does not know, and sockets. All
/// of it has to end with that context, which destroys it as it does its own.
class Loop : public leash::detail::RefCounted {
 public:
  /// Something that ends with the execution context at the latest.
  class Member : public Wakeable {
   protected:
    Member() = default;

   private:
    friend class Loop;

    /// The execution context ends: called in its destructor, or in its `shutdown`, while its services are still there.
    virtual void context_ended() noexcept = 0;

    Member* next_ = nullptr;
    Member* previous_ = nullptr;
    bool listed_ = false;
  };

  /// That of the execution context.
  static Ref<Loop> of(const asio::any_io_executor& executor);

  /// Keeps `member` alive until it is removed, or the execution context has ended; calls its `context_ended` then.
  /// False if it has ended.
  bool add(Member& member) noexcept {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return false;
    member.add_ref();
    member.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &member;
    first_ = &member;
    return member.listed_ = true;
  }

  void remove(Member& member) noexcept {
    Ref<Member> kept(&member);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (member.listed_) unlink(member);
  }

  /// Calls `body` unless the execution context has ended, which does not end in the meantime.
  template <class Body>
  void while_there(Body body) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!ended_) body();
  }

 private:
  class Service;

  friend void destroy(Loop* loop) noexcept { delete loop; }

  /// Of one that the caller holds: the list's reference is not the last.
  void unlink(Member& member) noexcept {
    (member.previous_ == nullptr ? first_ : member.previous_->next_) = member.next_;
    if (member.next_ != nullptr) member.next_->previous_ = member.previous_;
    member.listed_ = false;
    member.drop_ref();
  }

  void end() noexcept {
    for (;;) {
      Ref<Member> member;
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ended_ = true;
        if (first_ == nullptr) return;
        member = Ref<Member>(first_);
        unlink(*member);
      }
      member->context_ended();
    }
  }

  std::mutex mutex_;
  Member* first_ = nullptr;
  bool ended_ = false;
};

/// Ends the Loop with its execution context.
class Loop::Service final : public asio::execution_context::service {
 public:
  using key_type = Service;
  inline static asio::execution_context::id id;

  explicit Service(asio::execution_context& context) : service(context), loop_(new Loop) {}

  const Ref<Loop>& loop() const noexcept { return loop_; }

 private:
  void shutdown() override { loop_->end(); }

  const Ref<Loop> loop_;
};

inline Ref<Loop> Loop::of(const asio::any_io_executor& executor) {
  return asio::use_service<Service>(asio::query(executor, asio::execution::context)).loop();
}

}  // namespace LEASH_NAMESPACE::net::detail
