#include <leash/detail/escape.hpp>
#include <leash/error.hpp>
#include <ostream>
#include <utility>

namespace LEASH_NAMESPACE {

struct Error::Detail : detail::RefCounted {
  Detail(std::string_view operation_, std::string_view subject_, std::error_code code_, std::string_view text_,
         std::vector<Error> causes_, std::uint64_t transferred_)
      : operation(operation_),
        subject(subject_),
        text(text_),
        code(code_),
        causes(std::move(causes_)),
        transferred(transferred_) {}

  std::string operation;
  std::string subject;
  std::string text;
  std::error_code code;
  mutable std::vector<Error> causes;
  std::uint64_t transferred;
};

void destroy(const Error::Detail* detail) noexcept {
  // A loop: with a recursion through `causes`, deeply nested ones would overflow the stack.
  std::vector<Error> causes = std::move(detail->causes);
  delete detail;
  while (!causes.empty()) {
    const Error::Detail* const next = causes.back().detail_.detach();
    causes.pop_back();
    if (next == nullptr || !next->drop_ref()) continue;
    for (Error& cause : next->causes) causes.push_back(std::move(cause));
    next->causes.clear();
    delete next;
  }
}

Error::Error(std::string_view operation, std::string_view subject, std::error_code code, std::string_view detail,
             std::vector<Error> causes, std::uint64_t transferred)
    : detail_(new Detail(operation, subject, code, detail, std::move(causes), transferred)) {}

Error::Error(std::string_view operation, std::string_view subject, std::errc code, std::string_view detail,
             std::vector<Error> causes, std::uint64_t transferred)
    : Error(operation, subject, std::make_error_code(code), detail, std::move(causes), transferred) {}

Error::Error(const Error&) noexcept = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

std::string_view Error::operation() const noexcept { return detail_ ? detail_->operation : std::string_view(); }
std::string_view Error::subject() const noexcept { return detail_ ? detail_->subject : std::string_view(); }
std::string_view Error::detail() const noexcept { return detail_ ? detail_->text : std::string_view(); }
std::error_code Error::code() const noexcept { return detail_ ? detail_->code : std::error_code(); }
std::span<const Error> Error::causes() const noexcept { return detail_ ? detail_->causes : std::span<const Error>(); }
std::uint64_t Error::transferred() const noexcept { return detail_ ? detail_->transferred : 0; }
bool Error::timeout() const noexcept { return code() == std::errc::timed_out; }

namespace {

constexpr int deepest_cause = 8;
constexpr std::size_t longest_text = 8192;

void print(const Error& error, int depth, std::string& text) {
  text += error.operation();
  if (!error.subject().empty()) text += (error.operation().empty() ? "" : " ") + detail::escape(error.subject());
  text += ": " + error.code().message();
  if (!error.detail().empty()) text += " (" + detail::escape(error.detail()) + ")";
  std::string_view separator = "; caused by ";
  for (const Error& cause : error.causes()) {
    text += separator;
    separator = ", ";
    if (depth == deepest_cause || text.size() > longest_text) {
      text += "…";
      return;
    }
    print(cause, depth + 1, text);
  }
}

}  // namespace

std::string to_string(const Error& error) {
  std::string text;
  print(error, 0, text);
  return text;
}

std::ostream& operator<<(std::ostream& out, const Error& error) { return out << to_string(error); }

}  // namespace LEASH_NAMESPACE
