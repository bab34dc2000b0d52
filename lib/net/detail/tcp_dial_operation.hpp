#pragma once

#include <algorithm>
#include <asio/bind_executor.hpp>
#include <asio/socket_base.hpp>
#include <atomic>
#include <exception>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/net/detail/asio_socket.hpp>
#include <leash/net/detail/async_operation.hpp>
#include <leash/net/detail/dial_driver.hpp>
#include <leash/net/detail/dial_target.hpp>
#include <leash/net/detail/resolve_address.hpp>
#include <leash/net/detail/socket_async_conn.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// One asynchronous dial over TCP or "unix".
class TcpDialOperation final : public AsyncOperation {
 public:
  using DialHandler = AsyncDialer::DialHandler;
  using Options = TcpDialer::Options;

  static void begin(Call call, const asio::any_io_executor& executor, std::string_view network,
                    std::string_view address, std::shared_ptr<const Options> options, DialHandler handler) {
    const Ref<TcpDialOperation> operation(
        new TcpDialOperation(call, executor, network, address, std::move(options), std::move(handler)));
    operation->start();
  }

 private:
  /// A socket that is connecting.
  struct Attempt {
    std::size_t number;
    AsioSocket socket;
    std::atomic<bool> ready{false};
  };

  /// The race of addresses.
  class Race final : public DialDriver {
   public:
    Race(TcpDialOperation& operation, std::vector<Endpoint> endpoints)
        : DialDriver(std::move(endpoints), operation.context_.deadline(), operation.setup_), operation_(operation) {}
    ~Race() {
      for (const auto& attempt : attempts_) close(attempt->socket);
    }

    /// Does what there is to do now.
    void go_on() {
      // In the order in which they began; of two that are ready the first wins.
      for (std::size_t at = 0; at != attempts_.size() && !plan().winner();) {
        const std::shared_ptr<Attempt> attempt = attempts_[at];
        if (!attempt->ready) {
          ++at;
          continue;
        }
        attempts_.erase(attempts_.begin() + static_cast<std::ptrdiff_t>(at));
        if (const auto local = established(attempt->number, attempt->socket.native_handle())) {
          operation_.make_conn(std::move(attempt->socket), *local, SocketAddress(plan().endpoint(attempt->number)));
        } else {
          close(attempt->socket);
        }
      }
      drive(*operation_.context_.clock());
    }

   private:
    void watch(std::size_t number, os::Descriptor descriptor) override {
      auto socket = to_asio(std::move(descriptor), family_of(plan().endpoint(number)), operation_.stream_executor_);
      if (!socket) return failed(number, socket.error());
      const auto attempt = attempts_.emplace_back(std::make_shared<Attempt>(number, *std::move(socket)));
      attempt->socket.async_wait(asio::socket_base::wait_write,
                                 asio::bind_executor(operation_.executor(), [self = Ref<TcpDialOperation>(&operation_),
                                                                             attempt](const asio::error_code& code) {
                                   if (code == asio::error::operation_aborted) return;
                                   attempt->ready = true;
                                   self->step_now();
                                 }));
    }

    void forget(std::size_t number) override {
      std::erase_if(attempts_, [number](const auto& attempt) {
        if (attempt->number == number) close(attempt->socket);
        return attempt->number == number;
      });
    }

    void won(os::Descriptor descriptor, const SocketAddress& local, const Endpoint& remote) override {
      auto socket = to_asio(std::move(descriptor), family_of(remote), operation_.stream_executor_);
      if (!socket) return operation_.fail_with(socket.error());
      operation_.make_conn(*std::move(socket), local, SocketAddress(remote));
    }

    TcpDialOperation& operation_;
    std::vector<std::shared_ptr<Attempt>> attempts_;
  };

  TcpDialOperation(Call call, const asio::any_io_executor& executor, std::string_view network, std::string_view address,
                   std::shared_ptr<const Options> options, DialHandler handler)
      : AsyncOperation(Loop::of(executor), handler.get_executor(executor)),
        context_(call.context()),
        site_(call.site()),
        stream_executor_(executor),
        network_(network),
        address_(address),
        options_(std::move(options)),
        handler_(std::move(handler)) {}

  void step() override {
    try {
      if (!std::exchange(begun_, true)) begin();
      if (!result_) go_on();
    } catch (const std::bad_alloc&) {
      fail_with(std::make_error_code(std::errc::not_enough_memory));
    } catch (const std::exception& thrown) {
      fail_with(std::make_error_code(std::errc::operation_canceled), thrown.what());
    }
    if (!result_) return;
    let_go();
    complete(std::move(handler_), *std::move(result_));
  }

