#include <unistd.h>

#include <array>
#include <leash/fs/detail/random_name.hpp>
#include <leash/fs/path.hpp>
#include <leash/os/last_error.hpp>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

constexpr std::size_t suffix_size = 20;
constexpr int max_names = 16;

/// All in lower case, for file systems that do not tell case apart.
constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";

}  // namespace

Result<std::string> create_randomly_named(std::string_view directory, std::string_view prefix,
                                          FunctionRef<Result<void>(std::string_view path)> create) {
  if (prefix.contains('/') || prefix.contains('\0')) {
    return fail("create", directory, std::errc::invalid_argument, "prefix has a slash or NUL");
  }
  for (int attempt = 1;; ++attempt) {
    std::array<unsigned char, suffix_size> random{};
    if (::getentropy(random.data(), random.size()) != 0) return fail("getentropy", directory, os::last_error());
    std::string name(prefix);
    for (const unsigned char byte : random) name += digits[byte % digits.size()];
    std::string path = join(directory, name);
    const Result<void> created = create(path);
    if (created) return path;
    if (created.error() != std::errc::file_exists || attempt == max_names) return std::unexpected(created.error());
  }
}

}  // namespace LEASH_NAMESPACE::fs::detail
