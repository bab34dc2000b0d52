#pragma once

#include <algorithm>
#include <array>
#include <leash/context.hpp>
#include <leash/detail/escape.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/walk.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "step.hpp"

namespace differential {

/// Those that stay open between the steps.
struct Handles {
  struct Map {
    std::shared_ptr<leash::fs::File> file;
    std::uint64_t offset = 0;
    std::uint64_t end = 0;  ///< The least size of the file since it was mapped: what is behind must not be compared.
    std::unique_ptr<leash::fs::Mapping> mapping;
  };
  std::array<std::shared_ptr<leash::fs::File>, files_kept> files;
  std::array<Map, maps_kept> maps;
  std::array<std::unique_ptr<leash::fs::Dir>, dirs_kept> dirs;
};

/// What a file system answered, as text that can be compared.
struct Answer {
  std::string text;
  std::error_code code;  ///< None if it succeeded.
};

/// What is answered instead of using a handle that is not open.
inline constexpr std::string_view nothing_open = "nothing open";

template <class T, class Print>
Answer answer(const leash::Result<T>& result, Print print) {
  if (!result) return {to_string(result.error()), result.error().code()};
  return {print(*result), {}};
}

inline Answer answer(const leash::Result<void>& result) {
  if (!result) return {to_string(result.error()), result.error().code()};
  return {"success", {}};
}

inline std::string describe(const leash::fs::FileInfo& info) {
  std::string text = info.name + " type " + std::to_string(static_cast<int>(info.type));
  text += " mode " + std::to_string(info.mode);
  if (!info.is_directory()) text += " size " + std::to_string(info.size) + " links " + std::to_string(info.links);
  return text;
}

template <class Entry>
std::string describe(const std::vector<Entry>& entries) {
  std::string text;
  for (const Entry& entry : entries) {
    if constexpr (requires { entry.size; }) {
      text += describe(entry) + "; ";
    } else {
      text += entry.name + ':' + std::to_string(static_cast<int>(entry.type)) + ' ';
    }
  }
  return text;
}

/// The bytes or, if they are many, a hash of them.
inline std::string brief(std::string_view bytes) {
  if (bytes.size() <= 64) return '"' + leash::detail::escape(bytes) + '"';
  std::uint64_t hash = 14695981039346656037U;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211U;
  return std::to_string(bytes.size()) + " bytes, " + std::to_string(hash);
}

inline std::string brief(std::span<const std::byte> bytes) {
  return brief(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

/// What a step writes: `size` bytes, no two parts of which look alike.
inline std::string data_of(const Step& step) {
  std::string data(std::min<std::uint64_t>(step.size, 150000), step.fill);
  for (std::size_t at = 7; at < data.size(); at += 7) data[at] = static_cast<char>('0' + at / 7 % 75);
  return data;
}

/// All names with their metadata, and the beginning and the end of each file.
inline std::string tree_of(leash::fs::FileSystem& files) {
  const leash::Context ctx;
  std::string text;
  const auto visit = [&](std::string_view path, const leash::fs::DirEntry& entry,
                         const std::optional<leash::Error>& error) {
    text += std::string(path) + ' ';
    if (error) text += to_string(*error);
    text += answer(files.lstat(ctx, path), [](const auto& info) { return describe(info); }).text;
    if (entry.type == leash::fs::FileType::symlink) {
      text += ' ' + answer(files.read_link(ctx, path), [](const std::string& target) { return target; }).text;
    }
    if (entry.type == leash::fs::FileType::regular) {
      const auto file = files.open(ctx, path).value();
      const std::uint64_t size = file->stat().value().size;
      std::string buffer(300000, '?');
      const auto bytes = std::as_writable_bytes(std::span(buffer));
      text += ' ' + brief(bytes.first(file->read_at(bytes, 0).value()));
      if (size > bytes.size()) text += ' ' + brief(bytes.first(file->read_at(bytes, size - bytes.size()).value()));
    }
    text += '\n';
    return leash::fs::WalkNext::go_on;
  };
  if (const auto walked = leash::fs::walk(ctx, files, ".", visit); !walked) text += to_string(walked.error());
  return text;
}

inline Answer list_in_pieces(leash::fs::FileSystem& files, const Step& step) {
  auto dir = files.open_dir(leash::Context(), step.path);
  if (!dir) return {to_string(dir.error()), dir.error().code()};
  std::vector<leash::fs::DirEntry> all;
  for (;;) {
    auto piece = (*dir)->read(1 + step.size % 3);
    if (!piece) return {to_string(piece.error()), piece.error().code()};
    if (piece->empty()) break;
    all.insert(all.end(), piece->begin(), piece->end());
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return {describe(all) + answer((*dir)->close()).text, {}};
}

/// Sets times by `set` and says whether `stat` tells them afterwards.
template <class Stat, class Set>
Answer set_times(const Step& step, Stat stat, Set set) {
  const auto before = stat();
  Answer result = answer(set());
  const auto after = stat();
  if (result.code || !before || !after) return result;
  if (after->accessed != step.accessed.value_or(before->accessed)) result.text += ", another accessed";
  if (after->modified != step.modified.value_or(before->modified)) result.text += ", another modified";
  return result;
}

inline Answer map_answer(Handles& handles, const Step& step) {
  Handles::Map& map = handles.maps[step.map];
  if (step.kind == Kind::map) {
    const auto& file = handles.files[step.file];
    if (!file) return {std::string(nothing_open), {}};
    auto mapped = file->map(step.offset, static_cast<std::size_t>(step.size), step.mapping);
    const Answer result =
        answer(mapped, [](const auto& mapping) { return std::to_string(mapping->bytes().size()) + " bytes"; });
    if (mapped) map = {.file = file, .offset = step.offset, .end = UINT64_MAX, .mapping = *std::move(mapped)};
    return result;
  }
  if (!map.mapping) return {std::string(nothing_open), {}};
  if (step.kind == Kind::map_sync) return answer(map.mapping->sync());
  if (step.kind == Kind::map_close) return answer(map.mapping->close());
  const std::uint64_t there = map.end > map.offset ? map.end - map.offset : 0;
  if (step.kind == Kind::map_read) {
    const auto bytes = map.mapping->bytes();
    return {brief(bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), there)))), {}};
  }
  const auto bytes = map.mapping->writable_bytes();
  const auto within = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), there));
  const std::string data = data_of(step);
  const std::size_t at = within == 0 ? 0 : step.mode % within;
  const std::size_t count = std::min(within - at, data.size());
  std::ranges::copy(std::as_bytes(std::span(data)).first(count), bytes.begin() + static_cast<std::ptrdiff_t>(at));
  return {std::to_string(bytes.size()) + " bytes, " + std::to_string(count) + " written", {}};
}

