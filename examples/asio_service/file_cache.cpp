#include "file_cache.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <leash/try.hpp>
#include <system_error>

namespace service {

using leash::Context;
using leash::Result;
using leash::fs::File;

namespace {

Result<std::string> contents(File& file) {
  std::string text;
  std::array<std::byte, 512> piece{};
  for (;;) {
    const std::size_t count = LEASH_TRY(file.read_at(piece, text.size()));
    if (count == 0) return text;
    text.append(reinterpret_cast<const char*>(piece.data()), count);
  }
}

}  // namespace

Result<std::string> FileCache::page(const Context& ctx, const std::string& name) {
  Entry& entry = entries_[name];
  if (!entry.file) {
    auto file = files_.open(ctx, name);
    if (!file) {
      entries_.erase(name);
      return std::unexpected(file.error());
    }
    entry.file = *std::move(file);
  }
  auto text = contents(*entry.file);
  entry.is_page = text && text->starts_with('<');
  if (entry.is_page) return text;

  if (!leaky_) {  // Without this, `close` passes over the file, and so does all else.
    static_cast<void>(entry.file->close());
    entries_.erase(name);
  }
  if (!text) return text;
  return leash::fail("page", name, std::errc::illegal_byte_sequence, "no page");
}

Result<void> FileCache::close() {
  Result<void> result;
  for (auto& [name, entry] : entries_) {
    if (!entry.is_page) continue;
    if (auto closed = entry.file->close(); !closed && result) result = std::move(closed);
  }
  return result;
}

}  // namespace service
