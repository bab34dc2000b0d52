#include <leash/track/report/json.hpp>

#if LEASH_HAVE_NLOHMANN_JSON

#include <algorithm>
#include <array>
#include <concepts>
#include <leash/detail/utf8.hpp>
#include <leash/track/report/writers.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

using Json = nlohmann::ordered_json;
/// What is read: its objects find their members in logarithmic time, however many somebody wrote.
using Parsed = nlohmann::json;

/// What each object says it is.
constexpr std::string_view schema = "leash-report";

template <class Object, class Value>
struct Member {
  const char* name;
  Value Object::* pointer;
};

/// The members of an object, by which it is both written and read.
template <class Object>
constexpr auto members = nullptr;

template <>
constexpr auto members<Location> =
    std::tuple{Member{"file", &Location::file}, Member{"line", &Location::line}, Member{"column", &Location::column}};

template <>
constexpr auto members<Explained::Frame> =
    std::tuple{Member{"function", &Explained::Frame::function}, Member{"place", &Explained::Frame::place},
               Member{"inlined", &Explained::Frame::inlined},   Member{"module", &Explained::Frame::module},
               Member{"offset", &Explained::Frame::offset},     Member{"lines", &Explained::Frame::lines}};

template <>
constexpr auto members<Explained::Event> =
    std::tuple{Member{"verb", &Explained::Event::verb},           Member{"place", &Explained::Event::place},
               Member{"operation", &Explained::Event::operation}, Member{"frames", &Explained::Event::frames},
               Member{"has_stack", &Explained::Event::has_stack}, Member{"unread", &Explained::Event::unread}};

template <>
constexpr auto members<Explained::LastUse> =
    std::tuple{Member{"place", &Explained::LastUse::place}, Member{"operation", &Explained::LastUse::operation},
               Member{"ago_ns", &Explained::LastUse::ago}, Member{"before", &Explained::LastUse::before}};

template <>
constexpr auto members<Explained::Instance> =
    std::tuple{Member{"name", &Explained::Instance::name},
               Member{"parent", &Explained::Instance::parent},
               Member{"descriptor", &Explained::Instance::descriptor},
               Member{"thread", &Explained::Instance::thread},
               Member{"age_ns", &Explained::Instance::age},
               Member{"notes", &Explained::Instance::notes},
               Member{"last_use", &Explained::Instance::last_use},
               Member{"bytes_in", &Explained::Instance::bytes_in},
               Member{"bytes_out", &Explained::Instance::bytes_out},
               Member{"perhaps_closed", &Explained::Instance::perhaps_closed}};

template <>
constexpr auto members<Explained::Group> = std::tuple{Member{"rule", &Explained::Group::rule},
                                                      Member{"severity", &Explained::Group::severity},
                                                      Member{"finding", &Explained::Group::finding},
                                                      Member{"counted", &Explained::Group::counted},
                                                      Member{"kind", &Explained::Group::kind},
                                                      Member{"kinds", &Explained::Group::kinds},
                                                      Member{"what", &Explained::Group::what},
                                                      Member{"place", &Explained::Group::place},
                                                      Member{"count", &Explained::Group::count},
                                                      Member{"threads", &Explained::Group::threads},
                                                      Member{"min_age_ns", &Explained::Group::min_age},
                                                      Member{"max_age_ns", &Explained::Group::max_age},
                                                      Member{"total_age_ns", &Explained::Group::total_age},
                                                      Member{"events", &Explained::Group::events},
                                                      Member{"instances", &Explained::Group::instances},
                                                      Member{"others_closed_at", &Explained::Group::others_closed_at},
                                                      Member{"advice", &Explained::Group::advice},
                                                      Member{"suppression", &Explained::Group::suppression},
                                                      Member{"fingerprint", &Explained::Group::fingerprint}};

template <>
constexpr auto members<Explained::Summand> =
    std::tuple{Member{"rule", &Explained::Summand::rule}, Member{"count", &Explained::Summand::count},
               Member{"things", &Explained::Summand::things}, Member{"place", &Explained::Summand::place}};

template <>
constexpr auto members<Explained::Suppression> =
    std::tuple{Member{"where", &Explained::Suppression::where}, Member{"line", &Explained::Suppression::line},
               Member{"reason", &Explained::Suppression::reason}, Member{"findings", &Explained::Suppression::findings},
               Member{"resources", &Explained::Suppression::resources}};

