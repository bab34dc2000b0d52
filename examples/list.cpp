// Lists any directory of the machine, by the name that a shell has for it: absolute, or relative to the working
// directory.

#include <cstdio>
#include <expected>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/os_path.hpp>
#include <string>

int main(int argc, char** argv) {
  const leash::Context ctx;
  try {
    // snippet: open
    auto disk = leash::take(leash::fs::DiskFS::open_root(ctx, "/", {.links = leash::fs::Links::in_root}));
    const std::string path = leash::take(leash::fs::os_path(ctx, argc > 1 ? argv[1] : "."));
    for (const auto& entry : leash::take(disk.read_dir(ctx, path))) std::puts(entry.name.c_str());
    // end snippet
  } catch (const std::bad_expected_access<leash::Error>& refused) {
    std::fprintf(stderr, "list: %s\n", to_string(refused.error()).c_str());
    return 1;
  }
  return 0;
}
