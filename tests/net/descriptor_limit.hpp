#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <leash/os/descriptor.hpp>
#include <utility>
#include <vector>

#include "support.hpp"

/// Lets the process open `count` more descriptors than it has, until the end of the scope.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &old_) == 0);
    rlimit low = old_;
    low.rlim_cur = static_cast<rlim_t>(open_descriptors().rbegin()->first) + 1 + count;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  }
  ~DescriptorLimit() { ::setrlimit(RLIMIT_NOFILE, &old_); }

 private:
  rlimit old_{};
};

/// Fills the numbers below the highest descriptor, so that a limit on numbers is one on their count.
inline std::vector<leash::os::Descriptor> fill_gaps() {
  std::vector<leash::os::Descriptor> fillers;
  const int highest = open_descriptors().rbegin()->first;
  for (;;) {
    leash::os::Descriptor filler(::dup(0));
    if (filler.get() > highest) return fillers;
    fillers.push_back(std::move(filler));
  }
}
