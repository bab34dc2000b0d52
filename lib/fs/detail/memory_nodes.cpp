#include <algorithm>
#include <cstdlib>
#include <leash/fs/detail/memory_tree.hpp>
#include <new>

namespace LEASH_NAMESPACE::fs::detail {
namespace {

/// A number that no device of the machine has: Linux's have 32 bits.
std::uint64_t new_device() {
  static constinit std::atomic<std::uint64_t> next{std::uint64_t{1} << 32U};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// The tree lies at the end of its first page of nodes: an empty MemoryFS is one allocation.
static_assert(sizeof(MemoryTree) + sizeof(MemoryNode) <= sizeof(MemoryNodePage::memory));

leash::detail::Ref<MemoryTree> MemoryTree::make(const Options& options) {
  void* const memory = std::aligned_alloc(sizeof(MemoryNodePage), sizeof(MemoryNodePage));
  if (memory == nullptr) throw std::bad_alloc();
  auto* const place = static_cast<std::byte*>(memory) + sizeof(MemoryNodePage) - sizeof(MemoryTree);
  auto* const page = new (memory) MemoryNodePage(reinterpret_cast<MemoryTree*>(place), 1);
  MemoryTree* made = nullptr;
  try {
    made = new (place) MemoryTree(options, page);
  } catch (...) {
    std::free(memory);
    throw;
  }
  leash::detail::Ref<MemoryTree> tree(made);
  tree->root_ = tree->make_node(FileType::directory, 0777 & ~options.umask);
  tree->root_->links = 2;
  return tree;
}

MemoryTree::MemoryTree(const Options& options, MemoryNodePage* first_page)
    : clock_(options.clock ? options.clock : Clock::real()),
      umask_(options.umask),
      capacity_(options.capacity),
      crash_clones_(options.crash_clones),
      device_(new_device()),
      journal_(options.crash_clones ? std::make_unique<Journal>() : nullptr),
      page_(first_page) {}

MemoryTree::~MemoryTree() {
  for (MemoryNodePage* const run : page_runs_) std::free(run);
}

void destroy(MemoryTree* tree) noexcept {
  MemoryNodePage& first_page = MemoryNodePage::of(tree);
  tree->~MemoryTree();
  std::free(&first_page);
}

/// Goes to the next page to take nodes from.
void MemoryTree::turn_page() {
  const std::uint64_t first_id = page_->first_id + MemoryNodePage::nodes;
  if (pages_left_ != 0) {
    page_ = new (page_ + 1) MemoryNodePage(this, first_id);
    --pages_left_;
  } else {
    // Runs of pages, since single ones would lie apart.
    const std::size_t count = std::size_t{1} << std::min<std::size_t>(page_runs_.size(), 6);
    page_runs_.reserve(page_runs_.size() + 1);
    void* const run = std::aligned_alloc(sizeof(MemoryNodePage), count * sizeof(MemoryNodePage));
    if (run == nullptr) throw std::bad_alloc();
    page_ = new (run) MemoryNodePage(this, first_id);
    page_runs_.push_back(page_);
    pages_left_ = count - 1;
  }
  taken_of_page_ = 0;
  nodes_in_page_ = MemoryNodePage::nodes;
}

NodeRef MemoryTree::make_node(FileType type, std::uint32_t mode) {
  const Clock::system_time_point time = now();
  if (free_ == nullptr) free_ = given_back_.exchange(nullptr, std::memory_order_acquire);
  void* memory = free_;
  if (memory != nullptr) {
    free_ = free_->next;
  } else {
    if (taken_of_page_ == nodes_in_page_) turn_page();
    memory = page_->memory.data() + (taken_of_page_ * sizeof(MemoryNode));
    ++taken_of_page_;
  }
  add_ref();
  return NodeRef(new (memory) MemoryNode(type, mode, time));
}

void destroy(MemoryNode* node) noexcept {
  MemoryTree& tree = node->tree();
  if (tree.limited() && node->type == FileType::regular) tree.give_room(node->content.stored());
  node->~MemoryNode();
  auto* const free =
      new (static_cast<void*>(node)) MemoryTree::FreeNode{tree.given_back_.load(std::memory_order_relaxed)};
  while (
      !tree.given_back_.compare_exchange_weak(free->next, free, std::memory_order_release, std::memory_order_relaxed)) {
  }
  if (tree.drop_ref()) destroy(&tree);
}

}  // namespace LEASH_NAMESPACE::fs::detail
