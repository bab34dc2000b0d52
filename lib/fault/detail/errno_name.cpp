#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <leash/fault/detail/errno_name.hpp>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

struct ErrnoName {
  int number;
  std::string_view name;
};

constexpr std::array errno_names = {
    ErrnoName{EACCES, "EACCES"},
    ErrnoName{EADDRINUSE, "EADDRINUSE"},
    ErrnoName{EADDRNOTAVAIL, "EADDRNOTAVAIL"},
    ErrnoName{EAGAIN, "EAGAIN"},
    ErrnoName{EBADF, "EBADF"},
    ErrnoName{EBADMSG, "EBADMSG"},
    ErrnoName{EBUSY, "EBUSY"},
    ErrnoName{ECANCELED, "ECANCELED"},
    ErrnoName{ECONNABORTED, "ECONNABORTED"},
    ErrnoName{ECONNREFUSED, "ECONNREFUSED"},
    ErrnoName{ECONNRESET, "ECONNRESET"},
    ErrnoName{EDEADLK, "EDEADLK"},
    ErrnoName{EDQUOT, "EDQUOT"},
    ErrnoName{EEXIST, "EEXIST"},
    ErrnoName{EFAULT, "EFAULT"},
    ErrnoName{EFBIG, "EFBIG"},
    ErrnoName{EHOSTUNREACH, "EHOSTUNREACH"},
    ErrnoName{EINTR, "EINTR"},
    ErrnoName{EINVAL, "EINVAL"},
    ErrnoName{EIO, "EIO"},
    ErrnoName{EISDIR, "EISDIR"},
    ErrnoName{ELOOP, "ELOOP"},
    ErrnoName{EMFILE, "EMFILE"},
    ErrnoName{EMLINK, "EMLINK"},
    ErrnoName{ENAMETOOLONG, "ENAMETOOLONG"},
    ErrnoName{ENETDOWN, "ENETDOWN"},
    ErrnoName{ENETRESET, "ENETRESET"},
    ErrnoName{ENETUNREACH, "ENETUNREACH"},
    ErrnoName{ENFILE, "ENFILE"},
    ErrnoName{ENOBUFS, "ENOBUFS"},
    ErrnoName{ENODEV, "ENODEV"},
    ErrnoName{ENOENT, "ENOENT"},
    ErrnoName{ENOLCK, "ENOLCK"},
    ErrnoName{ENOMEM, "ENOMEM"},
    ErrnoName{ENOSPC, "ENOSPC"},
    ErrnoName{ENOSYS, "ENOSYS"},
    ErrnoName{ENOTCONN, "ENOTCONN"},
    ErrnoName{ENOTDIR, "ENOTDIR"},
    ErrnoName{ENOTEMPTY, "ENOTEMPTY"},
    ErrnoName{ENOTSUP, "ENOTSUP"},
    ErrnoName{ENXIO, "ENXIO"},
    ErrnoName{EOVERFLOW, "EOVERFLOW"},
    ErrnoName{EPERM, "EPERM"},
    ErrnoName{EPIPE, "EPIPE"},
    ErrnoName{EPROTO, "EPROTO"},
    ErrnoName{ERANGE, "ERANGE"},
    ErrnoName{EROFS, "EROFS"},
    ErrnoName{ESPIPE, "ESPIPE"},
    ErrnoName{ESTALE, "ESTALE"},
    ErrnoName{ETIMEDOUT, "ETIMEDOUT"},
    ErrnoName{ETXTBSY, "ETXTBSY"},
    ErrnoName{EXDEV, "EXDEV"},
};

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array duration_units = {
    DurationUnit{"h", 3'600'000'000'000}, DurationUnit{"m", 60'000'000'000}, DurationUnit{"s", 1'000'000'000},
    DurationUnit{"ms", 1'000'000},        DurationUnit{"us", 1'000},         DurationUnit{"ns", 1},
};

}  // namespace

std::string errno_name(std::errc code) {
  for (const ErrnoName& each : errno_names) {
    if (each.number == static_cast<int>(code)) return std::string(each.name);
  }
  return std::to_string(static_cast<int>(code));
}

std::optional<std::errc> errno_named(std::string_view name) noexcept {
  for (const ErrnoName& each : errno_names) {
    if (each.name == name) return static_cast<std::errc>(each.number);
  }
  constexpr int most = 4095;
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size() || number < 1 || number > most) return std::nullopt;
  return static_cast<std::errc>(number);
}

std::string duration_text(std::chrono::nanoseconds duration) {
  for (const DurationUnit& unit : duration_units) {
    if (duration.count() != 0 && duration.count() % unit.nanoseconds == 0) {
      return std::to_string(duration.count() / unit.nanoseconds).append(unit.name);
    }
  }
  return "0s";
}

std::optional<std::chrono::nanoseconds> duration_named(std::string_view text) noexcept {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count < 0) return std::nullopt;
  const std::string_view name(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const DurationUnit& unit : duration_units) {
    if (unit.name == name && count <= INT64_MAX / unit.nanoseconds) {
      return std::chrono::nanoseconds(count * unit.nanoseconds);
    }
  }
  return std::nullopt;
}

}  // namespace LEASH_NAMESPACE::fault::detail
