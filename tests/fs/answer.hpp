#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <leash/context.hpp>
#include <leash/detail/escape.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/walk.hpp>
#include <leash/result.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace differential {

/// What a file system answered, as text that can be compared.
struct Answer {
  std::string text;
  std::error_code code;  ///< None if it succeeded.
};

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

/// What a step writes: `size` bytes, no two parts of which look alike; of too many the first.
inline std::string data_of(std::uint64_t size, char fill) {
  std::string data(std::min<std::uint64_t>(size, 150000), fill);
  for (std::size_t at = 7; at < data.size(); at += 7) data[at] = static_cast<char>('0' + at / 7 % 75);
  return data;
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

}  // namespace differential
