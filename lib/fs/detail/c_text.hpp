#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <leash/config.hpp>
#include <memory>
#include <string_view>

namespace LEASH_NAMESPACE::fs::detail {

/// A text with a NUL behind it, as system calls take it. One of the usual length needs no memory but the stack's.
class CText {
 public:
  explicit CText(std::string_view text) {
    char* to = short_.data();
    if (text.size() >= short_.size()) {
      long_ = std::make_unique_for_overwrite<char[]>(text.size() + 1);
      to = long_.get();
    }
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
  }
  CText(const CText&) = delete;
  CText& operator=(const CText&) = delete;

  const char* get() const noexcept { return long_ ? long_.get() : short_.data(); }

 private:
  std::array<char, 256> short_;
  std::unique_ptr<char[]> long_;
};

}  // namespace LEASH_NAMESPACE::fs::detail
