#include <algorithm>
#include <leash/net/detail/dial_plan.hpp>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net::detail {
namespace {

/// The first of each family by turns, beginning with the family of the first.
std::vector<Endpoint> interleaved(std::vector<Endpoint> endpoints) {
  const bool first_is_v6 = endpoints.front().address.is_v6();
  std::vector<Endpoint> other;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.address.is_v6() != first_is_v6) other.push_back(endpoint);
  }
  std::erase_if(endpoints, [&](const Endpoint& endpoint) { return endpoint.address.is_v6() != first_is_v6; });
  std::vector<Endpoint> all;
  for (std::size_t at = 0; at < std::max(endpoints.size(), other.size()); ++at) {
    if (at < endpoints.size()) all.push_back(endpoints[at]);
    if (at < other.size()) all.push_back(other[at]);
  }
  return all;
}

}  // namespace

DialPlan::DialPlan(std::vector<Endpoint> endpoints, std::optional<Time> deadline) : deadline_(deadline) {
  for (const Endpoint& endpoint : interleaved(std::move(endpoints))) attempts_.push_back({.endpoint = endpoint});
}

std::size_t DialPlan::first_waiting() const noexcept {
  const auto found = std::ranges::find(attempts_, State::waiting, &Attempt::state);
  return static_cast<std::size_t>(found - attempts_.begin());
}

std::ptrdiff_t DialPlan::pending_count() const noexcept {
  return std::ranges::count(attempts_, State::pending, &Attempt::state);
}

std::optional<std::size_t> DialPlan::next(Time now) {
  const std::size_t attempt = first_waiting();
  if (winner_ || attempt == attempts_.size()) return std::nullopt;
  const std::ptrdiff_t under_way = pending_count();
  if (under_way >= most_pending) return std::nullopt;
  if (under_way != 0 && next_start_ && now < *next_start_) return std::nullopt;
  attempts_[attempt].state = State::pending;
  attempts_[attempt].share_end.reset();
  next_start_ = now + attempt_delay;
  if (deadline_) {
    const Clock::duration left = std::max(*deadline_ - now, Clock::duration::zero());
    const auto addresses = static_cast<Clock::duration::rep>(attempts_.size() - attempt);
    const Clock::duration share = std::max(left / addresses, least_share);
    if (share < left) attempts_[attempt].share_end = now + share;
  }
  return attempt;
}

std::optional<std::size_t> DialPlan::expired(Time now) {
  for (std::size_t attempt = 0; attempt < attempts_.size(); ++attempt) {
    if (!pending(attempt) || !attempts_[attempt].share_end || now < *attempts_[attempt].share_end) continue;
    failed(attempt, std::make_error_code(std::errc::timed_out));
    return attempt;
  }
  return std::nullopt;
}

std::optional<DialPlan::Time> DialPlan::wake_at() const {
  std::optional<Time> time;
  const auto note = [&](const std::optional<Time>& other) {
    if (other && (!time || *other < *time)) time = other;
  };
  if (pending_count() < most_pending && first_waiting() != attempts_.size()) note(next_start_);
  for (const Attempt& attempt : attempts_) {
    if (attempt.state == State::pending) note(attempt.share_end);
  }
  return time;
}

void DialPlan::end(std::size_t attempt) noexcept {
  attempts_[attempt].state = State::over;
  next_start_.reset();
}

void DialPlan::connected(std::size_t attempt) noexcept {
  end(attempt);
  winner_ = attempt;
}

void DialPlan::failed(std::size_t attempt, std::error_code code, std::string_view detail) {
  end(attempt);
  failures_.emplace_back("connect", to_string(attempts_[attempt].endpoint), code, detail);
}

void DialPlan::starved(std::size_t attempt, std::error_code code) {
  attempts_[attempt].state = State::waiting;
  if (pending_count() == 0) failed(attempt, code);
}

bool DialPlan::over() const noexcept {
  return winner_.has_value() ||
         std::ranges::all_of(attempts_, [](State state) { return state == State::over; }, &Attempt::state);
}

std::unexpected<Error> DialPlan::failure(std::string_view subject) const {
  const Error& first = failures_.front();
  // The only failure, of the address that the user has written: as a cause it would say the same again.
  const bool is_the_same = failures_.size() == 1 && first.subject() == subject;
  return fail("dial", subject, first.code(), is_the_same ? first.detail() : std::string_view(),
              is_the_same ? std::vector<Error>() : failures_);
}

std::unexpected<Error> DialPlan::ended(std::string_view subject, const Error& why) const {
  std::string under_way;
  for (const Attempt& attempt : attempts_) {
    if (attempt.state != State::pending) continue;
    under_way += under_way.empty() ? "while connecting to " : ", ";
    under_way += to_string(attempt.endpoint);
  }
  std::vector<Error> causes(why.causes().begin(), why.causes().end());
  causes.insert(causes.end(), failures_.begin(), failures_.end());
  return fail("dial", subject, why.code(), under_way, std::move(causes));
}

}  // namespace LEASH_NAMESPACE::net::detail