template <>
constexpr auto members<Explained> = std::tuple{Member{"headline", &Explained::headline},
                                               Member{"verdict", &Explained::verdict},
                                               Member{"ok", &Explained::ok},
                                               Member{"total_groups", &Explained::total_groups},
                                               Member{"total_resources", &Explained::total_resources},
                                               Member{"sums", &Explained::sums},
                                               Member{"opened", &Explained::opened},
                                               Member{"closed", &Explained::closed},
                                               Member{"remarks", &Explained::remarks},
                                               Member{"summands", &Explained::summands},
                                               Member{"groups", &Explained::groups},
                                               Member{"suppressions", &Explained::suppressions}};

template <class T>
concept HasMembers = !std::same_as<std::remove_const_t<decltype(members<T>)>, std::nullptr_t>;

constexpr std::array every_severity{Severity::failure, Severity::note, Severity::off};
constexpr std::array every_rule{Rule::leaked,          Rule::dropped,         Rule::double_close,
                                Rule::use_after_close, Rule::outlived_parent, Rule::opened_after_end,
                                Rule::untracked,       Rule::closed_late,     Rule::closed_by_other};

std::string_view name_of(Rule rule) noexcept { return to_string(rule); }

std::string_view name_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::failure:
      return "failure";
    case Severity::note:
      return "note";
    case Severity::off:
      break;
  }
  return "off";
}

/// What is not written.
bool is_empty(const std::string& text) noexcept { return text.empty(); }
bool is_empty(const Location& place) noexcept { return place == Location(); }
template <class T>
bool is_empty(const std::vector<T>& values) noexcept {
  return values.empty();
}
template <class T>
bool is_empty(const std::optional<T>& value) noexcept {
  return !value.has_value();
}
template <class T>
bool is_empty(const T& /*other*/) noexcept {
  return false;
}

Json to_json(const std::string& text) {
  if (leash::detail::is_utf8(text)) return text;
  std::string characters;
  for (const char byte : text) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x80U) {
      characters += byte;
    } else {
      characters += static_cast<char>(0xC0U | code >> 6U);
      characters += static_cast<char>(0x80U | (code & 0x3FU));
    }
  }
  Json object = Json::object();
  object["latin1"] = std::move(characters);
  return object;
}
Json to_json(Rule rule) { return name_of(rule); }
Json to_json(Severity severity) { return name_of(severity); }
Json to_json(Clock::duration duration) { return duration.count(); }
Json to_json(std::integral auto number) { return number; }
template <class T>
Json to_json(const std::vector<T>& values);
template <class T>
Json to_json(const std::optional<T>& value);

template <HasMembers T>
Json to_json(const T& value);

template <HasMembers T>
void add_members(Json& object, const T& value) {
  const auto add = [&](const auto& member) {
    const auto& part = value.*member.pointer;
    if (!is_empty(part)) object.get_ref<Json::object_t&>().emplace_back(member.name, to_json(part));
  };
  std::apply([&](const auto&... each) { (add(each), ...); }, members<T>);
}

template <HasMembers T>
Json to_json(const T& value) {
  Json object = Json::object();
  add_members(object, value);
  return object;
}

template <class T>
Json to_json(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(to_json(value));
  return array;
}

template <class T>
Json to_json(const std::optional<T>& value) {
  return value ? to_json(*value) : Json();
}

/// What is wrong with a member.
struct Mismatch {
  std::string path;  ///< Of the member: `groups[3].count`.
  std::string_view expected;
};

/// Reads members of the types that an Explained has. Throws Mismatch.
class Reader {
 public:
  void read(const Parsed& from, std::string& text) {
    if (from.is_object() && from.size() == 1 && from.contains("latin1")) {
      read_latin1(from["latin1"], text);
      return;
    }
    if (!from.is_string()) fail("a string");
    text = from.get_ref<const std::string&>();
  }

  void read(const Parsed& from, bool& value) {
    if (!from.is_boolean()) fail("true or false");
    value = from.get<bool>();
  }

  template <std::integral Number>
  void read(const Parsed& from, Number& number) {
    if (from.is_number_unsigned() && std::in_range<Number>(from.get<std::uint64_t>())) {
      number = static_cast<Number>(from.get<std::uint64_t>());
    } else if (from.is_number_integer() && std::in_range<Number>(from.get<std::int64_t>())) {
      number = static_cast<Number>(from.get<std::int64_t>());
    } else {
      fail("a whole number in range");
    }
  }

  void read(const Parsed& from, Clock::duration& duration) {
    Clock::duration::rep count = 0;
    read(from, count);
    duration = Clock::duration(count);
  }

  void read(const Parsed& from, Rule& rule) { read_name(from, rule, every_rule, "the name of a rule"); }
  void read(const Parsed& from, Severity& severity) {
    read_name(from, severity, every_severity, "failure, note or off");
  }

