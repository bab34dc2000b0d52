#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <string>

namespace LEASH_NAMESPACE::net::conformance {

void expect_transfer(Trial& trial, Conn& from, Conn& to, std::string_view text, std::string_view when) {
  const std::string read = "a read " + std::string(when);
  // Whoever fails, ends the other one.
  auto writer = trial.start([&] { trial.must(from.write(text), "a write " + std::string(when)); });
  trial.expect_text(trial.must(read_up_to(to, text.size()), read), text, read);
  writer.get();
}

void expect_works(Trial& trial, const Ends& ends, std::string_view when) {
  expect_transfer(trial, ends.here, ends.there, "there", when);
  expect_transfer(trial, ends.there, ends.here, "back", when);
}

void expect_end(Trial& trial, const Result<std::string>& read, std::string_view what) {
  const std::size_t count = trial.must(read, what).size();
  trial.expect(count == 0, std::string(what) + " to give 0 bytes", "it gave " + std::to_string(count));
}

}  // namespace LEASH_NAMESPACE::net::conformance
