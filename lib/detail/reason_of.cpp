#include <leash/detail/reason_of.hpp>

namespace LEASH_NAMESPACE::detail {

std::string reason_of(const Error& error, const Error& plain) {
  const std::string text = to_string(error);
  const std::string said = to_string(plain);
  const std::string_view known = std::string_view(said).substr(0, said.size() - error.code().message().size());
  return text.starts_with(known) ? text.substr(known.size()) : text;
}

}  // namespace LEASH_NAMESPACE::detail
