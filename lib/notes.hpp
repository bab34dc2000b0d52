#pragma once

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE {

/// One line of a logical trail: what was being done, and where the program said so.
struct Note {
  std::string text;
  std::source_location site;
};

/// The trail of notes that a `Context` carries: which logical operation this was, when the stack is only an event loop.
/// Immutable, one pointer wide and cheap to copy; it keeps the notes alive, and nothing else of the Context.
class Notes {
 public:
  Notes() noexcept = default;

  /// This trail with one more note at its inner end.
  [[nodiscard]] Notes with(std::string_view text, std::source_location site) const;

  bool empty() const noexcept { return !innermost_; }

  /// The notes, the outermost first.
  std::vector<Note> list() const;

 private:
  struct Node;
  friend void destroy(const Node* node) noexcept;

  detail::Ref<const Node> innermost_;
};

struct Notes::Node : detail::RefCounted {
  Node(std::string_view text, std::source_location site, detail::Ref<const Node> outer_)
      : note{std::string(text), site}, outer(std::move(outer_)) {}

  Note note;
  mutable detail::Ref<const Node> outer;
};

}  // namespace LEASH_NAMESPACE
