#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "answer.hpp"
#include "step.hpp"

namespace differential {

/// `text` as it is written in C++. A long run of one byte, or of `/a`, is not spelled out.
inline std::string spelled(std::string_view text) {
  const auto literal = [](std::string_view part) {
    static constexpr std::string_view digits = "01234567";
    std::string code = "\"";
    for (const char byte : part) {
      const auto value = static_cast<unsigned char>(byte);
      if (byte == '"' || byte == '\\') code += '\\';
      if (value >= 0x20 && value < 0x7f) {
        code += byte;
      } else {
        code += '\\';
        for (const unsigned shift : {6U, 3U, 0U}) code += digits[(value >> shift) & 7U];
      }
    }
    return code + '"';
  };
  constexpr std::size_t long_run = 60;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::size_t end = std::min(text.find_first_not_of(text[at], at), text.size());
    if (end - at >= long_run) {
      return spelled(text.substr(0, at)) + " + std::string(" + std::to_string(end - at) + ", '" + text[at] + "') + " +
             spelled(text.substr(end));
    }
  }
  if (text.contains('\0')) return "std::string(" + literal(text) + ", " + std::to_string(text.size()) + ')';
  return literal(text);
}

inline std::string spell(const leash::fs::OpenOptions& options) {
  std::string code;
  const auto add = [&](bool set, std::string_view name) {
    if (set) code.append(code.empty() ? "" : ", ").append(".").append(name).append(" = true");
  };
  add(options.read, "read");
  add(options.write, "write");
  add(options.append, "append");
  add(options.create, "create");
  add(options.exclusive, "exclusive");
  add(options.truncate, "truncate");
  add(options.unnamed, "unnamed");
  add(options.directory, "directory");
  add(options.no_follow, "no_follow");
  if (options.mode != 0666) code += std::string(code.empty() ? "" : ", ") + ".mode = " + std::to_string(options.mode);
  return '{' + code + '}';
}

inline std::string spell(std::optional<leash::Clock::system_time_point> time) {
  if (!time) return "std::nullopt";
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time->time_since_epoch()).count();
  return "leash::Clock::system_time_point(std::chrono::nanoseconds(" + std::to_string(since) + "))";
}

/// What is called in a step, as it would be written in a test whose handles are in `file`, `map` and `dir`.
inline std::string call_of(const Step& step) {
  const auto on_path = [&](std::string_view name, const std::string& arguments = "") {
    return "files." + std::string(name) + "(ctx, " + spelled(step.path) + arguments + ')';
  };
  const auto on_two = [&](std::string_view name) { return on_path(name, ", " + spelled(step.other)); };
  const auto on_file = [&](std::string_view name, const std::string& arguments = "") {
    return "file[" + std::to_string(step.file) + "]->" + std::string(name) + '(' + arguments + ')';
  };
  const auto on_map = [&](std::string_view name) {
    return "map[" + std::to_string(step.map) + "]->" + std::string(name);
  };
  const auto on_dir = [&](std::string_view name) {
    return "dir[" + std::to_string(step.dir) + "]->" + std::string(name);
  };
  const auto number = [](std::uint64_t n) { return std::to_string(n) + (n > INT64_MAX ? "U" : ""); };
  const std::string offset = number(step.offset);
  const std::string size = number(step.size);
  const std::string mode = std::to_string(step.mode);
  const std::string times = spell(step.accessed) + ", " + spell(step.modified);
  const std::string data = "data_of(" + size + ", '" + step.fill + "')";
  const std::string room = "std::as_writable_bytes(std::span(buffer))";
  static constexpr std::array whences{"begin", "current", "end"};
  const std::string by = step.by == INT64_MIN ? std::string("INT64_MIN") : std::to_string(step.by);
  const std::string range = '{' + offset + ", " + size + '}';
  switch (step.kind) {
    case Kind::stat:
      return on_path("stat");
    case Kind::lstat:
      return on_path("lstat");
    case Kind::read_dir:
      return on_path("read_dir");
    case Kind::read_dir_info:
      return on_path("read_dir_info");
    case Kind::list_in_pieces:
    case Kind::open_dir:
      return on_path("open_dir");
    case Kind::mkdir:
      return on_path("mkdir", ", " + mode);
    case Kind::mkdir_all:
      return on_path("mkdir_all", ", " + mode);
    case Kind::remove:
      return on_path("remove");
    case Kind::remove_file:
      return on_path("remove_file");
    case Kind::remove_dir:
      return on_path("remove_dir");
    case Kind::remove_all:
      return on_path("remove_all");
    case Kind::rename:
      return on_two("rename");
    case Kind::link:
      return on_two("link");
    case Kind::symlink:
      return "files.symlink(ctx, " + spelled(step.other) + ", " + spelled(step.path) + ')';
    case Kind::read_link:
      return on_path("read_link");
    case Kind::chmod:
      return on_path("chmod", ", " + mode);
    case Kind::set_times:
      return on_path("set_times", ", " + times);
    case Kind::truncate:
      return on_path("truncate", ", " + size);
    case Kind::sync_dir:
      return on_path("sync_dir");
    case Kind::space:
      return on_path("space");
    case Kind::open:
      return on_path("open", ", " + spell(step.options));
    case Kind::file_read:
      return on_file("read", room);
    case Kind::file_write:
      return on_file("write", data);
    case Kind::file_read_at:
      return on_file("read_at", room + ", " + offset);
    case Kind::file_write_at:
      return on_file("write_at", data + ", " + offset);
    case Kind::file_seek:
      return on_file("seek", by + ", fs::Whence::" + whences[static_cast<std::size_t>(step.whence)]);
    case Kind::file_truncate:
      return on_file("truncate", size);
    case Kind::file_allocate:
      return on_file("allocate", offset + ", " + size);
    case Kind::file_sync:
      return on_file("sync");
    case Kind::file_sync_data:
      return on_file("sync_data");
    case Kind::file_stat:
      return on_file("stat");
    case Kind::file_chmod:
      return on_file("chmod", mode);
    case Kind::file_set_times:
      return on_file("set_times", times);
    case Kind::file_try_lock:
      return on_file("try_lock", std::string("fs::LockMode::") +
                                     (step.lock == leash::fs::LockMode::shared ? "shared, " : "exclusive, ") + range);
    case Kind::file_lock:
      return "lock(*file[" + std::to_string(step.file) +
             "], fs::LockMode::" + (step.lock == leash::fs::LockMode::shared ? "shared, " : "exclusive, ") + range +
             ')';
    case Kind::file_unlock:
      return on_file("unlock", range);
    case Kind::file_close:
      return on_file("close");
    case Kind::map:
      return on_file("map", offset + ", " + size +
                                ", fs::MapMode::" + (step.mapping == leash::fs::MapMode::read ? "read" : "write"));
    case Kind::map_read:
      return on_map("bytes()");
    case Kind::map_write:
      return on_map("writable_bytes()");
    case Kind::map_sync:
      return on_map("sync()");
    case Kind::map_close:
      return on_map("close()");
    case Kind::dir_read:
      return on_dir("read(") + std::to_string(step.size % 4) + ')';
    case Kind::dir_stat:
      return on_dir("stat()");
    case Kind::dir_close:
      return on_dir("close()");
    case Kind::tree:
      return "tree_of(files)";
  }
  return {};
}