inline Answer dir_answer(leash::fs::FileSystem& files, Handles& handles, const Step& step) {
  auto& dir = handles.dirs[step.dir];
  if (step.kind == Kind::open_dir) {
    auto opened = files.open_dir(leash::Context(), step.path);
    Answer result = answer(opened, [](const auto&) { return std::string("open"); });
    if (opened) dir = *std::move(opened);
    return result;
  }
  if (!dir) return {std::string(nothing_open), {}};
  // Which names come next is each file system's own affair.
  if (step.kind == Kind::dir_read) return answer(dir->read(step.size % 4), [](const auto&) { return std::string(); });
  if (step.kind == Kind::dir_stat) return answer(dir->stat(), [](const auto& info) { return describe(info); });
  return answer(dir->close());
}

inline Answer file_answer(Handles& handles, const Step& step) {
  const auto& file = handles.files[step.file];
  if (!file) return {std::string(nothing_open), {}};
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  const auto read = [&](auto how) {
    std::string buffer(std::min<std::uint64_t>(step.size, 150000), '?');
    return answer(how(std::as_writable_bytes(std::span(buffer))),
                  [&](std::size_t count) { return std::to_string(count) + ' ' + brief(buffer); });
  };
  switch (step.kind) {
    case Kind::file_read:
      return read([&](auto bytes) { return file->read(bytes); });
    case Kind::file_read_at:
      return read([&](auto bytes) { return file->read_at(bytes, step.offset); });
    case Kind::file_write:
      return answer(file->write(data_of(step)));
    case Kind::file_write_at:
      return answer(file->write_at(data_of(step), step.offset));
    case Kind::file_seek:
      return answer(file->seek(step.by, step.whence), number);
    case Kind::file_truncate:
      return answer(file->truncate(step.size));
    case Kind::file_allocate:
      return answer(file->allocate(step.offset, step.size));
    case Kind::file_sync:
      return answer(file->sync());
    case Kind::file_sync_data:
      return answer(file->sync_data());
    case Kind::file_stat:
      return answer(file->stat(), [](const auto& info) { return describe(info); });
    case Kind::file_chmod:
      return answer(file->chmod(step.mode));
    case Kind::file_set_times:
      return set_times(
          step, [&] { return file->stat(); }, [&] { return file->set_times(step.accessed, step.modified); });
    case Kind::file_try_lock:
      return answer(file->try_lock(step.lock, {step.offset, step.size}));
    case Kind::file_unlock:
      return answer(file->unlock({step.offset, step.size}));
    default:
      return answer(file->close());
  }
}

