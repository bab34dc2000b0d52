#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <leash/fs/detail/content.hpp>
#include <new>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// Of the first chunk, in bytes.
constexpr std::size_t least_capacity = 64;

constexpr unsigned bits_of_fan_out = 6;

/// The slot of chunk `number` in a table with `depth - 1` levels below it.
std::size_t slot_of(std::uint64_t number, unsigned depth) noexcept {
  return static_cast<std::size_t>(number >> (bits_of_fan_out * (depth - 1)) & 63U);
}

/// How many chunks a table of that depth leads to, at most.
std::uint64_t chunks_of(unsigned depth) noexcept { return std::uint64_t{1} << (bits_of_fan_out * depth); }

std::uint64_t start_of(std::uint64_t number) noexcept { return number * Content::chunk_size; }

/// What a range of a file covers of one chunk.
struct Piece {
  std::uint64_t number;
  std::size_t begin;  ///< In the chunk.
  std::size_t size;
};

Piece first_piece(std::uint64_t offset, std::uint64_t size) noexcept {
  const auto begin = static_cast<std::size_t>(offset % Content::chunk_size);
  return {offset / Content::chunk_size, begin,
          static_cast<std::size_t>(std::min<std::uint64_t>(size, Content::chunk_size - begin))};
}

}  // namespace

Block* Block::make(std::size_t capacity) {
  void* const memory = std::malloc(sizeof(Block) + capacity);
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Block(capacity);
}

Block* Block::make_zeros(std::size_t capacity) {
  void* const memory = std::calloc(1, sizeof(Block) + capacity);
  if (memory == nullptr) throw std::bad_alloc();
  return new (memory) Block(capacity);
}

void Block::drop_ref() noexcept {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) std::free(this);
}

void Block::add_mapping() noexcept {
  add_ref();
  mappings_.fetch_add(1, std::memory_order_relaxed);
}

void Block::drop_mapping() noexcept {
  mappings_.fetch_sub(1, std::memory_order_release);
  drop_ref();
}

/// The slot of a chunk, if there are tables and one leads to it.
Content::Chunk* Content::find(std::uint64_t number) const noexcept {
  unsigned level = depth();
  if (level == 0 || number >= chunks_of(level)) return nullptr;
  void* table = top();
  for (; level > 1 && table != nullptr; --level) table = static_cast<Table*>(table)->below[slot_of(number, level)];
  return table == nullptr ? nullptr : &static_cast<Leaf*>(table)->chunks[slot_of(number, 1)];
}

/// The bytes of a chunk that have memory; the others of it read as zeros.
std::span<std::byte> Content::stored_bytes(std::uint64_t number) const noexcept {
  if (depth() == 0) {
    if (number != 0 || root_ == 0) return {};
    return {only_block()->data(), only_block()->capacity()};
  }
  const Chunk* const chunk = find(number);
  if (chunk == nullptr || chunk->block == nullptr) return {};
  return {chunk->data, chunk_size};
}

std::size_t Content::read(std::uint64_t offset, std::span<std::byte> buffer) const noexcept {
  if (offset >= size_) return 0;
  buffer = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - offset)));
  const std::size_t count = buffer.size();
  while (!buffer.empty()) {
    const Piece piece = first_piece(offset, buffer.size());
    const std::span<std::byte> stored = stored_bytes(piece.number);
    const std::size_t known = piece.begin < stored.size() ? std::min(piece.size, stored.size() - piece.begin) : 0;
    if (known != 0) std::memcpy(buffer.data(), stored.data() + piece.begin, known);
    if (known != piece.size) std::memset(buffer.data() + known, 0, piece.size - known);
    buffer = buffer.subspan(piece.size);
    offset += piece.size;
  }
  return count;
}

/// Puts the only Block into one that has room for `needed` bytes.
void Content::grow_only_block(std::size_t needed) {
  Block* const old = only_block();
  Block* const grown = Block::make(std::min(chunk_size, std::bit_ceil(std::max(needed, least_capacity))));
  const auto used = static_cast<std::size_t>(std::min<std::uint64_t>(size_, grown->capacity()));
  const std::size_t kept = old == nullptr ? 0 : std::min(used, old->capacity());
  if (kept != 0) std::memcpy(grown->data(), old->data(), kept);
  std::memset(grown->data() + kept, 0, used - kept);
  root_ = reinterpret_cast<std::uintptr_t>(grown);
  if (old != nullptr) old->drop_ref();
}

