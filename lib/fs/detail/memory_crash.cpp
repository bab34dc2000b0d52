#include <algorithm>
#include <leash/fs/detail/memory_rare.hpp>
#include <leash/fs/detail/memory_tree.hpp>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <tuple>
#include <utility>

namespace LEASH_NAMESPACE::fs::detail {

using leash::detail::Ref;

void MemoryTree::begin_operation() noexcept {
  if (journal_) ++journal_->operations;
}

/// Called before a name is changed.
void MemoryTree::record(MemoryNode& directory, std::string_view text, NodeRef before) {
  if (!journal_) return;
  journal_->changes.push_back({journal_->operations, NodeRef(&directory), std::string(text), std::move(before)});
}

/// Called before the bytes of a range or, with a size of 0, only the size of the file is changed: keeps that and the
/// chunks as they are, if they were not changed since the last sync.
void MemoryTree::before_change(MemoryNode& node, std::uint64_t offset, std::uint64_t size) const {
  if (!crash_clones_) return;
  if (!node.rare) node.rare = std::make_unique<MemoryRare>();
  if (!node.rare->synced) {
    node.rare->synced = std::make_unique<SyncedContent>();
    node.rare->synced->size = node.content.size();
  }
  SyncedContent& synced = *node.rare->synced;
  if (size == 0) return;
  const std::uint64_t last = (offset + size - 1) / Content::chunk_size;
  for (std::uint64_t number = offset / Content::chunk_size; number <= last; ++number) {
    if (synced.chunks.contains(number)) continue;
    const std::span<const std::byte> bytes = node.content.chunk(number);
    synced.chunks.emplace(number, std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
}

/// Called before the size of the file is set.
void MemoryTree::before_cut(MemoryNode& node, std::uint64_t size) const {
  if (!crash_clones_) return;
  before_change(node, 0, 0);
  // Only what is stored: a hole that is cut off needs no entry.
  for (std::uint64_t number = node.content.next_chunk(size / Content::chunk_size); number != Content::no_chunk;
       number = node.content.next_chunk(number + 1)) {
    before_change(node, number * Content::chunk_size, 1);
  }
}

/// Moves to `forgotten` the changes of names in `directory`, and those in directories that were removed and that no
/// change is left to bring back.
void MemoryTree::forget_changes(const MemoryNode& directory, std::vector<NameChange>& forgotten) {
  std::vector<NameChange>& changes = journal_->changes;
  const auto is_removed = [&](const MemoryNode* node) {
    return node != nullptr && node->is_directory() && node != root_.get() && node->directory.name == nullptr;
  };
  std::multimap<const MemoryNode*, std::size_t> changes_in;  // of `directory` and of those removed
  std::map<const MemoryNode*, std::size_t> returns;          // how many changes would bring back one that was removed
  for (std::size_t at = 0; at < changes.size(); ++at) {
    const MemoryNode* const in = changes[at].directory.get();
    const MemoryNode* const before = changes[at].before.get();
    if (in == &directory || is_removed(in)) changes_in.emplace(in, at);
    if (is_removed(before)) ++returns[before];
  }
  std::vector<bool> is_forgotten(changes.size());
  std::vector<const MemoryNode*> pending{&directory};
  std::size_t count = 0;
  while (!pending.empty()) {
    const auto [first, end] = changes_in.equal_range(pending.back());
    pending.pop_back();
    for (auto change = first; change != end; ++change) {
      is_forgotten[change->second] = true;
      ++count;
      const MemoryNode* const before = changes[change->second].before.get();
      if (is_removed(before) && --returns[before] == 0 && before != &directory) pending.push_back(before);
    }
  }
  forgotten.reserve(count);
  // From here on nothing fails.
  std::size_t kept = 0;
  for (std::size_t at = 0; at < changes.size(); ++at) {
    if (is_forgotten[at]) {
      forgotten.push_back(std::move(changes[at]));
    } else if (kept != at) {
      changes[kept++] = std::move(changes[at]);
    } else {
      ++kept;
    }
  }
  changes.erase(changes.begin() + static_cast<std::ptrdiff_t>(kept), changes.end());
}

void MemoryTree::sync(MemoryNode& node) {
  if (node.is_directory()) {
    std::vector<NameChange> synced;  // freed without the lock
    const std::lock_guard lock(lock_);
    if (journal_) forget_changes(node, synced);
    return;
  }
  if (node.is_symlink() || !crash_clones_) return;
  const std::lock_guard lock(node.lock);
  if (!node.rare) return;
  node.rare->synced.reset();
  for (const WritableRange& range : node.rare->writable_ranges) before_change(node, range.offset, range.size);
}

void MemoryTree::begin_map(MemoryNode& node, const void* mapping, std::uint64_t offset, std::uint64_t size) const {
  if (!crash_clones_) return;
  const std::lock_guard lock(node.lock);
  before_change(node, offset, size);
  node.rare->writable_ranges.push_back({mapping, offset, size});
}

void MemoryTree::end_map(MemoryNode& node, const void* mapping) const noexcept {
  if (!crash_clones_) return;
  const std::lock_guard lock(node.lock);
  if (!node.rare) return;
  std::erase_if(node.rare->writable_ranges, [&](const WritableRange& range) { return range.mapping == mapping; });
}

/// Copies a tree, whose lock the caller holds, into an empty one.
class MemoryTree::Cloner {
 public:
  Cloner(MemoryTree& from, MemoryTree& to, std::optional<std::uint64_t> crash_seed) : from_(from), to_(to) {
    if (!crash_seed || !from.journal_) return;
    crash_ = true;
    loses_all_ = *crash_seed == 0;
    random_ = Random(*crash_seed);
    undo_names();
  }

  void run() {
    copies_.emplace(from_.root_.get(), to_.root_.get());
    std::vector<const MemoryNode*> pending{from_.root_.get()};
    while (!pending.empty()) {
      const MemoryNode* const directory = pending.back();
      pending.pop_back();
      MemoryNode& copy = *copies_.at(directory);
      for (const auto& [text, node] : names_in(*directory)) {
        const auto known = copies_.find(node);
        if (known != copies_.end()) {
          // A directory that was renamed, and of which one end was synced, has one of its names only.
          if (node->is_directory()) continue;
          add(copy, text, NodeRef(known->second));
          known->second->links += 1;
        } else {
          NodeRef made = copy_node(*node);
          copies_.emplace(node, made.get());
          if (node->is_directory()) pending.push_back(node);
          add(copy, text, std::move(made));
        }
      }
      // Last, since the names have changed its times.
      copy_attributes(*directory, copy);
    }
  }

 private:
  /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  class Random {
   public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
      std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15ULL;
      mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9ULL;
      mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebULL;
      return mixed ^ mixed >> 31U;
    }

    bool coin() noexcept { return next() >> 63U != 0; }

   private:
    std::uint64_t state_;
  };

  using Names = std::map<std::string, const MemoryNode*, std::less<>>;

  void add(MemoryNode& directory, std::string_view text, NodeRef node) {
    to_.add(directory, text, std::move(node), {});
  }

  /// Undoes what was done to names after a moment that the seed decides, the latest first.
  void undo_names() {
    const std::vector<NameChange>& changes = from_.journal_->changes;
    if (changes.empty()) return;
    const std::size_t kept_changes = loses_all_ ? 0 : static_cast<std::size_t>(random_.next() % (changes.size() + 1));
    const std::uint64_t kept = kept_changes == 0 ? 0 : changes[kept_changes - 1].operation;
    for (auto change = changes.rbegin(); change != changes.rend() && change->operation > kept; ++change) {
      undone_[change->directory.get()][change->text] = change->before.get();
    }
  }

  Names names_in(const MemoryNode& directory) const {
    Names names;
    for (const MemoryName* const name : directory.directory.names.names()) {
      names.emplace(name->text(), name->node.get());
    }
    if (const auto undone = undone_.find(&directory); undone != undone_.end()) {
      for (const auto& [text, before] : undone->second) {
        if (before == nullptr) {
          names.erase(text);
        } else {
          names[text] = before;
        }
      }
    }
    return names;
  }

  static void copy_attributes(const MemoryNode& from, MemoryNode& to) {
    const std::shared_lock lock(from.lock);
    to.mode = from.mode;
    std::tie(to.modified, to.accessed, to.changed) = std::tie(from.modified, from.accessed, from.changed);
  }

  NodeRef copy_node(const MemoryNode& node) {
    NodeRef copy = to_.make_node(node.type, 0);
    copy_attributes(node, *copy);
    copy->links = node.is_directory() ? 2 : 1;
    if (node.is_symlink()) {
      copy->link.text = std::make_unique_for_overwrite<char[]>(node.link.size);  // NOLINT(*-avoid-c-arrays)
      copy->link.size = node.link.size;
      std::ranges::copy(node.target(), copy->link.text.get());
    } else if (!node.is_directory()) {
      const std::shared_lock lock(node.lock);
      copy_content(node, copy->content);
      if (to_.limited()) to_.used_.fetch_add(copy->content.stored(), std::memory_order_relaxed);
    }
    return copy;
  }

  bool keeps_new() { return !loses_all_ && random_.coin(); }

  void copy_content(const MemoryNode& node, Content& copy) {
    const SyncedContent* const synced = crash_ && node.rare ? node.rare->synced.get() : nullptr;
    const std::uint64_t size = synced == nullptr || keeps_new() ? node.content.size() : synced->size;
    const auto put = [&](std::uint64_t number, std::span<const std::byte> bytes) {
      const std::uint64_t start = number * Content::chunk_size;
      if (start < size) copy.write(start, bytes.first(std::min<std::uint64_t>(bytes.size(), size - start)));
    };
    for (std::uint64_t number = node.content.next_chunk(0); number != Content::no_chunk;
         number = node.content.next_chunk(number + 1)) {
      const bool is_new = synced != nullptr && synced->chunks.contains(number);
      if (!is_new || keeps_new()) {
        put(number, node.content.chunk(number));
      } else {
        put(number, synced->chunks.at(number));
      }
    }
    if (synced != nullptr) {
      // What was cut off is there again.
      for (const auto& [number, bytes] : synced->chunks) {
        if (node.content.chunk(number).empty() && !keeps_new()) put(number, bytes);
      }
    }
    copy.truncate(size);
  }

  MemoryTree& from_;
  MemoryTree& to_;
  bool crash_ = false;
  bool loses_all_ = false;
  Random random_{0};
  std::map<const MemoryNode*, Names> undone_;  ///< By directory: what its names were; null for a free one.
  std::map<const MemoryNode*, MemoryNode*> copies_;
};

Ref<MemoryTree> MemoryTree::clone(std::optional<std::uint64_t> crash_seed) {
  Ref<MemoryTree> copy = make({clock_, umask_, capacity_, crash_clones_});
  try {
    const std::shared_lock lock(lock_);
    const std::lock_guard own(copy->lock_);
    // What the clone begins with is no change of it.
    const std::unique_ptr<Journal> journal = std::move(copy->journal_);
    Cloner(*this, *copy, crash_seed).run();
    if (journal) copy->journal_ = std::make_unique<Journal>();
  } catch (...) {
    copy->dispose();
    throw;
  }
  return copy;
}

}  // namespace LEASH_NAMESPACE::fs::detail
