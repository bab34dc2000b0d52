#include <array>
#include <leash/clock.hpp>
#include <leash/context.hpp>
#include <leash/detail/cancel_state.hpp>
#include <leash/detail/copy.hpp>
#include <leash/detail/deadline_after.hpp>
#include <leash/notes.hpp>
#include <leash/stop_token.hpp>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE {

using detail::CancelState;

namespace {

constinit const Notes no_notes;
constinit const std::shared_ptr<CancelState> no_cancel_state;

}  // namespace

/// What a Context points to. It holds a copy of all that the Context inherits, so that a look-up reads one node. Only
/// values are looked up from node to node, towards the root.
struct Context::Node : detail::RefCounted {
  /// The node of a Context. Null for `background()`, and for a node of another copy of leash that this copy cannot
  /// read: that copy is reported.
  static const Node* of(const Context& context) noexcept {
    const Node* const node = context.node_.get();
    if (node == nullptr || node->format == detail::this_format) [[likely]]
      return node;
    detail::report_copy(*node->copy);
    return nullptr;
  }

  static Node* child_of(const Context& context) {
    const Node* const node = of(context);
    return node != nullptr ? new Node(*node) : new Node();
  }

  static const std::shared_ptr<CancelState>& cancel_of(const Context& context) noexcept {
    const Node* const node = of(context);
    return node != nullptr ? node->cancel : no_cancel_state;
  }

  static Context with_cancel(const Context& context, std::shared_ptr<CancelState> state) {
    Node* const node = child_of(context);
    node->cancel = std::move(state);
    return Context(node);
  }

  Node() = default;
  explicit Node(const Node& parent_)
      : parent(&parent_), slots(parent_.slots), clock(parent_.clock), cancel(parent_.cancel), notes(parent_.notes) {}

  // In every version these two members come first, after the reference count: see `detail::Copy`.
  const std::uint32_t format = detail::this_format;
  detail::Copy* const copy = &detail::this_copy;

  mutable detail::Ref<const Node> parent;
  /// What this node adds to its parent's, and owns: a value with its key, or the object in a slot (without a key).
  detail::Key key;
  std::unique_ptr<const detail::Owned> owned;
  std::array<void*, detail::slot_count> slots{};
  SharedClock clock = nullptr;
  std::shared_ptr<CancelState> cancel;
  Notes notes;
};

void destroy(const Context::Node* node) noexcept {
  if (node->format != detail::this_format) {
    node->copy->destroy_node(node);
    return;
  }
  // A loop: with a recursion through `parent`, many nested Contexts would overflow the stack.
  while (node != nullptr) {
    const Context::Node* const parent = node->parent.detach();
    delete node;
    node = parent != nullptr && parent->drop_ref() ? parent : nullptr;
  }
}

detail::Owned::~Owned() = default;

void detail::Copy::destroy_own_node(const void* node) noexcept { destroy(static_cast<const Context::Node*>(node)); }

constinit detail::Copy detail::this_copy{LEASH_VERSION, false, &detail::Copy::destroy_own_node};

Context::Context() noexcept = default;
Context::Context(const Context&) noexcept = default;
Context::Context(Context&&) noexcept = default;
Context& Context::operator=(const Context&) noexcept = default;
Context& Context::operator=(Context&&) noexcept = default;
Context::~Context() = default;

Context::Context(const Node* node) noexcept : node_(node) {}

Context Context::with_entry(detail::Key key, const detail::Owned* value) const {
  std::unique_ptr<const detail::Owned> owned(value);
  Node* const node = Node::child_of(*this);
  node->key = key;
  node->owned = std::move(owned);
  return Context(node);
}

const detail::Owned* Context::entry(detail::Key key) const noexcept {
  for (const Node* node = Node::of(*this); node != nullptr; node = node->parent.get()) {
    if (node->key == key) return node->owned.get();
  }
  return nullptr;
}

void* Context::slot(detail::Slot slot) const noexcept {
  const Node* const node = Node::of(*this);
  return node != nullptr ? node->slots[static_cast<std::size_t>(slot)] : nullptr;
}

