#include <algorithm>
#include <leash/fs/detail/elements.hpp>
#include <leash/fs/errc.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

std::string_view Elements::take() {
  const std::size_t end = std::min(rest_.find('/'), rest_.size());
  const std::string_view element = rest_.substr(0, end);
  taken_has_slash_ = end != rest_.size();
  rest_.remove_prefix(std::min(rest_.find_first_not_of('/', end), rest_.size()));
  return element;
}

std::error_code Elements::expand(std::string_view target) {
  if (++followed_ > max_links) return std::make_error_code(std::errc::too_many_symbolic_link_levels);
  if (target.starts_with('/')) {
    if (links_ == Links::beneath) return make_error_code(errc::escapes_root);
    target.remove_prefix(std::min(target.find_first_not_of('/'), target.size()));
    if (target.empty()) target = ".";
  }
  std::string text(target);
  if (taken_has_slash_) text.append(1, '/').append(rest_);
  set_text(std::move(text));
  return {};
}

void Elements::restart(const std::vector<std::string>& walked) {
  std::string text;
  for (const std::string& name : walked) text.append(name).append(1, '/');
  // Without an element to come, the path is that of the directory which `walked` leads to.
  text.append(rest_.empty() ? std::string_view(".") : rest_);
  set_text(std::move(text));
}

void Elements::set_text(std::string text) {
  text_ = std::move(text);
  rest_ = text_;
  may_go_up_ = rest_.contains("..");
}

}  // namespace LEASH_NAMESPACE::fs::detail
