// File systems over other ones, two of them written here: docs/file_systems.md shows the parts of this program.

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <leash/fs/counting_fs.hpp>
#include <leash/fs/hooked_file_system.hpp>
#include <leash/fs/logging_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/read_only_fs.hpp>
#include <leash/fs/sub_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/try.hpp>
#include <string>
#include <string_view>

namespace {

using leash::Context;
using leash::Result;
using leash::fs::FileSystem;

// snippet: quota
/// So many bytes may be written through it, and no more.
class QuotaFS final : public leash::fs::HookedFileSystem {
 public:
  QuotaFS(FileSystem& inner, std::int64_t bytes) : HookedFileSystem(inner), left_(bytes) {}

 protected:
  Result<void> around(leash::fs::Operation& operation, Next next) override {
    using Kind = leash::fs::OperationKind;
    if (operation.kind != Kind::file_write && operation.kind != Kind::file_write_at) return next();
    const auto size = static_cast<std::int64_t>(operation.size);
    if (left_.fetch_sub(size) >= size) return next();
    left_ += size;
    return operation.fail(std::errc::no_space_on_device, "over the quota");
  }

 private:
  std::atomic<std::int64_t> left_;  // Any number of threads may be in `around`.
};
// end snippet

// snippet: proxy
/// Trees are not removed through it.
class KeepingFS final : public leash::fs::ProxyFileSystem {
 public:
  using ProxyFileSystem::ProxyFileSystem;

 private:
  Result<void> do_remove_all(leash::Call call, std::string_view path) override {
    if (path.starts_with("cache/")) return ProxyFileSystem::do_remove_all(call, path);
    return leash::fail("remove_all", path, std::errc::operation_not_permitted, "not in the cache");
  }
};
// end snippet

// snippet: sub
Result<void> rotate(const Context& ctx, FileSystem& files) {
  leash::fs::SubFS logs(files, "var/logs");                  // What this function does it does there:
  LEASH_TRY(logs.rename(ctx, "today.txt", "old.txt"));       // var/logs/today.txt -> var/logs/old.txt
  return leash::fs::write_file(ctx, logs, "today.txt", "");  // var/logs/today.txt
}
// end snippet

// snippet: counting
Result<std::string> summary(const Context& ctx, FileSystem& files, std::string_view path) {
  leash::fs::CountingFS counting(files);
  LEASH_TRY(leash::fs::read_file(ctx, counting, path));
  const leash::fs::OperationCounts counts = counting.counts();
  const auto read = counts[leash::fs::OperationKind::file_read];
  return std::to_string(counts.total().calls) + " calls, " + std::to_string(read.bytes) + " bytes read";
}
// end snippet

// snippet: stack
Result<void> show(const Context& ctx, FileSystem& files) {
  leash::fs::ReadOnlyFS frozen(files);
  leash::fs::LoggingFS logging(frozen, [](std::string_view line) { std::printf("%s\n", std::string(line).c_str()); });
  LEASH_TRY(logging.stat(ctx, "var/logs/old.txt"));
  return logging.remove(ctx, "var/logs/old.txt");
}
// end snippet

Result<void> run(const Context& ctx) {
  leash::fs::MemoryFS memory{{"var/logs/today.txt", "12345"}, {"cache/a", ""}};
  LEASH_TRY(rotate(ctx, memory));
  std::printf("%s\n", LEASH_TRY(summary(ctx, memory, "var/logs/old.txt")).c_str());
  const auto frozen = show(ctx, memory);

  KeepingFS keeping(memory);
  LEASH_TRY(keeping.remove_all(ctx, "cache/a"));
  const auto kept = keeping.remove_all(ctx, "var");
  QuotaFS quota(keeping, 8);
  LEASH_TRY(leash::fs::write_file(ctx, quota, "a", "12345"));
  const auto refused = leash::fs::write_file(ctx, quota, "b", "6789");
  if (frozen || kept || refused) return leash::fail("run", "", std::errc::io_error);
  std::printf("%s\n%s\n", to_string(kept.error()).c_str(), to_string(refused.error()).c_str());
  return {};
}

}  // namespace

int main() {
  const auto done = run(Context::background());
  if (done) return 0;
  std::printf("%s\n", to_string(done.error()).c_str());
  return 1;
}