Context Context::with_owned(detail::Slot slot, const detail::Owned* owner, void* object) const {
  std::unique_ptr<const detail::Owned> owned(owner);
  Node* const node = Node::child_of(*this);
  node->slots[static_cast<std::size_t>(slot)] = object;
  node->owned = std::move(owned);
  return Context(node);
}

Cancellable Context::with_cancel() const {
  const auto state = std::make_shared<CancelState>(Node::cancel_of(*this));
  state->attach(std::nullopt, clock());
  return {Node::with_cancel(*this, state), CancelSource(state->for_sources())};
}

Context Context::with_deadline(Clock::time_point time) const {
  const auto state = std::make_shared<CancelState>(Node::cancel_of(*this));
  state->attach(time, clock());
  return Node::with_cancel(*this, state);
}

Context Context::with_timeout(Clock::duration timeout) const {
  return with_deadline(detail::deadline_after(clock()->now(), timeout));
}

Context Context::with_stop_token(StopToken token) const {
  const auto state = std::make_shared<CancelState>(Node::cancel_of(*this));
  state->attach(std::nullopt, clock());
  state->cancel_on_stop(std::move(token));
  return Node::with_cancel(*this, state);
}

Context Context::without_cancel() const { return Node::with_cancel(*this, nullptr); }

Context Context::with_clock(SharedClock clock) const {
  if (!clock) throw std::logic_error("leash: Context::with_clock: the clock is null");
  Node* const node = Node::child_of(*this);
  node->clock = std::move(clock);
  return Context(node);
}

Context Context::with_note(std::string_view text, std::source_location site) const {
  Node* const node = Node::child_of(*this);
  Context child(node);
  node->notes = node->notes.with(text, site);
  return child;
}

bool Context::done() const noexcept {
  const auto& state = Node::cancel_of(*this);
  return state && state->done();
}

std::error_code Context::error() const noexcept { return done() ? Node::cancel_of(*this)->code() : std::error_code(); }

std::optional<Error> Context::cause() const { return done() ? Node::cancel_of(*this)->cause() : std::nullopt; }

Result<void> Context::check(std::string_view operation, std::string_view subject) const {
  if (!done()) return {};
  std::vector<Error> causes;
  if (std::optional<Error> reason = cause()) causes.push_back(*std::move(reason));
  return fail(operation, subject, error(), std::string_view(), std::move(causes));
}

std::optional<Clock::time_point> Context::deadline() const noexcept {
  const auto& state = Node::cancel_of(*this);
  return state ? state->deadline() : std::nullopt;
}

const SharedClock& Context::clock() const noexcept {
  const Node* const node = Node::of(*this);
  return node != nullptr && node->clock ? node->clock : Clock::real();
}

const Notes& Context::notes() const noexcept {
  const Node* const node = Node::of(*this);
  return node != nullptr ? node->notes : no_notes;
}

StopToken Context::stop_token() const noexcept {
  const auto& state = Node::cancel_of(*this);
  if (!state) return {};
  try {
    state->renew_timers_after_fork();
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // The child's clock cannot start its timer thread now. The next call tries again.
  }
  return state->token();
}

Registration Context::on_cancel(Function<void()> callback) const {
  if (!callback) throw std::logic_error("leash: Context::on_cancel: the callback is empty");
  const auto& state = Node::cancel_of(*this);
  if (!state) return {};
  return state->on_cancel(std::move(callback));
}

CancelSource::CancelSource(detail::Ref<CancelState> state) noexcept : state_(std::move(state)) {}
CancelSource::CancelSource(const CancelSource&) noexcept = default;
CancelSource& CancelSource::operator=(const CancelSource&) noexcept = default;
CancelSource::~CancelSource() = default;

void CancelSource::cancel() const { state_->cancel(std::make_error_code(std::errc::operation_canceled), std::nullopt); }

void CancelSource::cancel(Error cause) const {
  state_->cancel(std::make_error_code(std::errc::operation_canceled), std::move(cause));
}

}  // namespace LEASH_NAMESPACE
