#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/fitting_faults.hpp>
#include <leash/fault/point.hpp>
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

/// The places that a sweep has come to. Places with the same key are one. Not thread-safe.
class Places {
 public:
  explicit Places(const FittingFaults& faults) : faults_(faults) {}

  /// The number of the place of `point`: from 0 on, in the order in which they were come to.
  std::size_t index_of(const Point& point);

  const Place& operator[](std::size_t index) const noexcept { return places_[index]; }
  std::size_t size() const noexcept { return places_.size(); }

  /// Whether lines of the source can be read.
  bool reads_sources() const noexcept;

 private:
  std::size_t find_or_add(const Point& point, const PlaceAddress& address);

  const FittingFaults& faults_;
  std::vector<Place> places_;
  std::unordered_map<PlaceAddress, std::size_t, PlaceAddressHash> by_address_;
  std::unordered_map<std::uint64_t, std::size_t> by_key_;
};

}  // namespace LEASH_NAMESPACE::fault::detail
