#include <algorithm>
#include <leash/fault/detail/places.hpp>
#include <leash/os/lazy.hpp>
#include <leash/os/turn.hpp>
#include <leash/track/report/excerpt.hpp>
#include <leash/track/symbol/function_names.hpp>
#include <leash/track/symbols.hpp>
#include <mutex>
#include <utility>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

/// FNV-1a, with an end after each text.
class KeyHash {
 public:
  void add(std::string_view text) noexcept {
    for (const char letter : text) add_byte(static_cast<unsigned char>(letter));
    add_byte(0xff);
  }
  std::uint64_t value() const noexcept { return value_; }

 private:
  void add_byte(unsigned char byte) noexcept { value_ = (value_ ^ byte) * 0x100000001b3; }

  std::uint64_t value_ = 0xcbf29ce484222325;
};

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// The name in a signature, in the same words whichever compiler wrote it.
std::string plain_function_name(const char* signature) {
  const std::string abridged = track::abridge(signature);
  if (track::detail::is_named_by_framework(abridged)) return {};
  std::string name(track::detail::name_without_parameters(abridged));
  // Compilers and versions of the code number lambdas differently.
  if (const std::size_t lambda = name.find_first_of("{<("); lambda != std::string::npos) name.erase(lambda);
  while (name.ends_with(':')) name.pop_back();
  return track::detail::is_named_by_framework(name) ? std::string() : name;
}

struct NameAndKey {
  std::string function;
  std::uint64_t key;
  bool has_text;
};

NameAndKey read_name_and_key(const Point& point, track::detail::SourceFiles& sources) {
  NameAndKey read{.function = plain_function_name(point.site.function_name()), .key = 0, .has_text = false};
  const std::string file = point.site.file_name();
  const std::vector<std::string> lines = sources.excerpt(file, point.site.line());
  KeyHash hash;
  hash.add(point.operation);
  hash.add(read.function);
  hash.add(std::string_view(file).substr(file.rfind('/') + 1));
  hash.add(lines.empty() ? "line " + std::to_string(point.site.line()) : std::string(trimmed(lines.back())));
  read.key = hash.value();
  read.has_text = !lines.empty();
  return read;
}

/// What the sweeps of this process have read: to read it takes as long as some runs do. Thread-safe.
class KnownKeys {
 public:
  NameAndKey of(const Point& point, const PlaceAddress& address) {
    const std::lock_guard lock(turn_);
    const auto known = known_.find(address);
    if (known != known_.end()) return known->second;
    return known_.emplace(address, read_name_and_key(point, sources_)).first->second;
  }

 private:
  os::Turn turn_;
  track::detail::SourceFiles sources_;
  std::unordered_map<PlaceAddress, NameAndKey, PlaceAddressHash> known_;
};

KnownKeys& known_keys() {
  static constinit os::Lazy<KnownKeys> keys;
  return keys.get([] { return new KnownKeys(); });
}

}  // namespace

std::size_t PlaceAddressHash::operator()(const PlaceAddress& address) const noexcept {
  const auto mix = [](const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) >> 3U; };
  std::size_t hash = mix(address.operation) * 31 + mix(address.file);
  hash = hash * 31 + mix(address.function);
  return (hash * 31 + address.line) * 0x9e3779b97f4a7c15U >> 16U;
}

const Place& Places::operator[](std::size_t number) const {
  const std::lock_guard lock(mutex_);
  return places_[number];
}

std::size_t Places::size() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

bool Places::reads_sources() const {
  const std::lock_guard lock(mutex_);
  return places_.empty() || std::ranges::any_of(places_, &Place::has_text);
}

NumberedPlace Places::find_or_add(const Point& point, const PlaceAddress& address) {
  NameAndKey read = known_keys().of(point, address);
  const std::lock_guard lock(mutex_);
  if (const auto known = by_key_.find(read.key); known != by_key_.end()) return known->second;
  const Place& place = places_.emplace_back(Place{.operation = std::string(point.operation),
                                                  .function = std::move(read.function),
                                                  .location = point.site,
                                                  .key = read.key,
                                                  .faults = &faults_.of(point.operation),
                                                  .own = point.own,
                                                  .has_text = read.has_text});
  const NumberedPlace added{static_cast<std::uint32_t>(places_.size() - 1), &place};
  by_key_.emplace(read.key, added);
  return added;
}

NumberedPlace PlaceCache::find(const Point& point) {
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): it is compared as a pointer
  const PlaceAddress address{point.operation.data(), point.site.file_name(), point.site.function_name(),
                             point.site.line()};
  if (const auto found = by_address_.find(address); found != by_address_.end()) return found->second;
  const NumberedPlace found = places_.find_or_add(point, address);
  by_address_.emplace(address, found);
  return found;
}

}  // namespace LEASH_NAMESPACE::fault::detail
