#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <leash/config.hpp>
#include <leash/detail/ref.hpp>
#include <leash/notes.hpp>
#include <leash/os/open_descriptors.hpp>
#include <leash/os/word_lock.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/store/places.hpp>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

namespace LEASH_NAMESPACE::track::detail {

/// What a resource (the parent) shares with those that depend on it (its children): it tells them when the parent was
/// closed.
struct Family : leash::detail::RefCounted {
  explicit Family(std::string name) : parent(std::move(name)) {}

  const std::string parent;  ///< The parent's name.

  /// When the parent was closed (µs after the tracker began), and where (the bits of a Place). Valid once
  /// `parent_closed` is true.
  std::uint64_t closed_us = 0;
  std::uint32_t closed_at = 0;
  std::atomic<bool> parent_closed{false};
};
inline void destroy(const Family* family) noexcept { delete family; }

/// What `Tag::identify` has said of a resource.
struct Identity {
  std::string name;                        ///< Empty if the resource keeps the one that it was opened with.
  std::optional<os::OpenDescriptor> open;  ///< What its descriptor was then.
};

/// What only few records need. A free record keeps its Extra, cleared, for the next resource that is kept there.
struct Extra {
  std::string name;                         ///< If it does not fit into the record.
  Notes notes;                              ///< Of the Context that the resource was opened with.
  leash::detail::Ref<Family> as_child;      ///< The family in which this resource is a child.
  std::atomic<Family*> as_parent{nullptr};  ///< The family in which it is the parent; owns a reference.
  std::atomic<std::uint64_t> bytes_in{0};   ///< How many bytes were read from the resource,
  std::atomic<std::uint64_t> bytes_out{0};  ///< and written to it.
  std::atomic<bool> named_by_ends{false};   ///< Set by `Tag::identify_by_ends`.

  ~Extra() { clear(); }

  /// Sets the note of `Tag::note`. Thread-safe, as are the functions that follow.
  void set_note(Notes note) noexcept {
    const std::lock_guard<os::WordLock> lock(lock_);
    std::swap(note_, note);
  }
  Notes note() const noexcept {
    const std::shared_lock<os::WordLock> lock(lock_);
    return note_;
  }
  /// Throws `std::bad_alloc`.
  void set_identity(std::string_view text, const std::optional<os::OpenDescriptor>& open) {
    auto identity = std::make_shared<const Identity>(std::string(text), open);
    const std::lock_guard<os::WordLock> lock(lock_);
    std::swap(identity_, identity);
  }
  /// Null if there is none.
  std::shared_ptr<const Identity> identity() const noexcept {
    const std::shared_lock<os::WordLock> lock(lock_);
    return identity_;
  }

  void clear() noexcept {
    // Keeps the memory of a name of usual length for the next name.
    if (name.capacity() > 256) std::string().swap(name);
    name.clear();
    notes = Notes();
    note_ = Notes();
    identity_ = nullptr;
    as_child = nullptr;
    named_by_ends.store(false, std::memory_order_relaxed);
    bytes_in.store(0, std::memory_order_relaxed);
    bytes_out.store(0, std::memory_order_relaxed);
    const Family* const family = as_parent.exchange(nullptr, std::memory_order_acq_rel);
    if (family != nullptr && family->drop_ref()) destroy(family);
  }

 private:
  mutable os::WordLock lock_;
  Notes note_;  ///< One or none.
  std::shared_ptr<const Identity> identity_;
};

/// What the tracker keeps of one resource, from its opening until its tag is gone; one cache line. It lies in a page of
/// the shard that it was taken from, and is reused.
///
/// `state` says who may touch it. A record that is open or closed belongs to its tag; the threads that use the tag
/// write only the atomic members. A thread that reads all records first pins one that is open or orphaned: a pinned
/// record keeps its contents until it is unpinned, even if its tag ends.
///
/// `close` may run in a signal handler, where no memory can be allocated for a finding. It only
/// marks in `state` what it finds (`orphaned`, or closed and `reported`); the verdict or the end of the tag, whichever
/// comes first, records the finding.
struct alignas(64) Record {
  enum State : std::uint32_t {
    open = 1U << 0U,
    closed = 1U << 1U,  ///< Neither open nor closed: it is free, or being filled in.
    pinned = 1U << 2U,
    ended = 1U << 3U,     ///< Its tag ended while it was pinned: the thread that unpins it puts it back.
    reported = 1U << 4U,  ///< The verdict called it leaked.
    baseline = 1U << 5U,  ///< It was open at `set_baseline`.
    failed = 1U << 6U,    ///< An operation on the resource failed (`Tag::set_failed`).
    child = 1U << 7U,     ///< `extra->as_child` is set.
    on_drop_shift = 8,    ///< Two bits of OnDrop.
    on_drop_mask = 3U << 8U,
    orphaned = 1U << 10U,  ///< A child that was closed after its parent.
    /// A child that needs no (other) finding `outlived-parent`: it has one, or was opened after its parent was closed.
    orphan_handled = 1U << 11U,
    unwinding_shift = 12,  ///< Four bits: how many exceptions were unwinding when it was opened, modulo 16.
    unwinding_mask = 15U << 12U,
    closer_shift = 16,  ///< Sixteen bits: the `closer_id` of the thread that closed it.
  };

