#include <fcntl.h>
#include <unistd.h>

// A library that opens a file when it is loaded, and closes it when the process ends.

int kept_by_library();

namespace {

struct Kept {
  int number = ::open("/etc/hosts", O_RDONLY | O_CLOEXEC);
  Kept() = default;
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { ::close(number); }
};

const Kept kept;

}  // namespace

int kept_by_library() { return kept.number; }
