#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <asio/any_io_executor.hpp>
#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/execution/blocking.hpp>
#include <asio/execution/context.hpp>
#include <asio/execution/execute.hpp>
#include <asio/execution_context.hpp>
#include <asio/query.hpp>
#include <asio/recycling_allocator.hpp>
#include <asio/require.hpp>
#include <asio/system_executor.hpp>
#include <concepts>
#include <cstddef>
#include <leash/config.hpp>
#include <memory>
#include <type_traits>
#include <utility>

namespace LEASH_NAMESPACE::net {

template <class Signature>
class Handler;

namespace detail {

/// Gives memory as the associated allocator of a handler does.
class HandlerMemory {
 public:
  HandlerMemory() = default;
  HandlerMemory(const HandlerMemory&) = delete;
  HandlerMemory& operator=(const HandlerMemory&) = delete;

  /// What is allocated: as aligned as what `new` gives.
  struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) Unit {
    std::byte bytes[__STDCPP_DEFAULT_NEW_ALIGNMENT__];  // NOLINT(modernize-avoid-c-arrays): without <array>
  };

  virtual Unit* allocate(std::size_t count) = 0;
  virtual void deallocate(Unit* memory, std::size_t count) noexcept = 0;

 protected:
  ~HandlerMemory() = default;
};

/// The allocator of a Handler.
template <class T>
class HandlerAllocator {
 public:
  using value_type = T;

  explicit HandlerAllocator(HandlerMemory* memory) noexcept : memory_(memory) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
  HandlerAllocator(const HandlerAllocator<U>& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(HandlerMemory::Unit));
    return static_cast<T*>(static_cast<void*>(memory_->allocate(units(count))));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    memory_->deallocate(static_cast<HandlerMemory::Unit*>(static_cast<void*>(memory)), units(count));
  }

  template <class U>
  friend bool operator==(const HandlerAllocator& a, const HandlerAllocator<U>& b) noexcept {
    return a.memory_ == b.memory_;
  }

 private:
  template <class U>
  friend class HandlerAllocator;

  static std::size_t units(std::size_t count) noexcept {
    return (count * sizeof(T) + sizeof(HandlerMemory::Unit) - 1) / sizeof(HandlerMemory::Unit);
  }

  HandlerMemory* memory_;
};

template <>
class HandlerAllocator<void> {
 public:
  using value_type = void;

  explicit HandlerAllocator(HandlerMemory* memory) noexcept : memory_(memory) {}
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert
  HandlerAllocator(const HandlerAllocator<U>& other) noexcept : memory_(other.memory_) {}

  friend bool operator==(const HandlerAllocator&, const HandlerAllocator&) noexcept = default;

 private:
  template <class U>
  friend class HandlerAllocator;

  HandlerMemory* memory_;
};

/// Where the memory of an operation comes from: the allocator of its handler; in place of `std::allocator` that of
/// Asio, which gives again what the thread has just given back.
template <class Allocator>
Allocator operation_allocator(const Allocator& allocator) {
  return allocator;
}
template <class T>
asio::recycling_allocator<T> operation_allocator(const std::allocator<T>&) {
  return {};
}

/// An executor that knows no execution context, such as that of `asio::use_future`, as one of the system's.
template <class Executor>
class SystemExecutor {
 public:
  explicit SystemExecutor(Executor executor) : executor_(std::move(executor)) {}

  static asio::execution_context& query(asio::execution::context_t) {
    return asio::query(asio::system_executor(), asio::execution::context);
  }
  static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) {
    return asio::execution::blocking.never;
  }
  SystemExecutor require(asio::execution::blocking_t::never_t) const { return *this; }

  template <class Function>
  void execute(Function&& function) const {
    asio::execution::execute(asio::require(executor_, asio::execution::blocking.never),
                             std::forward<Function>(function));
  }

  friend bool operator==(const SystemExecutor& a, const SystemExecutor& b) noexcept {
    return a.executor_ == b.executor_;
  }
  friend bool operator!=(const SystemExecutor& a, const SystemExecutor& b) noexcept { return !(a == b); }

 private:
  Executor executor_;
};

}  // namespace detail

/// The completion handler of an asynchronous operation, whatever its type: what `asio::any_completion_handler` is in
/// later versions of Asio. Move-only. Has the associated executor, allocator and cancellation slot of the handler that
/// it was made of, and uses that allocator for it.
///
/// To be called once, on its executor; it is then empty. Destroyed before that, it destroys the handler, uncalled.
template <class... Arguments>
class Handler<void(Arguments...)> {
 public:
  /// Empty: must only be assigned to or destroyed.
  Handler() noexcept = default;

