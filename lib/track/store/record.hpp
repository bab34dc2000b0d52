#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/notes.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/store/places.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::track::detail {

/// What a resource shares with those that depend on it.
struct Family : leash::detail::RefCounted {
  explicit Family(std::string name) : parent(std::move(name)) {}

  const std::string parent;  ///< The name of the resource that the others depend on.

  /// When it was closed, on the scale of the records, and its Place; once `parent_closed` says so.
  std::uint64_t closed_us = 0;
  std::uint32_t closed_at = 0;
  std::atomic<bool> parent_closed{false};
};
inline void destroy(const Family* family) noexcept { delete family; }

/// What few records need. A free record keeps its own, emptied, for the next one that does.
struct Extra {
  std::string name;  ///< If it does not fit into the record.
  Notes notes;
  leash::detail::Ref<Family> as_child;
  std::atomic<Family*> as_parent{nullptr};  ///< Counted.

  ~Extra() { clear(); }

  void clear() noexcept {
    // The memory of a name of usual length is used again.
    if (name.capacity() > 256) std::string().swap(name);
    name.clear();
    notes = Notes();
    as_child = nullptr;
    const Family* const family = as_parent.exchange(nullptr, std::memory_order_acq_rel);
    if (family != nullptr && family->drop_ref()) destroy(family);
  }
};

/// What is known of one resource from its opening until its tag is gone; one cache line. It lies in a page of the shard
/// that made it, and is used again.
///
/// `state` says what may be done with it. A record that is open or closed belongs to its tag, whose threads store what
/// is atomic here. A reader of all records first pins one that is open, or orphaned: then it stays as it is, even if
/// its tag ends, until it is unpinned.
///
/// `close` may come in a signal handler, where there is no memory for a finding: what it finds it only marks here, for
/// the verdict or the end of the tag, whichever is first.
struct alignas(64) Record {
  enum State : std::uint32_t {
    open = 1U << 0U,
    closed = 1U << 1U,  ///< With neither: free, or in the making.
    pinned = 1U << 2U,
    ended = 1U << 3U,     ///< Its tag was gone while it was pinned: who unpins it puts it back.
    reported = 1U << 4U,  ///< Some verdict called it leaked.
    baseline = 1U << 5U,  ///< Open before what is judged began.
    failed = 1U << 6U,    ///< An operation on it failed.
    child = 1U << 7U,     ///< `extra->as_child` is set.
    on_drop_shift = 8,    ///< Two bits of OnDrop.
    on_drop_mask = 3U << 8U,
    orphaned = 1U << 10U,  ///< A child that was closed after its parent;
    told = 1U << 11U,      ///< but there is no finding in that, or not any more.
    unwinding_shift = 12,  ///< Four bits: how many exceptions were unwinding when it was opened, modulo 16.
    unwinding_mask = 15U << 12U,
    closer_shift = 16,  ///< The low 16 bits of the number of the thread that closed it.
  };

  static constexpr std::size_t inline_name = 15;
  static constexpr unsigned char long_name = 0xff;
  static constexpr unsigned kind_bits = 16;

  std::atomic<std::uint32_t> state{0};
  std::uint32_t serial;     ///< How many its shard had opened with it, modulo 2^32; of a free one, the next.
  std::uint32_t opened_at;  ///< A Place.
  std::atomic<std::uint32_t> closed_at;  ///< A Place, soon after `state` says closed.
  std::atomic<std::uint32_t> used_site;  ///< If `used` is not 0.
  std::atomic<std::uint32_t> used;  ///< When last, in ms after `opened`, plus 1; 0: never. Of one that was closed after
                                    ///< it was reported: when that was.
  std::uint32_t thread;
  std::int32_t descriptor;
  std::uint64_t opened_and_kind;  ///< µs after its tracker began, and the number of the kind.
  std::atomic<Extra*> extra{nullptr};
  unsigned char name_size;
  char name_text[inline_name];  // NOLINT(*-avoid-c-arrays): as small as it is

  std::string_view name() const noexcept {
    if (name_size != long_name) return {name_text, name_size};
    return extra.load(std::memory_order_acquire)->name;
  }

  std::uint64_t opened_us() const noexcept { return opened_and_kind >> kind_bits; }
  std::uint64_t used_us() const noexcept {
    const std::uint32_t after_ms = used.load(std::memory_order_relaxed);
    return opened_us() + (after_ms == 0 ? 0 : std::uint64_t{after_ms - 1} * 1000);
  }
  Kind kind() const noexcept { return kind_at(static_cast<std::uint16_t>(opened_and_kind)); }

  static OnDrop on_drop_of(std::uint32_t state) noexcept {
    return static_cast<OnDrop>((state & on_drop_mask) >> on_drop_shift);
  }

  static std::uint32_t unwinding_of(std::uint32_t state) noexcept {
    return (state & unwinding_mask) >> unwinding_shift;
  }
  static std::uint32_t unwinding_bits(unsigned exceptions) noexcept { return (exceptions & 15U) << unwinding_shift; }

  /// The Extra, made if there is none. Throws `std::bad_alloc`.
  Extra& need_extra();

  Family* family_as_child() const noexcept { return extra.load(std::memory_order_acquire)->as_child.get(); }
  Family* family_as_parent() const noexcept {
    const Extra* const more = extra.load(std::memory_order_acquire);
    return more == nullptr ? nullptr : more->as_parent.load(std::memory_order_acquire);
  }
};
static_assert(sizeof(Record) == 64);

}  // namespace LEASH_NAMESPACE::track::detail
