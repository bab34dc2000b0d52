#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <leash/os/descriptor.hpp>
#include <leash/os/terminal.hpp>
#include <optional>
#include <string>

namespace os = leash::os;

namespace {

/// A terminal of the kernel's with so many columns.
struct Terminal {
  explicit Terminal(unsigned short columns) : controller(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(controller);
    REQUIRE(::grantpt(controller.get()) == 0);
    REQUIRE(::unlockpt(controller.get()) == 0);
    end = os::Descriptor(::open(::ptsname(controller.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(end);
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(controller.get(), TIOCSWINSZ, &size) == 0);
  }

  os::Descriptor controller;
  os::Descriptor end;
};

/// A variable of the environment, which has its value again at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name); before != nullptr) before_ = before;
    set(value);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }

  void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a terminal tells its width, and what is none has no width") {
  CHECK(os::terminal_width(Terminal(132).end.get()) == 132);
  // As many that are no windows say.
  CHECK(os::terminal_width(Terminal(0).end.get()) == std::nullopt);
  const os::Descriptor file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  errno = EAGAIN;
  CHECK(os::terminal_width(file.get()) == std::nullopt);
  CHECK(errno == EAGAIN);
  CHECK(os::terminal_width(-1) == std::nullopt);
}

TEST_CASE("colours are for terminals, but not for dumb ones, nor against NO_COLOR") {
  const Terminal terminal(80);
  const os::Descriptor file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  Variable term("TERM", "xterm");
  Variable no_color("NO_COLOR", nullptr);
  CHECK(os::takes_color(terminal.end.get()));
  CHECK_FALSE(os::takes_color(file.get()));
  no_color.set("1");
  CHECK_FALSE(os::takes_color(terminal.end.get()));
  // Said of an empty one: as if it were not set.
  no_color.set("");
  CHECK(os::takes_color(terminal.end.get()));
  term.set("dumb");
  CHECK_FALSE(os::takes_color(terminal.end.get()));
  term.set(nullptr);
  CHECK_FALSE(os::takes_color(terminal.end.get()));
}
