#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <leash/config.hpp>
#include <leash/fault/fitting_faults.hpp>
#include <leash/fault/point.hpp>
#include <leash/os/mutex.hpp>
#include <source_location>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

/// An operation on a line of the source.
struct Place {
  std::string operation;
  std::string function;  ///< Its name without parameters; empty if a test framework made it up.
  std::source_location location;
  std::uint64_t key;  ///< Made of the operation, the function, the file's name and the text of the line.
  const std::vector<Fault>* faults;
  bool own;       ///< `Point::own`
  bool has_text;  ///< Whether the line could be read; else the key has its number.
};

/// What is compared before the texts are: where these lie.
struct PlaceAddress {
  const char* operation;
  const char* file;
  const char* function;
  std::uint32_t line;

  bool operator==(const PlaceAddress&) const noexcept = default;
};

struct PlaceAddressHash {
  std::size_t operator()(const PlaceAddress& address) const noexcept;
};

/// A place, and its number: from 0 on, in the order in which a sweep came to them.
struct NumberedPlace {
  std::uint32_t number;
  const Place* place;
};

/// The places that a sweep has come to. Places with the same key are one. They stay where they are, as they are.
/// Thread-safe.
class Places {
 public:
  explicit Places(const FittingFaults& faults) : faults_(faults) {}

  NumberedPlace find_or_add(const Point& point, const PlaceAddress& address);

  const Place& operator[](std::size_t number) const;
  std::size_t size() const;

  /// Whether lines of the source can be read.
  bool reads_sources() const;

 private:
  const FittingFaults& faults_;
  mutable os::Mutex mutex_;
  std::deque<Place> places_;
  std::unordered_map<std::uint64_t, NumberedPlace> by_key_;
};

/// Remembers the places of a runner by where their texts lie. Not thread-safe.
class PlaceCache {
 public:
  explicit PlaceCache(Places& places) : places_(places) {}

  NumberedPlace find(const Point& point);

  Places& places() const noexcept { return places_; }

 private:
  Places& places_;
  std::unordered_map<PlaceAddress, NumberedPlace, PlaceAddressHash> by_address_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