  template <class Target>
    requires(!std::same_as<std::remove_cvref_t<Target>, Handler>)
  explicit Handler(Target&& target) : box_(Box<std::decay_t<Target>>::make(std::forward<Target>(target))) {}

  Handler(Handler&& other) noexcept : box_(std::exchange(other.box_, nullptr)) {}
  Handler& operator=(Handler&& other) noexcept {
    Handler taken(std::move(other));
    std::swap(box_, taken.box_);
    return *this;
  }
  ~Handler() {
    if (box_ != nullptr) box_->drop();
  }

  explicit operator bool() const noexcept { return box_ != nullptr; }

  /// Calls the handler, whose memory was given back before.
  void operator()(Arguments... arguments) { std::exchange(box_, nullptr)->call(std::forward<Arguments>(arguments)...); }

  /// The associated executor, or `otherwise`.
  asio::any_io_executor get_executor(const asio::any_io_executor& otherwise) const {
    return box_->get_executor(otherwise);
  }

  using allocator_type = detail::HandlerAllocator<void>;
  allocator_type get_allocator() const noexcept { return allocator_type(box_); }

  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return box_->get_cancellation_slot(); }

 private:
  struct AnyBox : detail::HandlerMemory {
    virtual void call(Arguments... arguments) = 0;
    virtual void drop() noexcept = 0;
    virtual asio::any_io_executor get_executor(const asio::any_io_executor& otherwise) const = 0;
    virtual asio::cancellation_slot get_cancellation_slot() const noexcept = 0;

   protected:
    ~AnyBox() = default;
  };

  template <class Target>
  class Box final : public AnyBox {
   public:
    template <class Source>
    static Box* make(Source&& target) {
      auto memory = memory_of<Box>(target);
      Box* const place = memory.allocate(1);
      try {
        return ::new (static_cast<void*>(place)) Box(std::forward<Source>(target));
      } catch (...) {
        memory.deallocate(place, 1);
        throw;
      }
    }

   private:
    using Unit = detail::HandlerMemory::Unit;

    template <class Source>
    // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): it is made of what is not a Box
    explicit Box(Source&& target) : target_(std::forward<Source>(target)) {}
    ~Box() = default;

    /// The allocator for objects of type T.
    template <class T>
    static auto memory_of(const Target& target) {
      const auto allocator = detail::operation_allocator(asio::get_associated_allocator(target));
      return
          typename std::allocator_traits<std::remove_const_t<decltype(allocator)>>::template rebind_alloc<T>(allocator);
    }

    /// Gives the memory of this back, and returns the handler.
    Target take() {
      Target target(std::move(target_));
      auto memory = memory_of<Box>(target);
      this->~Box();
      memory.deallocate(this, 1);
      return target;
    }

    void call(Arguments... arguments) override { take()(std::forward<Arguments>(arguments)...); }
    void drop() noexcept override { static_cast<void>(take()); }

    asio::any_io_executor get_executor(const asio::any_io_executor& otherwise) const override {
      auto executor = asio::get_associated_executor(target_, otherwise);
      if constexpr (std::is_convertible_v<decltype(executor), asio::any_io_executor>) {
        return executor;
      } else {
        return detail::SystemExecutor(std::move(executor));
      }
    }
    asio::cancellation_slot get_cancellation_slot() const noexcept override {
      return asio::get_associated_cancellation_slot(target_);
    }

    Unit* allocate(std::size_t count) override { return memory_of<Unit>(target_).allocate(count); }
    void deallocate(Unit* place, std::size_t count) noexcept override {
      memory_of<Unit>(target_).deallocate(place, count);
    }

    Target target_;
  };

  AnyBox* box_ = nullptr;
};

}  // namespace LEASH_NAMESPACE::net

/// In place of Asio's, whose result depends on the type of the handler alone: a Handler has an executor of its own only
/// if what it was made of has one.
template <class Signature, class Executor>
struct asio::associated_executor<leash::net::Handler<Signature>, Executor> {
  using type = asio::any_io_executor;
  static type get(const leash::net::Handler<Signature>& handler, const Executor& otherwise = Executor()) {
    return handler.get_executor(otherwise);
  }
};
