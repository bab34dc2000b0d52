#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <leash/net/stream_conformance.hpp>
#include <memory>
#include <semaphore>
#include <string_view>
#include <thread>
#include <vector>

#include "async_networks.hpp"
#include "broken_async.hpp"
#include "full_listener.hpp"
#include "support.hpp"

// That each check of streams can fail: for each, a network that breaks what it checks.

namespace {

using namespace broken;
using leash::fail;

struct StreamFault {
  std::string_view check;
  std::string_view what;
  Hooks hooks;
  bool hangs = false;
  Over over = Over::memory;
};

/// What a fault has kept from ending; let go of after its check.
struct Kept {
  std::vector<std::shared_ptr<OpenConn>> conns;
  std::vector<TransferHandler> handlers;
  std::vector<int> descriptors;
};

Kept& kept() {
  static Kept all;
  return all;
}

Hooks with(const StreamHooks& hooks) {
  return {.stream = [hooks](const Context&) { return hooks; }};
}

/// Hooks with a count of their own for each stream.
template <class Make>
Hooks counted(Make make) {
  return {.stream = [make](const Context&) { return make(std::make_shared<int>(0)); }};
}

/// The read with that number, from 1 on, gives something else than was written.
Hooks read_changes_a_byte(int number) {
  return counted([number](const std::shared_ptr<int>& count) -> StreamHooks {
    return {.read = [number, count](OpenConn& conn, Buffers buffers, TransferHandler handler) {
      char* const first = static_cast<char*>(buffers.front().data());
      conn.read(buffers, around(std::move(handler),
                                [number, count, first](TransferHandler&& inner, asio::error_code code, std::size_t n) {
                                  if (n != 0 && ++*count == number) ++*first;
                                  inner(code, n);
                                }));
    }};
  });
}

/// Reads and writes end with another code.
Hooks codes_are_changed(asio::error_code from, asio::error_code to) {
  const auto change = [from, to](TransferHandler&& inner, asio::error_code code, std::size_t count) {
    inner(code == from ? to : code, count);
  };
  return with(
      {.read = [change](OpenConn& conn, Buffers buffers,
                        TransferHandler handler) { conn.read(buffers, around(std::move(handler), change)); },
       .write = [change](OpenConn& conn, ConstBuffers buffers,
                         TransferHandler handler) { conn.write(buffers, around(std::move(handler), change)); }});
}

Hooks reads_know_only_how_to_call() {
  return with({.read = [](OpenConn& conn, Buffers buffers, TransferHandler handler) {
    conn.read(buffers, blind(std::move(handler)));
  }});
}

Hooks writes_know_only_how_to_call() {
  return with({.write = [](OpenConn& conn, ConstBuffers buffers, TransferHandler handler) {
    conn.write(buffers, blind(std::move(handler)));
  }});
}

Hooks handlers_of_reads_are_kept() {
  return with(
      {.read = [](OpenConn&, Buffers, TransferHandler handler) { kept().handlers.push_back(std::move(handler)); }});
}

Hooks deadlines_are_ignored(Direction direction) {
  return with({.set_deadline = [direction](OpenConn& conn, Direction of, Until until) -> Result<void> {
    return of == direction ? Result<void>() : conn.set_deadline(of, until);
  }});
}

Hooks deadlines_are_for_both() {
  return with({.set_deadline = [](OpenConn& conn, Direction, Until until) {
    return conn.set_deadline(Direction::both, until);
  }});
}

/// A dial that hears nothing of its Context.
void dial_without_context(leash::net::AsyncDialer& dialer, Call call, const asio::any_io_executor& executor,
                          std::string_view network, std::string_view address, DialHandler handler) {
  dialer.async_dial(Call(call.context().without_cancel(), call.site()), executor, network, address, std::move(handler));
}

Result<void> nothing(OpenConn&) { return {}; }

std::vector<StreamFault> transfer_faults() {
  return {
      {"async-transfer", "a read changes a byte", read_changes_a_byte(20)},
      {"coroutine-ping-pong", "a read changes a byte", read_changes_a_byte(20)},
      {"read-until", "a read changes a byte", read_changes_a_byte(1)},
      {"scatter-gather", "reads fill the last buffer first",
       with({.read = [](OpenConn& conn, Buffers buffers,
                        TransferHandler handler) { conn.read(buffers.last(1), std::move(handler)); }})},
      {"empty-buffers", "a stream is not open", with({.is_open = [](OpenConn&) { return false; }})},
      {"synchronous-transfer", "read_some gives something else",
       with({.read_now =
                 [](OpenConn& conn, Buffers buffers, asio::error_code& code) {
                   const std::size_t count = conn.do_read(buffers, code, {});
                   if (count != 0) ++*static_cast<char*>(buffers.front().data());
                   return count;
                 }})},
      {"write-some-writes-a-part", "write_some writes all",
       with({.write_now =
                 [](OpenConn& conn, ConstBuffers buffers, asio::error_code& code) {
                   asio::const_buffer rest = buffers.front();
                   while (rest.size() != 0 && !code) rest += conn.do_write(ConstBuffers(&rest, 1), code, {});
                   return buffers.front().size() - rest.size();
                 }}),
       true},
      {"async-read-order", "the second read changes a byte", read_changes_a_byte(2)},
  };
}

std::vector<StreamFault> handler_faults() {
  return {
      {"handler-not-inline", "what fails at once calls its handler at once",
       with({.read =
                 [](OpenConn& conn, Buffers buffers, TransferHandler handler) {
                   if (!conn.do_is_open()) return handler(asio::error::bad_descriptor, 0);
                   conn.read(buffers, std::move(handler));
                 }})},
      {"handler-called", "a read destroys its handler",
       with({.read = [](OpenConn&, Buffers, const TransferHandler&) {}})},
      {"handler-executor", "the executor of the handler is forgotten", writes_know_only_how_to_call()},
      {"handler-allocator", "memory of the handler is not given back",
       with({.read =
                 [](OpenConn& conn, Buffers buffers, TransferHandler handler) {
                   leash::net::detail::HandlerAllocator<char> allocator(handler.get_allocator());
                   static_cast<void>(allocator.allocate(8));
                   conn.read(buffers, std::move(handler));
                 }})},
      {"stream-executor",
       "a dial forgets the executor of the stream",
       {.dial = [](leash::net::AsyncDialer& dialer, Call call, const asio::any_io_executor&, std::string_view network,
                   std::string_view address,
                   DialHandler handler) { dialer.async_dial(call, network, address, std::move(handler)); }}},
  };
}

std::vector<StreamFault> cancel_faults() {
  return {
      {"cancel-read", "a read cannot be cancelled", reads_know_only_how_to_call(), true},
      {"cancel-write", "a write cannot be cancelled", writes_know_only_how_to_call(), true},
      {"cancel-stream", "cancel does nothing", with({.cancel = [](OpenConn&) {}}), true},
      {"cancelled-read-loses-nothing", "a read that was cancelled goes on",
       with({.read =
                 [](OpenConn& conn, Buffers buffers, TransferHandler handler) {
                   conn.read(buffers, around(std::move(handler), [&conn](TransferHandler&& inner, asio::error_code code,
                                                                         std::size_t count) {
                               static std::array<char, 8> lost;
                               const asio::mutable_buffer elsewhere = asio::buffer(lost);
                               if (code) conn.read(Buffers(&elsewhere, 1), TransferHandler([](auto&&...) {}));
                               inner(code, count);
                             }));
                 }}),
       true},
      {"cancel-accept",
       "an accept cannot be cancelled",
       {.accept =
            [](OpenListener& listener, Call call, const asio::any_io_executor& executor,
               AsyncListener::AcceptHandler handler) {
              listener.do_async_accept(call, executor, blind(std::move(handler)));
            }},
       true},
      {"cancelled-accept-loses-nothing",
       "an accept that was cancelled goes on",
       {.accept =
            [](OpenListener& listener, Call call, const asio::any_io_executor& executor,
               AsyncListener::AcceptHandler handler) {
              const auto go_on = [&listener](AsyncListener::AcceptHandler&& inner, Result<Stream> accepted) {
                if (!accepted) listener.async_accept(Context(), [](const Result<Stream>&) {});
                inner(std::move(accepted));
              };
              listener.do_async_accept(call, executor,
                                       AsyncListener::AcceptHandler(WrappedHandler(std::move(handler), go_on)));
            }},
       true},
      {"cancel-dial",
       "a dial cannot be cancelled",
       {.dial =
            [](leash::net::AsyncDialer& dialer, Call call, const asio::any_io_executor& executor,
               std::string_view network, std::string_view address, DialHandler handler) {
              dialer.async_dial(call, executor, network, address, blind(std::move(handler)));
            }},
       true},
  };
}

std::vector<StreamFault> deadline_faults() {
  return {
      {"async-past-deadline", "deadlines are ignored", deadlines_are_ignored(Direction::both)},
      {"deadline-ends-read", "deadlines of reads are ignored", deadlines_are_ignored(Direction::read), true},
      {"deadline-ends-write", "deadlines of writes are ignored", deadlines_are_ignored(Direction::write), true},
      {"deadline-set-while-waiting", "deadlines are ignored", deadlines_are_ignored(Direction::both), true},
      {"deadline-cleared", "a deadline lasts",
       with({.set_deadline = [](OpenConn& conn, Direction direction, Until until) -> Result<void> {
         return until ? conn.set_deadline(direction, until) : Result<void>();
       }})},
      {"read-deadline-leaves-writes", "deadlines are for both", deadlines_are_for_both()},
      {"write-deadline-leaves-reads", "deadlines are for both", deadlines_are_for_both()},
  };
}

std::vector<StreamFault> closing_faults() {
  return {
      {"close-aborts-operations", "the code is another",
       codes_are_changed(asio::error::operation_aborted, asio::error::bad_descriptor)},
      {"reset-aborts-operations", "reset does nothing", with({.reset = nothing}), true},
      {"destructor-aborts-operations", "the destructor does not close",
       with({.destroy = [](const std::shared_ptr<OpenConn>& conn) { kept().conns.push_back(conn); }}), true},
      {"close-by-another-thread", "close does nothing", with({.close = nothing}), true},
      {"destroyed-in-its-handler", "the handler of a read is not called", handlers_of_reads_are_kept(), true},
      {"async-use-after-close", "reads after close are at the end",
       codes_are_changed(asio::error::bad_descriptor, asio::error::eof)},
      {"async-double-close", "a second close succeeds", with({.close = [](OpenConn& conn) -> Result<void> {
         static_cast<void>(conn.close());
         return {};
       }})},
      {"async-half-close", "shutdown_write does nothing", with({.shutdown_write = nothing}), true},
      {"close-ends-read-of-peer", "close resets", with({.close = [](OpenConn& conn) { return conn.reset(); }})},
      {"async-write-after-peer-close", "writes that fail succeed", codes_are_changed(asio::error::broken_pipe, {})},
      {"reset-by-peer", "reset closes", with({.reset = [](OpenConn& conn) { return conn.close(); }})},
      {"second-read", "the code is another",
       codes_are_changed(asio::error::in_progress, asio::error::operation_aborted)},
      {"second-write", "the code is another",
       codes_are_changed(asio::error::in_progress, asio::error::operation_aborted)},
      {"move-under-way", "the handler of a read is not called", handlers_of_reads_are_kept(), true},
      {"moved-from", "a read changes a byte", read_changes_a_byte(1)},
      {"async-addresses", "a stream has no address", with({.local_address = [](OpenConn&) { return Address(); }})},
  };
}

std::vector<StreamFault> opening_faults() {
  const Hooks without_context{.dial = dial_without_context};
  return {
      {"async-refused-dial",
       "a dial fails with another code",
       {.dial =
            [](leash::net::AsyncDialer& dialer, Call, const asio::any_io_executor& executor, std::string_view,
               std::string_view,
               DialHandler handler) { dialer.async_dial(Context(), executor, "no network", "", std::move(handler)); }}},
      {"async-address-in-use",
       "a bind fails with another code",
       {.bind =
            [bound = std::make_shared<bool>()](leash::net::AsyncBinder& binder, Call call, std::string_view network,
                                               std::string_view address, BindHandler handler) {
              binder.async_bind(call, std::exchange(*bound, true) ? "no network" : network, address,
                                std::move(handler));
            }}},
      {"done-context-refuses", "a dial hears nothing of its Context", without_context},
      {"context-ends-dial", "a dial hears nothing of its Context", without_context, true},
      {"context-ends-accept",
       "an accept hears nothing of its Context",
       {.accept =
            [](OpenListener& listener, Call call, const asio::any_io_executor& executor,
               AsyncListener::AcceptHandler handler) {
              const Context context = call.context().without_cancel();
              listener.do_async_accept(Call(context, call.site()), executor, std::move(handler));
            }},
       true},
      {"stream-outlives-its-context",
       "a stream ends with its Context",
       {.stream = [](const Context& context) -> StreamHooks {
         return {.write = [context](OpenConn& conn, ConstBuffers buffers, TransferHandler handler) {
           if (context.done()) static_cast<void>(conn.close());
           conn.write(buffers, std::move(handler));
         }};
       }}},
      {"close-ends-async-accepts",
       "close of a listener does nothing",
       {.close_listener = [](OpenListener&) -> Result<void> { return {}; }},
       true},
      {"async-listener-after-close",
       "a second close succeeds",
       {.close_listener = [](OpenListener& listener) -> Result<void> {
         static_cast<void>(listener.do_close({}));
         return {};
       }}},
      {"accepts-at-once",
       "a second accept fails",
       {.accept =
            [accepts = std::make_shared<int>(0)](OpenListener& listener, Call call,
                                                 const asio::any_io_executor& executor,
                                                 AsyncListener::AcceptHandler handler) {
              if (++*accepts == 2) static_cast<void>(listener.do_close({}));
              listener.do_async_accept(call, executor, std::move(handler));
            }}},
      {"execution-context-destroyed-first", "the handler of a read stays", handlers_of_reads_are_kept()},
      {"streams-destroyed-first", "the handler of a read stays", handlers_of_reads_are_kept()},
      {"execution-context-descriptors", "the destructor does not close",
       with({.destroy = [](const std::shared_ptr<OpenConn>& conn) { kept().conns.push_back(conn); }}), false,
       Over::tcp},
      {"async-close-descriptors", "close leaves a descriptor",
       with({.close =
                 [](OpenConn& conn) {
                   kept().descriptors.push_back(::fcntl(conn.do_native_handle(), F_DUPFD_CLOEXEC, 0));
                   return conn.close();
                 }}),
       false, Over::tcp},
  };
}

/// Checks that the check of the fault finds it.
void must_be_found(const StreamFault& fault) {
  INFO(fault.check, ": ", fault.what);
  leash::net::MemoryNetwork network;
  const FullListener full(network, network, "full:80");
  leash::net::ConformanceOptions options{.only = {std::string(fault.check)}};
  if (fault.over == Over::memory) options.unanswered = full.address();
  if (fault.hangs) options.limit = 300ms;
  const auto make = fault.over == Over::memory ? memory_async(network) : leash::net::MakeAsyncNetwork(tcp_async);
  const auto failures = leash::net::check_stream(broken_async(make, fault.hooks), options);
  CHECK(!failures.empty());
  for (const auto& failure : failures) {
    CHECK_MESSAGE(failure.check == fault.check, failure);
    CHECK_MESSAGE(failure.happened.starts_with("it hangs") == fault.hangs, failure);
  }
  kept().handlers.clear();
  kept().conns.clear();
  for (const int descriptor : kept().descriptors) ::close(descriptor);
  kept().descriptors.clear();
}

std::vector<std::vector<StreamFault>> all_faults() {
  return {transfer_faults(), handler_faults(), cancel_faults(), deadline_faults(), closing_faults(), opening_faults()};
}

}  // namespace

