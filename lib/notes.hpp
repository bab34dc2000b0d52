#pragma once

#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE {

/// What the program was doing, in its own words, and the line that said so (`Context::with_note`).
struct Note {
  std::string text;
  std::source_location site;
};

/// The notes of a `Context`, from the outermost operation to the innermost. They tell which logical operation a finding
/// belongs to when the stack shows only an event loop. Immutable, one pointer wide and cheap to copy. Keeps the notes
/// alive, and nothing else of the Context. Any number of threads may read one.
class Notes {
 public:
  Notes() noexcept = default;

  /// These notes and one more, as the innermost.
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
