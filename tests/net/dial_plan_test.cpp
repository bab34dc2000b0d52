#include <leash/net/detail/dial_plan.hpp>

#include "support.hpp"

using leash::Clock;
using leash::Error;
using leash::net::Endpoint;
using leash::net::detail::DialPlan;

namespace {

using Time = DialPlan::Time;

constexpr Time start{};
const std::error_code was_refused = std::make_error_code(std::errc::connection_refused);
const std::error_code is_unreachable = std::make_error_code(std::errc::network_unreachable);
const std::error_code no_descriptor = std::make_error_code(std::errc::too_many_files_open);

DialPlan plan_for(const std::vector<std::string>& texts, std::optional<Time> deadline = std::nullopt) {
  std::vector<Endpoint> endpoints;
  for (const std::string& text : texts) endpoints.push_back(must(Endpoint::parse(text)));
  return {endpoints, deadline};
}

/// The texts of the endpoints in the order in which a plan tries them, if each fails at once.
std::vector<std::string> order_of(const std::vector<std::string>& texts) {
  DialPlan plan = plan_for(texts);
  std::vector<std::string> order;
  while (const auto attempt = plan.next(start)) {
    order.push_back(to_string(plan.endpoint(*attempt)));
    plan.failed(*attempt, was_refused);
  }
  return order;
}

std::string text_of(const std::unexpected<Error>& failure) { return to_string(failure.error()); }

}  // namespace

TEST_CASE("DialPlan: the families alternate, beginning with the first address's") {
  using Order = std::vector<std::string>;
  CHECK(order_of({"10.0.0.1:1"}) == Order{"10.0.0.1:1"});
  CHECK(order_of({"[::1]:1", "[::2]:1", "10.0.0.1:1", "10.0.0.2:1"}) ==
        Order{"[::1]:1", "10.0.0.1:1", "[::2]:1", "10.0.0.2:1"});
  CHECK(order_of({"10.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1"}) ==
        Order{"10.0.0.1:1", "[::1]:1", "[::2]:1", "[::3]:1"});
  CHECK(order_of({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "[::1]:1"}) ==
        Order{"10.0.0.1:1", "[::1]:1", "10.0.0.2:1", "10.0.0.3:1"});
}

