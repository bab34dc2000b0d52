#include <algorithm>
#include <leash/notes.hpp>
#include <utility>

namespace LEASH_NAMESPACE {

struct Notes::Node : detail::RefCounted {
  Node(std::string_view text, std::source_location site, detail::Ref<const Node> outer_)
      : note{std::string(text), site}, outer(std::move(outer_)) {}

  Note note;
  mutable detail::Ref<const Node> outer;
};

void destroy(const Notes::Node* node) noexcept {
  // A loop, because a trail may be longer than the stack is deep.
  while (node != nullptr) {
    const Notes::Node* const outer = node->outer.detach();
    delete node;
    node = outer != nullptr && outer->drop_ref() ? outer : nullptr;
  }
}

Notes::Notes() noexcept = default;
Notes::Notes(const Notes&) noexcept = default;
Notes::Notes(Notes&&) noexcept = default;
Notes& Notes::operator=(const Notes&) noexcept = default;
Notes& Notes::operator=(Notes&&) noexcept = default;
Notes::~Notes() = default;

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
