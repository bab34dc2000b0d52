#include <array>
#include <charconv>
#include <leash/fault/detail/errno_name.hpp>
#include <leash/fault/detail/sweep_plan.hpp>
#include <leash/fault/detail/token.hpp>
#include <limits>
#include <optional>

namespace LEASH_NAMESPACE::fault::detail {
namespace {

/// Only what no shell takes for its own.
void write_shell_word(TokenBuffer& out, std::string_view text) noexcept {
  if (text.empty()) out.add('-');
  for (const char letter : text) {
    const bool plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                       (letter >= '0' && letter <= '9') || letter == ':' || letter == '_';
    out.add(plain ? letter : '_');
  }
}

void write_hex(TokenBuffer& out, std::uint32_t number) noexcept {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (unsigned shift = 32; shift > 0; shift -= 4) out.add(digits[number >> (shift - 4) & 15U]);
}

void write_number(TokenBuffer& out, std::uint64_t number) noexcept {
  std::array<char, std::numeric_limits<std::uint64_t>::digits10 + 1> digits{};
  out.add({digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr});
}

void write_fault(TokenBuffer& out, const Fault& fault) {
  switch (fault.effect) {
    case Effect::fail:
      out.add(errno_name(fault.code));
      break;
    case Effect::fail_after:
      out.add("after.");
      out.add(errno_name(fault.code));
      break;
    case Effect::shorten:
      out.add("short.");
      write_number(out, fault.bytes);
      out.add('.');
      out.add(errno_name(fault.code));
      break;
    case Effect::delay:
      out.add("delay.");
      out.add(duration_text(fault.delay));
      break;
    case Effect::full:
      out.add("full.");
      write_number(out, fault.bytes);
      break;
    default:
      out.add(to_string(fault.effect));
  }
}

template <class Number>
std::optional<Number> whole_number(std::string_view text, int base = 10) noexcept {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Splits off what stands before `separator`.
std::string_view part_before(std::string_view& text, char separator) noexcept {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::optional<Fault> fault_of_word(std::string_view word) {
  if (const std::optional<std::errc> code = errno_named(word)) return Fault{.code = *code};
  const std::string_view name = part_before(word, '.');
  for (const Effect each : {Effect::end, Effect::reset, Effect::crash}) {
    if (name != to_string(each)) continue;
    return word.empty() ? std::optional(Fault{.effect = each}) : std::nullopt;
  }
  if (name == "delay") {
    const auto delay = duration_named(word);
    return delay ? std::optional(Fault{.effect = Effect::delay, .delay = *delay}) : std::nullopt;
  }
  if (name == "after") {
    const auto code = errno_named(word);
    return code ? std::optional(Fault{.effect = Effect::fail_after, .code = *code}) : std::nullopt;
  }
  if (name != "short" && name != "full") return std::nullopt;
  const auto bytes = whole_number<std::uint64_t>(part_before(word, '.'));
  if (!bytes) return std::nullopt;
  if (name == "full") return Fault{.effect = Effect::full, .bytes = *bytes};
  const auto code = errno_named(word);
  return code ? std::optional(Fault{.effect = Effect::shorten, .code = *code, .bytes = *bytes}) : std::nullopt;
}

std::optional<TokenItem> item_of_text(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) part = part_before(text, '/');
  const auto key = whole_number<std::uint32_t>(parts[2], 16);
  const auto occurrence = whole_number<std::uint32_t>(part_before(parts[3], 'x'));
  const auto times = parts[3].empty() ? std::optional<std::uint32_t>(1) : whole_number<std::uint32_t>(parts[3]);
  const std::optional<Fault> fault = fault_of_word(parts[4]);
  if (!text.empty() || parts[0].empty() || parts[2].size() != 8 || !key || !fault) return std::nullopt;
  if (!occurrence || *occurrence == 0 || !times || *times == 0) return std::nullopt;
  return TokenItem{std::string(parts[0]), std::string(parts[1]), *key, *occurrence, *times, *fault};
}

}  // namespace

std::uint32_t short_key(const Place& place) noexcept {
  return static_cast<std::uint32_t>(place.key ^ place.key >> 32U);
}

// The names of errors and durations are strings that are short enough to need no memory.
void write_token(TokenBuffer& out, std::span<const Struck> struck) noexcept {
  for (std::size_t first = 0; first < struck.size();) {
    const Injection& injection = struck[first].injection;
    std::uint32_t times = 1;
    while (first + times < struck.size() && struck[first + times].injection.fault == injection.fault &&
           struck[first + times].injection.step == Step{injection.step.place, injection.step.occurrence + times}) {
      ++times;
    }
    const Place& place = *struck[first].place;
    if (first != 0) out.add('+');
    first += times;
    write_shell_word(out, place.operation);
    out.add('/');
    write_shell_word(out, place.function);
    out.add('/');
    write_hex(out, short_key(place));
    out.add('/');
    write_number(out, injection.step.occurrence);
    if (times != 1) {
      out.add('x');
      write_number(out, times);
    }
    out.add('/');
    write_fault(out, injection.fault);
  }
}

std::string token_of(std::span<const Struck> struck) {
  TokenBuffer token;
  write_token(token, struck);
  return std::string(token.text());
}

Result<std::vector<TokenItem>> parse_token(std::string_view token) {
  std::vector<TokenItem> items;
  std::string_view rest = token;
  do {
    const std::string_view part = part_before(rest, '+');
    std::optional<TokenItem> item = item_of_text(part);
    if (!item) {
      return fail("replay", token, std::errc::invalid_argument,
                  "no token of a sweep: expected operation/function/key/occurrence/fault");
    }
    items.push_back(*std::move(item));
  } while (!rest.empty());
  return items;
}

}  // namespace LEASH_NAMESPACE::fault::detail