  static constexpr std::size_t inline_name = 15;
  static constexpr unsigned char long_name = 0xff;  ///< As `name_size`: the name is in `extra`.
  static constexpr unsigned kind_bits = 16;

  std::atomic<std::uint32_t> state{0};
  /// The number of the record among those that its shard opened, from 1 on, modulo 2^32. Of a free record: the index of
  /// the next free one in the page.
  std::uint32_t serial;
  std::uint32_t opened_at;               ///< The bits of a Place.
  std::atomic<std::uint32_t> closed_at;  ///< The bits of a Place; stored soon after `state` becomes closed.
  std::atomic<std::uint32_t> used_at;    ///< The bits of the Place of the last use, if `used` is not 0.
  /// When it was used last: ms after it was opened, plus 1; 0: never. Of a record that was closed after it was
  /// reported: when it was closed.
  std::atomic<std::uint32_t> used;
  std::uint32_t thread;  ///< The `ThisThread::number` of the thread that opened it.
  std::atomic<std::int32_t> descriptor;
  /// When it was opened (µs after its tracker began; 0 at level `count`), and in the low `kind_bits` the number of its
  /// kind. Of a record in `Shard::returned_`: the next record there.
  std::uint64_t opened_and_kind;
  std::atomic<Extra*> extra{nullptr};
  unsigned char name_size;
  char name_text[inline_name];  // NOLINT(*-avoid-c-arrays): as small as it is

  std::string_view name() const noexcept {
    if (name_size != long_name) return {name_text, name_size};
    return extra.load(std::memory_order_acquire)->name;
  }

  /// The name that reports show: that of `Tag::identify`, else the one that it was opened with. Throws
  /// `std::bad_alloc`.
  std::string shown_name() const {
    const Extra* const more = extra.load(std::memory_order_acquire);
    const auto identity = more == nullptr ? nullptr : more->identity();
    return identity && !identity->name.empty() ? identity->name : std::string(name());
  }

  std::uint64_t opened_us() const noexcept { return opened_and_kind >> kind_bits; }
  std::uint64_t used_us() const noexcept {
    const std::uint32_t after_ms = used.load(std::memory_order_relaxed);
    return opened_us() + (after_ms == 0 ? 0 : std::uint64_t{after_ms - 1} * 1000);
  }
  Kind kind() const noexcept { return kind_at(static_cast<std::uint16_t>(opened_and_kind)); }
  unsigned kind_slot() const noexcept { return kind_slot_of(opened_and_kind); }

  static OnDrop on_drop_of(std::uint32_t state) noexcept {
    return static_cast<OnDrop>((state & on_drop_mask) >> on_drop_shift);
  }

  static std::uint32_t unwinding_of(std::uint32_t state) noexcept {
    return (state & unwinding_mask) >> unwinding_shift;
  }
  static std::uint32_t unwinding_bits(unsigned exceptions) noexcept { return (exceptions & 15U) << unwinding_shift; }

  /// Returns the Extra, allocated if there is none. Throws `std::bad_alloc`.
  Extra& ensure_extra();

  Family* family_as_child() const noexcept { return extra.load(std::memory_order_acquire)->as_child.get(); }
  Family* family_as_parent() const noexcept {
    const Extra* const more = extra.load(std::memory_order_acquire);
    return more == nullptr ? nullptr : more->as_parent.load(std::memory_order_acquire);
  }
};
static_assert(sizeof(Record) == 64);

}  // namespace LEASH_NAMESPACE::track::detail