  void begin() {
    if (Result<void> checked = context_.check("dial", address_); !checked) return fail_with(checked.error());
    Result<DialTarget> target = DialTarget::parse(network_, address_, *options_);
    if (!target) return fail_with(target.error());
    target_ = *std::move(target);
    setup_ = {.options = options_->socket, .local = target_.local, .control = options_->control};
    cancel_by(handler_);
    ended_ = context_.on_cancel([self = Ref<TcpDialOperation>(this)] { self->wake(); });
    if (target_.remote.is_unix()) return;
    if (target_.remote.ip) return race(std::vector{Endpoint{*target_.remote.ip, target_.remote.port}});
    Resolver& resolver = options_->resolver ? *options_->resolver : *Resolver::system();
    resolver.async_resolve(Call(context_, site_), network_, target_.remote.host,
                           [self = Ref<TcpDialOperation>(this)](Result<std::vector<IpAddress>> found) {
                             {
                               const std::lock_guard<std::mutex> lock(self->found_mutex_);
                               self->found_ = std::move(found);
                             }
                             self->wake();
                           });
  }

  void race(Result<std::vector<Endpoint>> endpoints) {
    if (endpoints) endpoints = target_.reachable(address_, *std::move(endpoints));
    if (!endpoints) return fail_with(endpoints.error());
    race_.emplace(*this, *std::move(endpoints));
  }

  /// Does what there is to do now. If that is the end, there is a result.
  void go_on() {
    if (target_.remote.is_unix()) {
      connect_unix();
    } else if (!race_) {
      std::optional<Result<std::vector<IpAddress>>> found;
      {
        const std::lock_guard<std::mutex> lock(found_mutex_);
        found = std::exchange(found_, std::nullopt);
      }
      if (found) race(resolved_address("dial", context_, address_, target_.remote, *found));
    }
    if (!result_ && race_) race_->go_on();
    if (result_) return;
    if (race_ && race_->plan().over()) return fail_with(race_->plan().failure(address_).error());
    Result<void> checked = context_.check("dial", address_);
    if (checked && cancelled()) checked = fail("dial", address_, std::errc::operation_canceled);
    if (!checked) return fail_with(race_ ? race_->plan().ended(address_, checked.error()).error() : resolving(checked));
    if (race_) wake_at(race_->plan().wake_at(), context_.clock());
  }

  /// The Error of a dial that has ended before there was an address to connect to.
  Error resolving(const Result<void>& why) const {
    if (target_.remote.is_unix()) return why.error();
    return resolved_address("dial", context_, address_, target_.remote, std::unexpected(why.error())).error();
  }

  void connect_unix() {
    auto connected = try_connect_unix(address_);
    if (!connected) return fail_with(connected.error());
    if (!*connected) {
      // Nothing tells when the backlog is no longer full; the time is the machine's, since the peer goes by that.
      back_off_ = std::min<Clock::duration>(2 * back_off_, std::chrono::milliseconds(50));
      return wake_at(Clock::real()->now() + back_off_, Clock::real());
    }
    auto socket = to_asio(std::move((*connected)->socket), AF_UNIX, stream_executor_);
    if (!socket) return fail_with(socket.error());
    make_conn(*std::move(socket), (*connected)->local, (*connected)->remote);
  }

  void wake_at(std::optional<Clock::time_point> time, const SharedClock& clock) {
    if (time == timer_time_) return;
    timer_.reset();
    timer_time_ = time;
    if (time) timer_ = clock->at(*time, [self = Ref<TcpDialOperation>(this)] { self->wake(); });
  }

  void make_conn(AsioSocket socket, const SocketAddress& local, const SocketAddress& remote) {
    const os::TagFollows tag_follows(has_tag_);
    result_ = Stream(std::make_unique<SocketAsyncConn>(std::move(socket), local, remote, context_.clock()));
  }

  void fail_with(std::error_code code, std::string_view detail = {}) { result_ = fail("dial", address_, code, detail); }
  void fail_with(const Error& error) { result_ = std::unexpected(error); }

  /// Ends all that is under way, and what wakes this.
  void let_go() noexcept {
    timer_.reset();
    ended_.reset();
    race_.reset();
  }

  void drop() noexcept override {
    let_go();
    handler_ = {};
  }

  const Context context_;
  const std::source_location site_;
  const asio::any_io_executor stream_executor_;
  const std::string network_;
  const std::string address_;
  const std::shared_ptr<const Options> options_;
  const bool has_tag_ = os::tag_follows();  ///< Whoever dials puts a tag on the stream.
  DialHandler handler_;
  bool begun_ = false;
  DialTarget target_;
  SocketSetup setup_;
  std::mutex found_mutex_;
  std::optional<Result<std::vector<IpAddress>>> found_;  ///< What the resolver says, until a step takes it.
  std::optional<Race> race_;
  Clock::duration back_off_ = std::chrono::microseconds(500);
  std::optional<Result<Stream>> result_;
  Registration ended_;
  Registration timer_;
  std::optional<Clock::time_point> timer_time_;
};

}  // namespace LEASH_NAMESPACE::net::detail
