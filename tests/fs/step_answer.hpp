#pragma once

#include <algorithm>
#include <array>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "answer.hpp"
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

/// What is answered instead of using a handle that is not open.
inline constexpr std::string_view nothing_open = "nothing open";

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
  const std::string data = data_of(step.size, step.fill);
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

/// `lock` where it need not wait, and else with a Context that is done.
inline leash::Result<void> lock(leash::fs::File& file, leash::fs::LockMode mode, leash::fs::LockRange range) {
  const auto [ctx, source] = leash::Context().with_cancel();
  if (!file.try_lock(mode, range)) source.cancel();
  return file.lock(ctx, mode, range);
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
      return answer(file->write(data_of(step.size, step.fill)));
    case Kind::file_write_at:
      return answer(file->write_at(data_of(step.size, step.fill), step.offset));
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
    case Kind::file_lock:
      return answer(lock(*file, step.lock, {step.offset, step.size}));
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
