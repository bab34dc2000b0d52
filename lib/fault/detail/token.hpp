#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <leash/result.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

struct Place;
struct Struck;

/// A fault of a token: `open/import_csv/5c1b09f2/1/EMFILE`. The operation and the function are for people; the key is
/// what the place is found by.
struct TokenItem {
  std::string operation;
  std::string function;
  std::uint32_t key;
  std::uint32_t occurrence;
  std::uint32_t times;
  Fault fault;
};

/// What a token has of a place's key.
std::uint32_t short_key(const Place& place) noexcept;

/// Room for a token. Takes no memory, so that a signal handler may write one too; what does not fit is dropped.
class TokenBuffer {
 public:
  void add(char letter) noexcept {
    if (size_ < text_.size()) text_[size_++] = letter;
  }
  void add(std::string_view text) noexcept {
    for (const char letter : text) add(letter);
  }
  /// Keeps the first `size` letters.
  void cut(std::size_t size) noexcept { size_ = std::min(size, size_); }
  std::string_view text() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 8192> text_{};
  std::size_t size_ = 0;
};

/// Writes the token of a run in which this was injected: nothing if nothing was.
void write_token(TokenBuffer& out, std::span<const Struck> struck) noexcept;

/// The same as a string.
std::string token_of(std::span<const Struck> struck);

/// What a token says. Fails with `invalid_argument` if it is malformed.
Result<std::vector<TokenItem>> parse_token(std::string_view token);

}  // namespace LEASH_NAMESPACE::fault::detail
