#include <doctest/doctest.h>

#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>

TEST_CASE("a fixture is read back") {
  leash::fs::MemoryFS memory{{"data.csv", "hello"}, {"logs/today.txt", "ok"}};
  CHECK(leash::fs::read_file(leash::Context(), memory, "data.csv").value() == "hello");
  CHECK(memory.dump() == "data.csv \"hello\"\nlogs/\nlogs/today.txt \"ok\"\n");
}