TEST_CASE("Stream conformance: each check finds what is broken") {
  for (const auto& faults : all_faults()) {
    for (const StreamFault& fault : faults) must_be_found(fault);
  }
}

TEST_CASE("Stream conformance: a member that blocks is found, and its thread left behind") {
  const auto network = std::make_shared<leash::net::MemoryNetwork>();
  const auto may_go_on = std::make_shared<std::binary_semaphore>(0);
  const auto make = [network](const asio::any_io_executor& executor) { return memory_async(*network)(executor); };
  const long users = network.use_count();
  const auto blocking_reset = [may_go_on](OpenConn& conn) {
    may_go_on->acquire();
    return conn.reset();
  };
  const auto failures =
      leash::net::check_stream(broken_async(leash::net::MakeAsyncNetwork(make), with({.reset = blocking_reset})),
                               {.only = {"reset-aborts-operations"}, .limit = 300ms});
  REQUIRE(failures.size() == 1);
  CHECK(failures[0].happened == "one does; its thread was left behind");
  may_go_on->release();
  // The thread has the network until it ends.
  while (network.use_count() != users) std::this_thread::yield();
}

TEST_CASE("Stream conformance: for each check there is something broken") {
  std::vector<std::string_view> broken;
  for (const auto& faults : all_faults()) {
    for (const StreamFault& fault : faults) broken.push_back(fault.check);
  }
  for (const std::string_view name : leash::net::stream_checks()) {
    CHECK_MESSAGE(std::ranges::find(broken, name) != broken.end(), name);
  }
}
