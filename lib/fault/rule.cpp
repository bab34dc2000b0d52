#include <leash/fault/rule.hpp>
#include <leash/track/report/wildcard.hpp>

namespace LEASH_NAMESPACE::fault {

bool Rule::fits(const Point& point) const {
  using track::detail::is_like;
  if (line != 0 && line != point.site.line()) return false;
  if (offset && (*offset < point.offset || *offset - point.offset >= point.size)) return false;
  if (!is_like(point.operation, operation)) {
    const std::size_t colons = point.operation.rfind("::");
    if (colons == std::string_view::npos || !is_like(point.operation.substr(colons + 2), operation)) return false;
  }
  if (subject != "*" && !is_like(point.subject, subject)) return false;
  return file.empty() || track::detail::file_is_like(point.site.file_name(), file);
}

}  // namespace LEASH_NAMESPACE::fault