/// The slot of a chunk, with all tables that lead to it.
Content::Chunk& Content::make_slot(std::uint64_t number) {
  if (depth() == 0) {
    if (root_ != 0 && only_block()->capacity() < chunk_size) grow_only_block(chunk_size);
    auto* const leaf = new Leaf();
    if (root_ != 0) leaf->chunks[0] = {only_block()->data(), only_block()};
    root_ = reinterpret_cast<std::uintptr_t>(leaf) | 1U;
  }
  while (number >= chunks_of(depth())) {
    auto* const table = new Table();
    table->below[0] = top();
    root_ = reinterpret_cast<std::uintptr_t>(table) | (depth() + 1);
  }
  void* table = top();
  for (unsigned level = depth(); level > 1; --level) {
    void*& below = static_cast<Table*>(table)->below[slot_of(number, level)];
    if (below == nullptr) below = level == 2 ? static_cast<void*>(new Leaf()) : static_cast<void*>(new Table());
    table = below;
  }
  return static_cast<Leaf*>(table)->chunks[slot_of(number, 1)];
}

/// Where the bytes of a chunk are, of which those from `begin` to `end` are about to be written: those that have no
/// memory yet get some, and zeros around what is written, as far as they lie in the file.
std::byte* Content::bytes_for_write(std::uint64_t number, std::size_t begin, std::size_t end) {
  if (depth() == 0 && number == 0) {
    if (root_ == 0 || only_block()->capacity() < end) {
      grow_only_block(end);
      if (size_ < begin) std::memset(only_block()->data() + size_, 0, begin - static_cast<std::size_t>(size_));
    }
    return only_block()->data();
  }
  Chunk& chunk = make_slot(number);
  if (chunk.block == nullptr) {
    Block* const block = Block::make(chunk_size);
    std::memset(block->data(), 0, begin);
    const std::uint64_t start = start_of(number);
    if (size_ > start + end) {
      std::memset(block->data() + end, 0, std::min<std::uint64_t>(chunk_size, size_ - start) - end);
    }
    chunk = {block->data(), block};
  }
  return chunk.data;
}

/// Fills what is stored from the end of the file up to `end`, which becomes part of the file, with zeros.
void Content::clear_gap(std::uint64_t end) noexcept {
  if (end <= size_) return;
  const Piece piece = first_piece(size_, end - size_);
  const std::span<std::byte> stored = stored_bytes(piece.number);
  if (piece.begin >= stored.size()) return;
  std::memset(stored.data() + piece.begin, 0, std::min(piece.size, stored.size() - piece.begin));
}

void Content::write(std::uint64_t offset, std::span<const std::byte> data) {
  if (data.empty()) return;
  // Before the gap is cleared: it moves the bytes of the first chunk to where the gap has memory too.
  if (depth() == 0 && offset + data.size() > chunk_size) static_cast<void>(make_slot(0));
  clear_gap(offset);
  while (!data.empty()) {
    const Piece piece = first_piece(offset, data.size());
    std::byte* const bytes = bytes_for_write(piece.number, piece.begin, piece.begin + piece.size);
    std::memcpy(bytes + piece.begin, data.data(), piece.size);
    data = data.subspan(piece.size);
    offset += piece.size;
    size_ = std::max(size_, offset);
  }
}

void Content::allocate(std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return;
  const std::uint64_t end = offset + size;
  if (end > size_) truncate(end);
  while (size != 0) {
    const Piece piece = first_piece(offset, size);
    // With `begin` and `end` at the same place, all of a new chunk is filled with zeros.
    if (stored_bytes(piece.number).size() < piece.begin + piece.size) {
      if (depth() == 0 && piece.number == 0) {
        grow_only_block(piece.begin + piece.size);
      } else {
        static_cast<void>(bytes_for_write(piece.number, 0, 0));
      }
    }
    offset += piece.size;
    size -= piece.size;
  }
}

void Content::truncate(std::uint64_t size) noexcept {
  if (size >= size_) {
    clear_gap(size);
    size_ = size;
    return;
  }
  size_ = size;
  if (depth() == 0) {
    if (size != 0 || root_ == 0) return;
    only_block()->drop_ref();
    root_ = 0;
  } else {
    const std::uint64_t first_dropped = (size / chunk_size) + (size % chunk_size != 0 ? 1 : 0);
    if (first_dropped < chunks_of(depth()) && drop_from(top(), depth(), first_dropped)) root_ = 0;
  }
}

/// Drops the chunks from `number` on, and the tables that then are empty. True if `table` was one of them.
bool Content::drop_from(void* table, unsigned depth, std::uint64_t number) noexcept {
  const std::size_t first = slot_of(number, depth);
  if (depth == 1) {
    auto* const leaf = static_cast<Leaf*>(table);
    for (std::size_t slot = first; slot < fan_out; ++slot) {
      if (Block* const block = leaf->chunks[slot].block; block != nullptr) block->drop_ref();
      leaf->chunks[slot] = {};
    }
    if (first != 0) return false;
    delete leaf;
    return true;
  }
  auto* const tables = static_cast<Table*>(table);
  const std::uint64_t below = chunks_of(depth - 1);
  for (std::size_t slot = first; slot < fan_out; ++slot) {
    void*& entry = tables->below[slot];
    const std::uint64_t from = slot == first ? number % below : 0;
    if (entry != nullptr && drop_from(entry, depth - 1, from)) entry = nullptr;
  }
  if (number != 0) return false;
  delete tables;
  return true;
}

