#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace bench {

/// How much memory of this process is resident.
inline double resident_bytes() {
  std::ifstream pages("/proc/self/statm");
  std::size_t size = 0;
  std::size_t resident = 0;
  pages >> size >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace bench
