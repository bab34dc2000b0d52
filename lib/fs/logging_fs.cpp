#include <leash/detail/escape.hpp>
#include <leash/detail/reason_of.hpp>
#include <leash/fs/logging_fs.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::fs {
namespace {

using leash::detail::escape;

/// What `open` was asked for: `read, write, create`.
std::string text_of(const OpenOptions& options) {
  std::string text;
  const auto add = [&](bool is_set, std::string_view name) {
    if (is_set) text.append(text.empty() ? "" : ", ").append(name);
  };
  add(options.read, "read");
  add(options.write, "write");
  add(options.append, "append");
  add(options.create, "create");
  add(options.exclusive, "exclusive");
  add(options.truncate, "truncate");
  add(options.unnamed, "unnamed");
  add(options.directory, "directory");
  add(options.no_follow, "no_follow");
  return text;
}

/// The range of a lock, where a size of 0 has no end.
std::string range_of(const Operation& operation) {
  const std::string from = std::to_string(operation.offset);
  return operation.size == 0 ? "from " + from : std::to_string(operation.size) + " bytes at " + from;
}

/// How many bytes of how many were read or written, and where; of a failure that moved none, how many were asked for.
std::string transfer_of(const Operation& operation, std::uint64_t asked, bool succeeded) {
  const std::uint64_t count = succeeded || operation.transferred != 0 ? operation.transferred : asked;
  std::string text = std::to_string(count);
  if (count != asked) text.append(" of ").append(std::to_string(asked));
  text += " bytes";
  if (operation.offset == Operation::unknown_offset) return text;
  return text.append(" at ").append(std::to_string(operation.offset));
}

/// What an operation was about besides its paths; may be empty.
std::string amount_of(const Operation& operation, std::uint64_t asked, bool succeeded) {
  switch (operation.kind) {
    case OperationKind::file_read:
    case OperationKind::file_write:
    case OperationKind::file_read_at:
    case OperationKind::file_write_at:
      return transfer_of(operation, asked, succeeded);
    case OperationKind::file_seek:
      return "by " + std::to_string(static_cast<std::int64_t>(operation.offset));
    case OperationKind::truncate:
    case OperationKind::file_truncate:
      return "to " + std::to_string(operation.size) + " bytes";
    case OperationKind::file_allocate:
    case OperationKind::file_map:
    case OperationKind::file_try_lock:
    case OperationKind::file_lock:
    case OperationKind::file_unlock:
      return range_of(operation);
    case OperationKind::dir_read:
      return "at most " + std::to_string(asked) + " entries";
    default:
      return {};
  }
}

}  // namespace

LoggingFS::LoggingFS(FileSystem& inner, Function<void(std::string_view line)> log)
    : HookedFileSystem(inner), log_(std::move(log)) {
  if (!log_) throw std::logic_error("leash: LoggingFS: the function to log with is empty");
}

Result<void> LoggingFS::around(Operation& operation, Next next) {
  const std::uint64_t asked = operation.size;
  Result<void> result = next();
  std::string line = escape(operation.site.file_name()) + ':' + std::to_string(operation.site.line()) + ": ";
  line.append(to_string(operation.kind)).append(1, ' ').append(escape(operation.path));
  if (!operation.to.empty()) line.append(" -> ").append(escape(operation.to));
  if (!operation.target.empty()) line.append(" -> ").append(escape(operation.target));
  if (operation.kind == OperationKind::open) line.append(" (").append(text_of(*operation.options)).append(1, ')');
  const std::string amount = amount_of(operation, asked, result.has_value());
  if (!amount.empty()) line.append(": ").append(amount);
  if (!result) {
    const Error plain = operation.fail(result.error().code()).error();
    line.append(": ").append(leash::detail::reason_of(result.error(), plain));
  }
  log_(line);
  return result;
}

}  // namespace LEASH_NAMESPACE::fs
