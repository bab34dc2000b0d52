#pragma once

#include <cstddef>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/net/endpoint.hpp>
#include <leash/result.hpp>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace LEASH_NAMESPACE::net::detail {

/// Decides which of several addresses a dial tries, and when (Happy Eyeballs, RFC 8305): the families alternate (§4);
/// the next attempt begins 250 ms after the last one, or at once when one fails (§5); the first that connects wins.
/// Without I/O and without a clock: a driver tells it what has happened, and does what it says.
///
///     for (;;) {
///       while (auto attempt = plan.expired(now)) …close that socket…
///       while (auto attempt = plan.next(now)) …begin to connect to plan.endpoint(*attempt)…
///       if (plan.over()) break;
///       …wait for a socket, at most until plan.wake_at()…
///       …plan.connected(attempt) or plan.failed(attempt, code)…
///     }
///
/// An attempt has a share of the time up to the deadline, as in Go: what is left, divided by the addresses that are
/// left, but two seconds at least. Shares end attempts; they delay none.
///
/// At most 32 attempts are under way at once, however many addresses a resolver gives: the next one begins when one of
/// them ends.
class DialPlan {
 public:
  using Time = Clock::time_point;

  static constexpr Clock::duration attempt_delay = std::chrono::milliseconds(250);
  static constexpr Clock::duration least_share = std::chrono::seconds(2);
  static constexpr std::ptrdiff_t most_pending = 32;

  /// `endpoints` are at least one, in the order in which the resolver prefers them.
  DialPlan(std::vector<Endpoint> endpoints, std::optional<Time> deadline);

  /// The number of the attempt to begin now, if there is one. The driver then calls one of `connected`, `failed` and
  /// `starved`, at once or later.
  [[nodiscard]] std::optional<std::size_t> next(Time now);

  /// The number of an attempt whose share is over, if there is one: it has failed, and the driver closes its socket.
  [[nodiscard]] std::optional<std::size_t> expired(Time now);

  /// When to call `next` and `expired` again, if nothing else happens before; none if they have nothing to wait for.
  std::optional<Time> wake_at() const;

  const Endpoint& endpoint(std::size_t attempt) const noexcept { return attempts_[attempt].endpoint; }

  /// Whether the attempt is under way.
  bool pending(std::size_t attempt) const noexcept { return attempts_[attempt].state == State::pending; }

  void connected(std::size_t attempt) noexcept;
  void failed(std::size_t attempt, std::error_code code, std::string_view detail = {});

  /// The attempt got no descriptor. While another one is under way it is begun again, when that has ended or 250 ms
  /// later; else it has failed.
  void starved(std::size_t attempt, std::error_code code);

  /// Whether an attempt has connected, or all have failed.
  bool over() const noexcept;
  std::optional<std::size_t> winner() const noexcept { return winner_; }

  /// The error of a dial to `subject` that is over without a winner: the first failure, with all as its causes.
  [[nodiscard]] std::unexpected<Error> failure(std::string_view subject) const;

  /// The error of a dial that its Context has ended with `why`: its code and causes, those of what failed before, and
  /// what was still under way.
  [[nodiscard]] std::unexpected<Error> ended(std::string_view subject, const Error& why) const;

 private:
  enum class State : unsigned char { waiting, pending, over };
  struct Attempt {
    Endpoint endpoint;
    State state = State::waiting;
    std::optional<Time> share_end = {};  ///< Of one that is pending.
  };

  void end(std::size_t attempt) noexcept;
  std::size_t first_waiting() const noexcept;
  std::ptrdiff_t pending_count() const noexcept;

  std::vector<Attempt> attempts_;
  const std::optional<Time> deadline_;
  std::optional<Time> next_start_;  ///< When the next attempt may begin; none: at once.
  std::optional<std::size_t> winner_;
  std::vector<Error> failures_;  ///< In the order in which they happened.
};

}  // namespace LEASH_NAMESPACE::net::detail