/// To be called after each step, for `Handles::Map::end`.
inline void look_at_ends(Handles& handles) {
  for (Handles::Map& map : handles.maps) {
    if (!map.mapping) continue;
    const auto info = map.file->stat();
    map.end = std::min(map.end, info ? info->size : 0);
  }
}

inline Answer answer_of(leash::fs::FileSystem& files, Handles& handles, const Step& step) {
  const leash::Context ctx;
  const auto info = [](const auto& told) { return describe(told); };
  switch (step.kind) {
    case Kind::stat:
      return answer(files.stat(ctx, step.path), info);
    case Kind::lstat:
      return answer(files.lstat(ctx, step.path), info);
    case Kind::read_dir:
      return answer(files.read_dir(ctx, step.path), info);
    case Kind::read_dir_info:
      return answer(files.read_dir_info(ctx, step.path), info);
    case Kind::list_in_pieces:
      return list_in_pieces(files, step);
    case Kind::mkdir:
      return answer(files.mkdir(ctx, step.path, step.mode));
    case Kind::mkdir_all:
      return answer(files.mkdir_all(ctx, step.path, step.mode));
    case Kind::remove:
      return answer(files.remove(ctx, step.path));
    case Kind::remove_file:
      return answer(files.remove_file(ctx, step.path));
    case Kind::remove_dir:
      return answer(files.remove_dir(ctx, step.path));
    case Kind::remove_all:
      return answer(files.remove_all(ctx, step.path));
    case Kind::rename:
      return answer(files.rename(ctx, step.path, step.other));
    case Kind::link:
      return answer(files.link(ctx, step.path, step.other));
    case Kind::symlink:
      return answer(files.symlink(ctx, step.other, step.path));
    case Kind::read_link:
      return answer(files.read_link(ctx, step.path), [](const std::string& target) { return target; });
    case Kind::chmod:
      return answer(files.chmod(ctx, step.path, step.mode));
    case Kind::set_times:
      return set_times(
          step, [&] { return files.stat(ctx, step.path); },
          [&] { return files.set_times(ctx, step.path, step.accessed, step.modified); });
    case Kind::truncate:
      return answer(files.truncate(ctx, step.path, step.size));
    case Kind::sync_dir:
      return answer(files.sync_dir(ctx, step.path));
    case Kind::space:
      return answer(files.space(ctx, step.path), [](const auto&) { return std::string("success"); });
    case Kind::open: {
      auto opened = files.open(ctx, step.path, step.options);
      Answer result = answer(opened, [](const auto&) { return std::string("success"); });
      if (opened) handles.files[step.file] = *std::move(opened);
      return result;
    }
    case Kind::map:
    case Kind::map_read:
    case Kind::map_write:
    case Kind::map_sync:
    case Kind::map_close:
      return map_answer(handles, step);
    case Kind::open_dir:
    case Kind::dir_read:
    case Kind::dir_stat:
    case Kind::dir_close:
      return dir_answer(files, handles, step);
    case Kind::tree:
      return {tree_of(files), {}};
    default:
      return file_answer(handles, step);
  }
}

}  // namespace differential
