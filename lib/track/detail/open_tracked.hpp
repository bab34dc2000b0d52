#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/os/own_descriptors.hpp>
#include <leash/result.hpp>
#include <leash/track/detail/dump.hpp>
#include <leash/track/tracker.hpp>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

/// The tracker for what is opened with `context`: its own, else `fallback`. Null where there is neither, and where
/// tracking is compiled out: then a decorator returns what the inner object opens.
inline Tracker* tracker_for(const Context& context, std::optional<Tracker>& fallback) noexcept {
  if constexpr (!tracking_enabled) return nullptr;
  Tracker* const tracker = find_tracker(context);
  return tracker != nullptr || !fallback ? tracker : &*fallback;
}

/// The tag of a descriptor that `adopt` takes over, if the Context has a tracker; fails where that is closed.
inline Result<std::optional<Tag>> tag_adopted(Call call, Kind kind, std::string_view name, int descriptor) {
  if constexpr (!tracking_enabled) return std::nullopt;
  Tracker* const tracker = find_tracker(call.context());
  if (tracker == nullptr) return std::nullopt;
  Result<Tag> tag = tracker->try_create(call, {kind, name, descriptor, OnDrop::closed}, "adopt");
  if (!tag) return std::unexpected(tag.error());
  return *std::move(tag);
}

// What these templates are given as `wrap` is a lambda of the caller's own source. Then the compiler puts their code
// there, in the section that `detail/mark_code.hpp` marks as leash's, and not in one of its own.

/// What `wrap(inner, tag)` makes of `inner`, which was just opened in an `os::open_for_tag`, and its tag, named `name`.
/// If the tracker was closed meanwhile, `inner` is closed, and the Error is that of `operation` on `subject`.
///
/// The second half of `open_tracked`, for who opens in another way; the first is `Tracker::check`.
template <class Handle, class Wrap>
[[nodiscard]] Result<std::unique_ptr<Handle>> tag_opened(Tracker& tracker, const Call& call, std::string_view operation,
                                                         Kind kind, std::string_view subject,
                                                         std::unique_ptr<Handle>&& inner, std::string_view name,
                                                         Wrap wrap) {
  Result<Tag> tag = tracker.try_create(call, {kind, name, inner->native_handle(), OnDrop::closed}, operation);
  if (!tag) {
    // The error is the tracker's; that of closing what nobody has used yet adds nothing to it.
    static_cast<void>(inner->close(call.site()));
    return fail(operation, subject, tag.error().code(), tag.error().detail());
  }
  return wrap(std::move(inner), *std::move(tag));
}

/// Opens by `open()`, which returns the Result of a handle, and returns what `wrap(handle, tag)` makes of it. The tag
/// has the name that `name_of(handle)` returns; an Error is that of `operation` on `subject`. Nothing is opened if the
/// tracker is closed.
template <class Open, class NameOf, class Wrap>
[[nodiscard]] auto open_tracked(Tracker& tracker, Call call, std::string_view operation, Kind kind,
                                std::string_view subject, Open open, NameOf name_of, Wrap wrap) -> decltype(open()) {
  if (tracker.closed()) return std::unexpected(tracker.check(call, {kind, subject}, operation).error());
  auto inner = os::open_for_tag(open);
  if (!inner) {
    note_failed_opening(inner.error().code());
    return inner;
  }
  const auto name = name_of(**inner);
  return tag_opened(tracker, call, operation, kind, subject, *std::move(inner), name, wrap);
}

}  // namespace LEASH_NAMESPACE::track::detail
