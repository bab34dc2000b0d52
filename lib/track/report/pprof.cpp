#include <leash/track/report/pprof.hpp>

#if LEASH_HAVE_PROTOZERO

#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <leash/detail/escape.hpp>
#include <leash/detail/utf8.hpp>
#include <leash/track/report/writers.hpp>
#include <limits>
#include <map>
#include <protozero/pbf_writer.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace LEASH_NAMESPACE::track {
namespace {

// The numbers of the fields are those of profile.proto: https://github.com/google/pprof/blob/main/proto/profile.proto

class ProfileWriter {
 public:
  ProfileWriter() : profile_(out_) {
    text("");
    value_type("open", "count");
    value_type("opened", "count");
    value_type("age", "nanoseconds");
  }

  void add(const Explained::Group& group) {
    const std::vector<std::uint64_t> stack = locations_of(group);
    const bool is_open = group.rule == Rule::leaked || group.rule == Rule::untracked ||
                         group.rule == Rule::outlived_parent || !group.finding;
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    const auto count = static_cast<std::int64_t>(std::min(group.count, most));
    std::string sample;
    protozero::pbf_writer writer(sample);
    writer.add_packed_uint64(1, stack.begin(), stack.end());
    const std::vector<std::int64_t> values{is_open ? count : 0, count, group.total_age.count()};
    writer.add_packed_int64(2, values.begin(), values.end());
    writer.add_message(3, label("kind", group.kind));
    writer.add_message(3, label("rule", to_string(group.rule)));
    profile_.add_message(2, sample);
  }

  void comment(std::string_view what) { comments_.push_back(static_cast<std::int64_t>(text(what))); }

  std::string finish() {
    for (const std::string_view each : texts_) profile_.add_string(6, each.data(), each.size());
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    profile_.add_int64(9, std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
    profile_.add_packed_int64(13, comments_.begin(), comments_.end());
    profile_.add_int64(14, static_cast<std::int64_t>(text("open")));
    return std::move(out_);
  }

 private:
  std::uint64_t text(std::string_view what) {
    // A string of protobuf is UTF-8.
    std::string plain = leash::detail::is_utf8(what) ? std::string(what) : leash::detail::escape(what, what.size());
    const auto [known, is_new] = text_numbers_.try_emplace(std::move(plain), texts_.size());
    if (is_new) texts_.push_back(known->first);
    return known->second;
  }

  void value_type(std::string_view type, std::string_view unit) {
    std::string out;
    protozero::pbf_writer writer(out);
    writer.add_int64(1, static_cast<std::int64_t>(text(type)));
    writer.add_int64(2, static_cast<std::int64_t>(text(unit)));
    profile_.add_message(1, out);
  }

  std::string label(std::string_view key, std::string_view value) {
    std::string out;
    protozero::pbf_writer writer(out);
    writer.add_int64(1, static_cast<std::int64_t>(text(key)));
    writer.add_int64(2, static_cast<std::int64_t>(text(value)));
    return out;
  }

  std::uint64_t function(std::string_view name, std::string_view file) {
    const std::pair key{text(name), text(file)};
    const auto [known, is_new] = functions_.try_emplace(key, functions_.size() + 1);
    if (is_new) {
      std::string out;
      protozero::pbf_writer writer(out);
      writer.add_uint64(1, known->second);
      writer.add_int64(2, static_cast<std::int64_t>(key.first));
      writer.add_int64(3, static_cast<std::int64_t>(key.first));
      writer.add_int64(4, static_cast<std::int64_t>(key.second));
      profile_.add_message(5, out);
    }
    return known->second;
  }

  /// The lines of one address: those of the functions that are inlined there come before that of the function itself.
  using Lines = std::vector<std::pair<std::uint64_t, unsigned>>;

  std::uint64_t location(const Lines& lines) {
    const auto [known, is_new] = locations_.try_emplace(lines, locations_.size() + 1);
    if (is_new) {
      std::string out;
      protozero::pbf_writer writer(out);
      writer.add_uint64(1, known->second);
      for (const auto& [function_number, line] : lines) {
        std::string inner;
        protozero::pbf_writer inner_writer(inner);
        inner_writer.add_uint64(1, function_number);
        inner_writer.add_int64(2, line);
        writer.add_message(4, inner);
      }
      profile_.add_message(4, out);
    }
    return known->second;
  }

  std::vector<std::uint64_t> locations_of(const Explained::Group& group) {
    const Explained::Event* const event = detail::opening_of(group);
    if (event == nullptr || event->frames.empty()) {
      return {location({{function(detail::place_name(group), group.place.file), group.place.line}})};
    }
    std::vector<std::uint64_t> stack;
    Lines lines;
    for (const Explained::Frame& frame : event->frames) {
      lines.emplace_back(function(detail::frame_name(frame), frame.place.file), frame.place.line);
      if (frame.inlined && &frame != &event->frames.back()) continue;
      stack.push_back(location(lines));
      lines.clear();
    }
    return stack;
  }

  std::string out_;
  protozero::pbf_writer profile_;
  std::unordered_map<std::string, std::uint64_t> text_numbers_;
  std::vector<std::string_view> texts_;  ///< The keys of the map, which stay where they are.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> functions_;
  std::map<Lines, std::uint64_t> locations_;
  std::vector<std::int64_t> comments_;
};

Result<std::string> gzip(std::string plain) {
  constexpr int gzip_window = 15 + 16;
  constexpr int most_memory = 8;
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, gzip_window, most_memory, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return fail("write", "pprof", std::errc::not_enough_memory);
  }
  std::string out;
  if (plain.size() > std::numeric_limits<uInt>::max()) {
    ::deflateEnd(&stream);
    return fail("write", "pprof", std::errc::file_too_large);
  }
  out.resize(::deflateBound(&stream, plain.size()));
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  if (code != Z_STREAM_END) return fail("write", "pprof", std::errc::not_enough_memory);
  return out;
}

}  // namespace

Result<std::string> pprof(const Explained& explained) {
  ProfileWriter profile;
  for (const Explained::Group& group : explained.groups) profile.add(group);
  if (const std::string left_out = detail::left_out(explained.groups.size(), explained); !left_out.empty()) {
    profile.comment(left_out);
  }
  for (const std::string& remark : explained.remarks) profile.comment(remark);
  return gzip(profile.finish());
}

}  // namespace LEASH_NAMESPACE::track

#else

namespace LEASH_NAMESPACE::track {

Result<std::string> pprof(const Explained& /*explained*/) {
  return fail("write", "pprof", std::errc::function_not_supported, "leash was built without protozero or zlib");
}

}  // namespace LEASH_NAMESPACE::track

#endif
