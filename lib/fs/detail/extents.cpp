#include <algorithm>
#include <iterator>
#include <leash/fs/detail/extents.hpp>

namespace LEASH_NAMESPACE::fs::detail {

std::size_t Extents::read(std::uint64_t offset, std::span<std::byte> buffer) const {
  if (offset >= size_) return 0;
  buffer = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - offset)));
  const std::size_t total = buffer.size();
  auto next = pieces_.upper_bound(offset);
  if (next != pieces_.begin()) --next;
  while (!buffer.empty()) {
    while (next != pieces_.end() && next->first + next->second.size() <= offset) ++next;
    if (next == pieces_.end() || next->first >= offset + buffer.size()) {
      std::ranges::fill(buffer, std::byte{0});
      break;
    }
    const auto hole = static_cast<std::size_t>(next->first > offset ? next->first - offset : 0);
    std::ranges::fill(buffer.first(hole), std::byte{0});
    offset += hole;
    buffer = buffer.subspan(hole);
    const auto skipped = static_cast<std::size_t>(offset - next->first);
    const std::size_t n = std::min(buffer.size(), next->second.size() - skipped);
    std::copy_n(next->second.begin() + static_cast<std::ptrdiff_t>(skipped), n, buffer.begin());
    offset += n;
    buffer = buffer.subspan(n);
  }
  return total;
}

void Extents::write(std::uint64_t offset, std::span<const std::byte> data) {
  while (!data.empty()) {
    const auto next = pieces_.upper_bound(offset);
    const std::uint64_t room = next == pieces_.end() ? data.size() : next->first - offset;
    const auto part = data.first(static_cast<std::size_t>(std::min<std::uint64_t>(data.size(), room)));
    const auto before = next == pieces_.begin() ? pieces_.end() : std::prev(next);
    if (before != pieces_.end() && before->first + before->second.size() >= offset) {
      auto& bytes = before->second;
      const auto at = static_cast<std::size_t>(offset - before->first);
      const std::size_t over = std::min(part.size(), bytes.size() - at);
      bytes.insert(bytes.end(), part.begin() + static_cast<std::ptrdiff_t>(over), part.end());
      std::copy_n(part.begin(), over, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      pieces_.emplace_hint(next, offset, std::vector<std::byte>(part.begin(), part.end()));
    }
    offset += part.size();
    size_ = std::max(size_, offset);
    data = data.subspan(part.size());
  }
}

void Extents::truncate(std::uint64_t size) {
  pieces_.erase(pieces_.lower_bound(size), pieces_.end());
  if (!pieces_.empty()) {
    auto& [offset, bytes] = *pieces_.rbegin();
    if (offset + bytes.size() > size) {
      bytes.resize(static_cast<std::size_t>(size - offset));
      bytes.shrink_to_fit();
    }
  }
  size_ = size;
}

}  // namespace LEASH_NAMESPACE::fs::detail
