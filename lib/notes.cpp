#include <algorithm>
#include <leash/notes.hpp>

namespace LEASH_NAMESPACE {

void destroy(const Notes::Node* node) noexcept {
  // A loop: with a recursion through `outer`, many notes would overflow the stack.
  while (node != nullptr) {
    const Notes::Node* const outer = node->outer.detach();
    delete node;
    node = outer != nullptr && outer->drop_ref() ? outer : nullptr;
  }
}

Notes Notes::with(std::string_view text, std::source_location site) const {
  Notes longer;
  longer.innermost_ = detail::Ref<const Node>(new Node(text, site, innermost_));
  return longer;
}

std::vector<Note> Notes::list() const {
  std::vector<Note> notes;
  for (const Node* node = innermost_.get(); node != nullptr; node = node->outer.get()) notes.push_back(node->note);
  std::ranges::reverse(notes);
  return notes;
}

}  // namespace LEASH_NAMESPACE
