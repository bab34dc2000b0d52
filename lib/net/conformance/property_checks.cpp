#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

void addresses(Trial& t) {
  const auto [here, there] = t.ends();
  const Address local = here.local_address();
  const Address remote = here.remote_address();
  const auto expect_agreement = [&t, &here, &there](std::string_view when) {
    const std::string wanted = name_of(here);
    const std::string got = to_string(there.remote_address()) + " -> " + to_string(there.local_address());
    t.expect(wanted == got, "the peer of " + wanted + " to have the same two addresses" + std::string(when),
             "it has " + got);
  };
  expect_agreement("");
  t.must(here.close(), "close");
  t.must(there.close(), "the peer's close");
  t.expect(here.local_address() == local && here.remote_address() == remote,
           "the addresses to stay what they were after close", "they are " + name_of(here));
  expect_agreement(" after close");
}

void errors_name_the_connection(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string name = name_of(here);
  t.must(here.set_deadline(t.past()), "set_deadline");
  t.expect_names(t.error_of(read_some(here), timed_out, "a read after its deadline"), "read", name);
  t.expect_names(t.error_of(here.write("x"), timed_out, "a write after its deadline"), "write", name);
  t.must(here.close(), "close");
  t.expect_names(t.error_of(read_some(here), closed, "read after close"), "read", name);
  t.expect_names(t.error_of(here.write("x"), closed, "write after close"), "write", name);
  t.expect_names(t.error_of(here.close_write(), closed, "close_write after close"), "close_write", name);
  t.expect_names(t.error_of(here.close(), closed, "a second close"), "close", name);
  t.expect_names(t.error_of(here.reset(), closed, "reset after close"), "reset", name);
  t.expect_names(t.error_of(here.release(), closed, "release after close"), "release", name);
  const Error error = t.error_of(here.set_deadline(std::nullopt), closed, "set_deadline after close");
  t.expect_names(error, "set_deadline", name);
}

void note(Trial& t) {
  const auto [here, there] = t.ends();
  here.note("GET /index");
  here.note("");
  expect_transfer(t, here, there, "x", "after note");
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read without data");
  here.note("while a read waits");
  t.must(there.write("y"), "the peer's write");
  t.expect_text(t.must(reader.get(), "a read"), "y", "a read");
}

void native_handle(Trial& t) {
  Conn& here = t.ends().here;
  const int number = here.native_handle();
  if (number != -1) {
    t.expect(::fcntl(number, F_GETFD) != -1, "native_handle to be an open descriptor, or -1",
             "it is " + std::to_string(number) + ", which is not open");
  }
  t.must(here.close(), "close");
  t.expect(here.native_handle() == -1, "native_handle after close to be -1",
           "it is " + std::to_string(here.native_handle()));
}

/// A descriptor that a connection has let go of.
class Released {
 public:
  explicit Released(int number) noexcept : number_(number) {}
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
  ~Released() { ::close(number_); }

  [[nodiscard]] bool is_open() const noexcept { return ::fcntl(number_, F_GETFD) != -1; }
  [[nodiscard]] bool waits() const noexcept { return (::fcntl(number_, F_GETFL) & O_NONBLOCK) == 0; }
  [[nodiscard]] bool write(std::string_view text) const noexcept {
    return ::write(number_, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  }

 private:
  int number_;
};

void release(Trial& t) {
  const auto [here, there] = t.ends();
  if (here.native_handle() == -1) {
    const auto refused = std::errc::operation_not_supported;
    t.must_fail(here.release(), refused, "release of a connection without a descriptor");
    expect_transfer(t, here, there, "x", "after a release that was refused");
    t.must(here.close(), "close after a release that was refused");
    return;
  }
  const int number = here.native_handle();
  const int given = t.must(here.release(), "release");
  const Released released(given);
  t.expect(given == number, "release to return the descriptor " + std::to_string(number),
           "it returned " + std::to_string(given));
  t.expect(here.native_handle() == -1, "native_handle after release to be -1",
           "it is " + std::to_string(here.native_handle()));
  t.must_fail(read_some(here), closed, "a read after release");
  t.must_fail(here.write("x"), closed, "a write after release");
  t.must_fail(here.close(), closed, "close after release");
  t.must_fail(here.release(), closed, "a second release");
  t.destroy(here);
  if (!released.is_open()) t.abandon("a released descriptor to stay open", "it is closed");
  t.expect(!released.waits(), "a released descriptor to be in non-blocking mode", "it is not");
  t.expect(released.write("raw"), "a released descriptor to work", "a write of it failed");
  t.expect_text(t.must(read_up_to(there, 3), "the peer's read"), "raw", "the peer's read after release");
}

void release_ends_waiting_read(Trial& t) {
  Conn& here = t.ends().here;
  if (here.native_handle() == -1) return;
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read without data");
  const Released released(t.must(here.release(), "release"));
  t.must_fail(reader.get(), closed, "a read that waits when the descriptor is released");
}

void release_ends_waiting_write(Trial& t) {
  Conn& here = t.ends().here;
  if (here.native_handle() == -1) return;
  auto writer = t.start([&here, data = t.plenty()] { return here.write(data); });
  writer.must_wait("a write that nobody reads");
  const Released released(t.must(here.release(), "release"));
  t.must_fail(writer.get(), closed, "a write that waits when the descriptor is released");
}

void outlives_its_context(Trial& t) {
  auto [context, source] = t.context().with_cancel();
  const auto [here, there] = t.ends(context);
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read without data");
  source.cancel();
  reader.must_wait("a read whose connection was made with a Context that is cancelled");
  t.must(there.write("x"), "a write after the Context was cancelled");
  t.expect_text(t.must(reader.get(), "a read after the Context was cancelled"), "x", "a read");
}

}  // namespace

std::vector<Check> property_checks() {
  return {
      {"addresses", addresses},
      {"errors-name-the-connection", errors_name_the_connection},
      {"note", note},
      {"native-handle", native_handle},
      {"release", release},
      {"release-ends-waiting-read", release_ends_waiting_read},
      {"release-ends-waiting-write", release_ends_waiting_write},
      {"outlives-its-context", outlives_its_context},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