/// A step as lines of a test that expects `answer`.
inline std::string spell(const Step& step, const Answer& answer) {
  const std::string call = call_of(step);
  if (answer.code) return "CHECK(text_of(" + call + ") == " + spelled(answer.text) + ");";
  const std::string text = spelled(answer.text);
  const auto keep = [&](std::string_view in, unsigned at) {
    return std::string(in) + '[' + std::to_string(at) + "] = " + call + ".value();";
  };
  switch (step.kind) {
    case Kind::open:
      return keep("file", step.file);
    case Kind::map:
      return keep("map", step.map);
    case Kind::open_dir:
      return keep("dir", step.dir);
    case Kind::stat:
    case Kind::lstat:
    case Kind::read_dir:
    case Kind::read_dir_info:
    case Kind::file_stat:
    case Kind::dir_stat:
      return "CHECK(describe(" + call + ".value()) == " + text + ");";
    case Kind::read_link:
      return "CHECK(" + call + ".value() == " + text + ");";
    case Kind::file_seek:
      return "CHECK(" + call + ".value() == " + answer.text + ");";
    case Kind::file_read:
    case Kind::file_read_at: {
      const std::size_t space = answer.text.find(' ');
      return "buffer.assign(" + std::to_string(std::min<std::uint64_t>(step.size, 150000)) + ", '?');\n  CHECK(" +
             call + ".value() == " + answer.text.substr(0, space) +
             ");\n  CHECK(brief(buffer) == " + spelled(answer.text.substr(space + 1)) + ");";
    }
    case Kind::map_read:
      return "CHECK(brief(" + call + ") == " + text + ");";
    case Kind::map_write: {
      const std::uint64_t size = std::stoull(answer.text);
      const std::string count = answer.text.substr(answer.text.find(", ") + 2);
      return "buffer = data_of(" + std::to_string(step.size) + ", '" + step.fill +
             "');\n  std::ranges::copy(std::as_bytes(std::span(buffer)).first(" + std::to_string(std::stoull(count)) +
             "), " + call + ".begin() + " + std::to_string(size == 0 ? 0 : step.mode % size) + ");";
    }
    case Kind::tree:
      return "CHECK(" + call + " == " + text + ");";
    default:
      break;
  }
  return "CHECK(" + call + ");";
}

}  // namespace differential