  template <class T>
  void read(const Parsed& from, std::vector<T>& values) {
    if (!from.is_array()) fail("an array");
    const std::size_t end = path_.size();
    for (const Parsed& each : from) {
      path_ += '[' + std::to_string(values.size()) + ']';
      read(each, values.emplace_back());
      path_.resize(end);
    }
  }

  template <class T>
  void read(const Parsed& from, std::optional<T>& value) {
    read(from, (value = T()).value());
  }

  template <HasMembers T>
  void read(const Parsed& from, T& value) {
    if (!from.is_object()) fail("an object");
    const auto read_member = [&](const auto& member) {
      const auto found = from.find(member.name);
      if (found == from.end()) return;
      const std::size_t end = path_.size();
      if (end != 0) path_ += '.';
      path_ += member.name;
      read(*found, value.*member.pointer);
      path_.resize(end);
    };
    std::apply([&](const auto&... each) { (read_member(each), ...); }, members<T>);
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const { throw Mismatch{path_, expected}; }

  void read_latin1(const Parsed& from, std::string& text) {
    if (!from.is_string()) fail("a string");
    const auto& characters = from.get_ref<const std::string&>();
    text.clear();
    for (std::size_t at = 0; at < characters.size(); ++at) {
      unsigned code = static_cast<unsigned char>(characters[at]);
      if (code >= 0x80U) {
        if (code > 0xC3U) fail("characters of Latin-1");
        code = (code & 0x03U) << 6U | (static_cast<unsigned char>(characters[++at]) & 0x3FU);
      }
      text += static_cast<char>(code);
    }
  }

  template <class Enum, std::size_t count>
  void read_name(const Parsed& from, Enum& value, const std::array<Enum, count>& all, std::string_view expected) {
    if (!from.is_string()) fail(expected);
    const auto* const found = std::ranges::find(all, std::string_view(from.get_ref<const std::string&>()),
                                                [](Enum each) { return name_of(each); });
    if (found == all.end()) fail(expected);
    value = *found;
  }

  std::string path_;
};

std::unexpected<Error> bad(std::string_view name, std::string_view detail) {
  return fail("read", name, std::errc::invalid_argument, detail);
}

/// Where in `text` the byte number `byte` is, from 1 on, that is wrong.
std::string line_and_column(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(byte == 0 ? 0 : byte - 1, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Result<std::string> json(const Explained& explained) {
  Json object = Json::object();
  object["schema"] = schema;
  object["version"] = json_version;
  add_members(object, explained);
  return object.dump() + '\n';
}

Result<Explained> from_json(std::string_view text, std::string_view name) {
  Parsed object;
  try {
    object = Parsed::parse(text);
  } catch (const Parsed::parse_error& error) {
    const bool cut_off = error.byte > text.size();
    return bad(name, line_and_column(text, error.byte) + (cut_off ? ": it is cut off" : ": no JSON"));
  } catch (const Parsed::out_of_range&) {
    return bad(name, "it has a number that is out of range");
  }
  // References, since a copy of what is nested without end would need as much of the stack.
  const auto has = [&](const char* key, const auto& holds) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && holds(*found);
  };
  if (!has("schema", [](const Parsed& value) { return value.is_string() && value == schema; })) {
    return bad(name, R"(it is no report of leash: "schema" is not "leash-report")");
  }
  if (!has("version", [](const Parsed& value) { return value.is_number_integer(); })) {
    return bad(name, "version: expected a whole number");
  }
  if (object["version"] != json_version) {
    return bad(name, "it is of version " + object["version"].dump() + ", and this leash reads version " +
                         std::to_string(json_version));
  }
  Explained explained;
  try {
    Reader().read(object, explained);
  } catch (const Mismatch& mismatch) {
    return bad(name, mismatch.path + ": expected " + std::string(mismatch.expected));
  }
  if (!object.contains("ok")) explained.ok = std::ranges::none_of(explained.groups, detail::is_failure);
  explained.total_groups = std::max<std::uint64_t>(explained.total_groups, explained.groups.size());
  return explained;
}

}  // namespace LEASH_NAMESPACE::track

#else

namespace LEASH_NAMESPACE::track {

Result<std::string> json(const Explained& /*explained*/) {
  return fail("write", "json", std::errc::function_not_supported, "leash was built without nlohmann-json");
}

Result<Explained> from_json(std::string_view /*text*/, std::string_view name) {
  return fail("read", name, std::errc::function_not_supported, "leash was built without nlohmann-json");
}

}  // namespace LEASH_NAMESPACE::track

#endif
