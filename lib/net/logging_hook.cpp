#include <leash/detail/escape.hpp>
#include <leash/detail/reason_of.hpp>
#include <leash/net/detail/network_address.hpp>
#include <leash/net/logging_hook.hpp>
#include <stdexcept>
#include <string>
#include <utility>

namespace LEASH_NAMESPACE::net {
namespace {

using leash::detail::escape;

/// What an operation is on.
std::string subject_of(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::dial:
    case OperationKind::bind:
      return std::string(operation.network).append(1, ' ').append(operation.address);
    case OperationKind::listener_accept:
    case OperationKind::listener_close:
    case OperationKind::listener_release:
      return to_string(*operation.local);
    default:
      return detail::ends(*operation.local, *operation.remote);
  }
}

/// How many bytes of how many were read or written; of a failure that moved none, how many were asked for.
std::string transfer_of(const Operation& operation, std::uint64_t asked, bool succeeded) {
  const std::uint64_t count = succeeded || operation.transferred != 0 ? operation.transferred : asked;
  std::string text = std::to_string(count);
  if (count != asked) text.append(" of ").append(std::to_string(asked));
  return text.append(" bytes");
}

/// What `set_deadline` was asked for: `read, in 1500 ms`.
std::string deadline_of(const Operation& operation) {
  std::string text;
  if (operation.direction == Direction::read) text = "read, ";
  if (operation.direction == Direction::write) text = "write, ";
  if (!operation.deadline) return text.append("none");
  const Clock::time_point now = operation.context.clock()->now();
  if (*operation.deadline <= now) return text.append("past");
  // No clock is before its epoch, so that this does not overflow.
  const Clock::duration left = *operation.deadline - now;
  return text.append("in ").append(std::to_string(left.count() / 1'000'000)).append(" ms");
}

/// What there is to tell of an operation besides what it is on; may be empty.
std::string more_of(const Operation& operation, std::uint64_t asked, bool succeeded) {
  switch (operation.kind) {
    case OperationKind::dial:
      return operation.remote == nullptr ? "" : detail::ends(*operation.local, *operation.remote);
    case OperationKind::bind:
      return operation.local == nullptr ? "" : to_string(*operation.local);
    case OperationKind::listener_accept:
      return operation.remote == nullptr ? "" : "from " + to_string(*operation.remote);
    case OperationKind::conn_read:
    case OperationKind::conn_write:
    case OperationKind::conn_readv:
    case OperationKind::conn_writev:
      return transfer_of(operation, asked, succeeded);
    case OperationKind::conn_set_deadline:
      return deadline_of(operation);
    case OperationKind::conn_note:
      return std::string(operation.note);
    default:
      return {};
  }
}

}  // namespace

LoggingHook::LoggingHook(Function<void(std::string_view line)> log) : log_(std::move(log)) {
  if (!log_) throw std::logic_error("leash: LoggingHook: the function to log with is empty");
}

Result<void> LoggingHook::around(Operation& operation, Next next) {
  const std::uint64_t asked = operation.size;
  Result<void> result = next();
  tell(operation, asked, result);
  return result;
}

void LoggingHook::tell(const Operation& operation, std::uint64_t asked, const Result<void>& result) const {
  std::string line = escape(operation.site.file_name()) + ':' + std::to_string(operation.site.line()) + ": ";
  line.append(to_string(operation.kind)).append(1, ' ').append(escape(subject_of(operation)));
  const std::string more = more_of(operation, asked, result.has_value());
  if (!more.empty()) line.append(": ").append(escape(more));
  if (!result) {
    const Error plain = operation.fail(result.error().code()).error();
    line.append(": ").append(leash::detail::reason_of(result.error(), plain));
  }
  log_(line);
}

}  // namespace LEASH_NAMESPACE::net
