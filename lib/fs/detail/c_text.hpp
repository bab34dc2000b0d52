#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <leash/config.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A text with a NUL behind it, as system calls take it. One of the usual length needs no memory but the stack's.
class CText {
 public:
  explicit CText(std::string_view text) : is_short_(text.size() < room) {
    if (is_short_) {
      if (!text.empty()) std::memcpy(short_.data(), text.data(), text.size());
      short_[text.size()] = '\0';
    } else {
      long_ = text;
    }
  }
  CText(const CText&) = delete;
  CText& operator=(const CText&) = delete;

  const char* get() const noexcept { return is_short_ ? short_.data() : long_.c_str(); }

 private:
  static constexpr std::size_t room = 256;

  const bool is_short_;
  std::array<char, room> short_;
  std::string long_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
