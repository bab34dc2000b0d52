// Coroutines that take a Call, in all the ways that there are, do not compile; others do.

#include <coroutine>
#include <exception>
#include <leash/call.hpp>
#include <type_traits>

using leash::Call;
using leash::Context;

namespace {

struct Promise {
  std::suspend_always initial_suspend() noexcept { return {}; }
  std::suspend_always final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() { std::terminate(); }
};

struct Task {
  struct promise_type : Promise {
    Task get_return_object() { return {}; }
  };
};

Task by_value(Call) { co_return; }                     // refused
Task by_reference(Call&) { co_return; }                // refused
Task by_const_reference(const Call&) { co_return; }    // refused
Task by_rvalue(Call&&) { co_return; }                  // refused
Task not_first(int, const char*, Call) { co_return; }  // refused
Task context_by_value(Context) { co_return; }
Task context_by_reference(const Context&, int) { co_return; }
Task nothing() { co_return; }

// Who passes a Call on is no coroutine.
Task starts(Call call) { return context_by_value(call.context()); }

struct Service {
  Task member(Call) { co_return; }                     // refused
  Task const_member(Call) const { co_return; }         // refused
  static Task static_member(int, Call) { co_return; }  // refused
  Task operator()(Context) { co_return; }
};

const auto lambda = [](Call) -> Task { co_return; };  // refused
const auto lambda_with_context = [](Context) -> Task { co_return; };

template <class... Parameters>
Task forwarded(Parameters&&...) {
  co_return;
}
void forwards(Call call) {
  forwarded(1, call);  // refused
  forwarded(1, call.context());
}

template <class T>
struct Future {};

}  // namespace

// A type with traits of its own, and what it needs.
template <class T, class... Parameters>
struct std::coroutine_traits<Future<T>, Parameters...> {
  struct promise_type : Promise {
    Future<T> get_return_object() { return {}; }
  };
};
// snippet: traits
template <class T, class... Parameters>
  requires leash::takes_call<Parameters...>
struct std::coroutine_traits<Future<T>, Parameters...> : leash::RefusedCoroutine<Future<T>, Parameters...> {};
// end snippet

namespace {

Future<int> future(int, Call) { co_return; }  // refused
Future<int> future_with_context(int, Context) { co_return; }

// Traits that decide by a constraint of their own are not in the way.
struct Marked {
  static constexpr bool marked = true;
};

}  // namespace

template <class R, class... Parameters>
  requires R::marked
struct std::coroutine_traits<R, Parameters...> {
  struct promise_type : Promise {
    Marked get_return_object() { return {}; }
  };
};

namespace {

Marked constrained(int, Context) { co_return; }

}  // namespace