TEST_CASE("DialPlan: the next attempt begins after 250 ms, or at once when one fails") {
  DialPlan plan = plan_for({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
  CHECK(plan.next(start) == 0);
  CHECK_FALSE(plan.next(start));
  CHECK(plan.wake_at() == start + 250ms);
  CHECK_FALSE(plan.next(start + 249ms));
  CHECK(plan.next(start + 250ms) == 1);
  CHECK_FALSE(plan.next(start + 260ms));
  plan.failed(0, was_refused);
  CHECK(plan.next(start + 260ms) == 2);
  CHECK_FALSE(plan.next(start + 509ms));
  CHECK(plan.next(start + 510ms) == 3);
  CHECK_FALSE(plan.wake_at());
  CHECK_FALSE(plan.over());
  plan.connected(2);
  CHECK(plan.over());
  CHECK(plan.winner() == 2);
  CHECK(plan.pending(1));  // the driver closes it
}

TEST_CASE("DialPlan: when all have failed, the first failure is the error and all are causes") {
  DialPlan plan = plan_for({"10.0.0.1:1", "10.0.0.2:1"});
  CHECK(plan.next(start) == 0);
  CHECK(plan.next(start + 250ms) == 1);
  plan.failed(1, is_unreachable);
  CHECK_FALSE(plan.over());
  plan.failed(0, was_refused, "why");
  CHECK(plan.over());
  CHECK_FALSE(plan.winner());
  CHECK(text_of(plan.failure("two.test:1")) ==
        "dial two.test:1: Network is unreachable; caused by connect 10.0.0.2:1: Network is unreachable, "
        "connect 10.0.0.1:1: Connection refused (why)");
  DialPlan only = plan_for({"10.0.0.1:1"});
  only.failed(only.next(start).value(), was_refused);
  CHECK(text_of(only.failure("10.0.0.1:1")) == "dial 10.0.0.1:1: Connection refused");
}

TEST_CASE("DialPlan: a share of the deadline ends an attempt, two seconds at the least, and delays no other") {
  DialPlan plan = plan_for({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1"}, start + 30s);
  CHECK(plan.next(start) == 0);
  CHECK(plan.next(start + 250ms) == 1);
  CHECK(plan.next(start + 500ms) == 2);
  CHECK(plan.wake_at() == start + 10s);
  CHECK_FALSE(plan.expired(start + 9999ms));
  CHECK(plan.expired(start + 10s) == 0);
  CHECK_FALSE(plan.expired(start + 10s));
  // The second has half of what was left when it began; the last has all, which the deadline itself ends.
  CHECK(plan.wake_at() == start + 250ms + (30s - 250ms) / 2);
  CHECK(plan.expired(start + 20s) == 1);
  CHECK_FALSE(plan.wake_at());
  CHECK_FALSE(plan.expired(start + 29s));

  DialPlan brief = plan_for({"10.0.0.1:1", "10.0.0.2:1"}, start + 3s);
  CHECK(brief.next(start) == 0);
  CHECK(brief.next(start + 250ms) == 1);
  CHECK(brief.wake_at() == start + 2s);
  DialPlan past = plan_for({"10.0.0.1:1"}, start - 1s);
  CHECK(past.next(start) == 0);
  CHECK_FALSE(past.wake_at());
}

TEST_CASE("DialPlan: an attempt without a descriptor waits while another one is under way, and else fails") {
  DialPlan plan = plan_for({"10.0.0.1:1", "10.0.0.2:1"});
  CHECK(plan.next(start) == 0);
  CHECK(plan.next(start + 250ms) == 1);
  plan.starved(1, no_descriptor);
  CHECK(plan.wake_at() == start + 500ms);
  CHECK_FALSE(plan.next(start + 499ms));
  CHECK(plan.next(start + 500ms) == 1);
  plan.starved(1, no_descriptor);
  plan.failed(0, was_refused);
  CHECK(plan.next(start + 501ms) == 1);
  plan.starved(1, no_descriptor);
  CHECK(plan.over());
  CHECK(text_of(plan.failure("x:1")) ==
        "dial x:1: Connection refused; caused by connect 10.0.0.1:1: Connection refused, "
        "connect 10.0.0.2:1: Too many open files");
}

TEST_CASE("DialPlan: at most 32 attempts are under way, and the next begins when one of them ends") {
  DialPlan plan = plan_for(std::vector<std::string>(40, "10.0.0.1:1"));
  for (std::size_t attempt = 0; attempt < 32; ++attempt) {
    CHECK(plan.wake_at() == (attempt == 0 ? std::nullopt : std::optional(start + attempt * 250ms)));
    CHECK(plan.next(start + attempt * 250ms) == attempt);
  }
  CHECK_FALSE(plan.wake_at());
  CHECK_FALSE(plan.next(start + 1h));
  plan.failed(7, was_refused);
  CHECK(plan.next(start + 1h) == 32);
  CHECK_FALSE(plan.next(start + 2h));
  plan.connected(32);
  CHECK(plan.winner() == 32);
}

TEST_CASE("DialPlan: the error at the deadline names what was under way, and what had failed") {
  DialPlan plan = plan_for({"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"});
  CHECK(plan.next(start) == 0);
  CHECK(plan.next(start + 250ms) == 1);
  plan.failed(1, was_refused);
  CHECK(plan.next(start + 250ms) == 2);
  const Error why("dial", "x:80", std::errc::timed_out);
  CHECK(text_of(plan.ended("x:80", why)) ==
        "dial x:80: Connection timed out (while connecting to 10.0.0.1:80, 10.0.0.3:80); "
        "caused by connect 10.0.0.2:80: Connection refused");
}
