#include "http.hpp"

#include <cctype>
#include <cstdint>
#include <leash/try.hpp>

#include "support.hpp"

HttpHead HttpHead::parse(std::string_view text) {
  HttpHead head;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    const std::string_view line = text.substr(at, end - at);
    at = end + 2;
    const std::size_t colon = line.find(':');
    if (head.first_line.empty()) {
      head.first_line = line;
    } else if (colon != std::string_view::npos) {
      std::string name(line.substr(0, colon));
      for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      head.fields[name] = value == std::string_view::npos ? std::string_view() : line.substr(value);
    }
  }
  return head;
}

std::string HttpHead::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

std::size_t HttpHead::content_length() const {
  const std::string length = field("content-length");
  return length.empty() ? 0 : std::stoul(length);
}

leash::Result<std::optional<HttpHead>> HttpReader::head() {
  constexpr std::string_view blank_line = "\r\n\r\n";
  std::size_t end = 0;
  while ((end = rest_.find(blank_line)) == std::string::npos) {
    const std::string more = LEASH_TRY(read_some(conn_));
    if (more.empty()) return std::nullopt;
    rest_ += more;
  }
  HttpHead head = HttpHead::parse(std::string_view(rest_).substr(0, end + 2));
  rest_.erase(0, end + blank_line.size());
  return head;
}

leash::Result<std::string> HttpReader::body(std::size_t size) {
  std::string text = rest_.substr(0, size);
  rest_.erase(0, text.size());
  text += LEASH_TRY(read_up_to(conn_, size - text.size()));
  return text;
}

std::string patterned(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24U);
  }
  return text;
}