/// `next_chunk` in a table; `number` counts from its first one.
std::uint64_t Content::next_in(const void* table, unsigned depth, std::uint64_t number) noexcept {
  if (depth == 1) {
    const auto* const leaf = static_cast<const Leaf*>(table);
    for (std::uint64_t slot = number; slot < fan_out; ++slot) {
      if (leaf->chunks[slot].block != nullptr) return slot;
    }
    return no_chunk;
  }
  const std::uint64_t below = chunks_of(depth - 1);
  for (std::uint64_t slot = number / below; slot < fan_out; ++slot, number = slot * below) {
    const void* const entry = static_cast<const Table*>(table)->below[slot];
    const std::uint64_t found = entry == nullptr ? no_chunk : next_in(entry, depth - 1, number - (slot * below));
    if (found != no_chunk) return (slot * below) + found;
  }
  return no_chunk;
}

std::uint64_t Content::next_chunk(std::uint64_t number) const noexcept {
  if (root_ == 0 || start_of(number) >= size_) return no_chunk;
  if (depth() == 0) return number == 0 ? 0 : no_chunk;
  return number < chunks_of(depth()) ? next_in(top(), depth(), number) : no_chunk;
}

std::span<const std::byte> Content::chunk(std::uint64_t number) const noexcept {
  const std::span<std::byte> stored = stored_bytes(number);
  if (start_of(number) >= size_) return {};
  return stored.first(static_cast<std::size_t>(std::min<std::uint64_t>(stored.size(), size_ - start_of(number))));
}

std::uint64_t Content::stored() const noexcept {
  std::uint64_t sum = 0;
  for (std::uint64_t number = next_chunk(0); number != no_chunk; number = next_chunk(number + 1)) {
    sum += std::min<std::uint64_t>(chunk_size, size_ - start_of(number));
  }
  return sum;
}

std::uint64_t Content::growth(std::uint64_t offset, std::uint64_t size) const noexcept {
  if (size == 0) return 0;
  const std::uint64_t end = std::max(size_, offset + size);
  const auto in_file = [&](std::uint64_t number, std::uint64_t file_size) -> std::uint64_t {
    return file_size <= start_of(number) ? 0 : std::min<std::uint64_t>(chunk_size, file_size - start_of(number));
  };
  const std::uint64_t first = offset / chunk_size;
  std::uint64_t growth = 0;
  // The chunk with the end of the file grows with the file, if it is stored.
  const std::uint64_t last = size_ / chunk_size;
  if (last < first && !stored_bytes(last).empty()) growth = in_file(last, end) - in_file(last, size_);
  for (std::uint64_t number = first; start_of(number) < offset + size; ++number) {
    growth += in_file(number, end) - (stored_bytes(number).empty() ? 0 : in_file(number, size_));
  }
  return growth;
}

Content::Mapped Content::map(std::uint64_t offset, std::size_t size) {
  const std::uint64_t first = offset / chunk_size;
  const std::uint64_t last = (offset + size - 1) / chunk_size;
  if (depth() == 0 && last == 0) {
    // As large as it may get, so that it need not move when the file grows.
    if (root_ == 0 || only_block()->capacity() < chunk_size) grow_only_block(chunk_size);
    only_block()->add_mapping();
    return {only_block(), only_block()->data() + offset};
  }
  bool in_one_place = true;
  bool mapped = false;
  const Chunk front = make_slot(first);
  for (std::uint64_t number = first; number <= last; ++number) {
    const Chunk chunk = make_slot(number);
    const std::size_t distance = static_cast<std::size_t>(number - first) * chunk_size;
    in_one_place =
        in_one_place && chunk.block != nullptr && chunk.block == front.block && chunk.data == front.data + distance;
    mapped = mapped || (chunk.block != nullptr && chunk.block->mapped());
  }
  if (!in_one_place) {
    if (mapped) return {};
    const auto count = static_cast<std::size_t>(last - first + 1);
    Block* const block = Block::make_zeros(count * chunk_size);
    for (std::size_t at = 0; at < count; ++at) {
      Chunk& chunk = make_slot(first + at);
      std::byte* const data = block->data() + (at * chunk_size);
      if (chunk.block != nullptr) {
        std::memcpy(data, chunk.data, chunk_size);
        chunk.block->drop_ref();
      }
      chunk = {data, block};
      if (at != 0) block->add_ref();
    }
  }
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the chunks own the block, of which there is one at least
  const Chunk start = make_slot(first);
  start.block->add_mapping();
  return {start.block, start.data + (offset % chunk_size)};
}

}  // namespace LEASH_NAMESPACE::fs::detail
