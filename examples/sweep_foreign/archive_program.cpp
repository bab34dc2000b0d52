#include "archive_program.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <leash/fs/fault_fs.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/write_file.hpp>
#include <memory>
#include <span>
#include <string>

// LeakSanitizer asks it what to leave out: libarchive forgets a buffer, see docs/found.md.
extern "C" const char* __lsan_default_suppressions() { return "leak:libarchive.so\n"; }  // NOLINT

namespace sweep_foreign {

using leash::Context;
using leash::Result;
using leash::fs::File;
using leash::fs::FileSystem;

namespace {

constexpr int files_packed = 12;

std::string name_of(int number) { return "file" + std::to_string(number); }
std::string content_of(int number) { return std::string(8000, static_cast<char>('a' + number)); }

struct FreeArchive {
  void operator()(archive* freed) const { archive_free(freed); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

struct FreeEntry {
  void operator()(archive_entry* freed) const { archive_entry_free(freed); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

/// The file of an archive, as libarchive's callbacks use it.
struct Stream {
  std::unique_ptr<File> file;
  std::array<std::byte, 4096> buffer{};
};

Stream& of(void* stream) { return *static_cast<Stream*>(stream); }

int fail_by(archive* self, const leash::Error& error) {
  archive_set_error(self, EIO, "%s", to_string(error).c_str());
  return ARCHIVE_FATAL;
}

la_ssize_t write_archive(archive* self, void* stream, const void* data, std::size_t size) {
  const auto written = of(stream).file->write({static_cast<const std::byte*>(data), size});
  return written ? static_cast<la_ssize_t>(size) : fail_by(self, written.error());
}

la_ssize_t read_archive(archive* self, void* stream, const void** data) {
  *data = of(stream).buffer.data();
  const auto got = of(stream).file->read(of(stream).buffer);
  return got ? static_cast<la_ssize_t>(*got) : fail_by(self, got.error());
}

int close_archive(archive* self, void* stream) {
  const auto closed = of(stream).file->close();
  return closed ? ARCHIVE_OK : fail_by(self, closed.error());
}

std::unexpected<leash::Error> failure(const char* operation, archive& failed) {
  const char* const text = archive_error_string(&failed);
  return leash::fail(operation, "all.tar", std::errc::io_error, text == nullptr ? "" : text);
}

Result<void> pack_file(archive& out, const std::string& name, const std::string& content) {
  const Entry entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  if (archive_write_header(&out, entry.get()) != ARCHIVE_OK) return failure("pack", out);
  const la_ssize_t written = archive_write_data(&out, content.data(), content.size());
  if (written != static_cast<la_ssize_t>(content.size())) return failure("pack", out);
  return {};
}

Result<void> pack(const Context& context, FileSystem& files) {
  auto created = files.create(context, "all.tar");
  if (!created) return std::unexpected(created.error());
  Stream stream{std::move(*created)};
  const Archive out(archive_write_new());
  archive_write_set_format_pax_restricted(out.get());
  if (archive_write_open(out.get(), &stream, nullptr, write_archive, close_archive) != ARCHIVE_OK) {
    return failure("open", *out);
  }
  for (int number = 0; number < files_packed; ++number) {
    const auto content = leash::fs::read_file(context, files, name_of(number));
    if (!content) return std::unexpected(content.error());
    if (auto packed = pack_file(*out, name_of(number), *content); !packed) return packed;
  }
  if (archive_write_close(out.get()) != ARCHIVE_OK) return failure("close", *out);
  return {};
}

Result<void> unpack(const Context& context, FileSystem& files) {
  auto opened = files.open(context, "all.tar");
  if (!opened) return std::unexpected(opened.error());
  Stream stream{std::move(*opened)};
  const Archive in(archive_read_new());
  archive_read_support_format_tar(in.get());
  if (archive_read_open(in.get(), &stream, nullptr, read_archive, close_archive) != ARCHIVE_OK) {
    return failure("open", *in);
  }
  archive_entry* entry = nullptr;
  int code = ARCHIVE_OK;
  while ((code = archive_read_next_header(in.get(), &entry)) == ARCHIVE_OK) {
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    const la_ssize_t size = archive_read_data(in.get(), content.data(), content.size());
    if (size != static_cast<la_ssize_t>(content.size())) return failure("unpack", *in);
    const std::string path = "unpacked/" + std::string(archive_entry_pathname(entry));
    if (auto written = leash::fs::write_file(context, files, path, content); !written) return written;
  }
  if (code != ARCHIVE_EOF) return failure("unpack", *in);
  if (archive_read_close(in.get()) != ARCHIVE_OK) return failure("close", *in);
  return {};
}

}  // namespace

Result<void> run_archive(const Context& context) {
  leash::fs::MemoryFS memory{{"unpacked/", ""}};
  for (int number = 0; number < files_packed; ++number) {
    if (auto made = leash::fs::write_file(Context(), memory, name_of(number), content_of(number)); !made) return made;
  }
  leash::fs::FaultFS faulty(memory);
  leash::fs::TrackedFS files(faulty);
  if (auto packed = pack(context, files); !packed) return packed;
  if (auto unpacked = unpack(context, files); !unpacked) return unpacked;
  for (int number = 0; number < files_packed; ++number) {
    leash::fault::expect(context,
                         leash::fs::read_file(Context(), memory, "unpacked/" + name_of(number)) == content_of(number),
                         "what is unpacked is what was packed");
  }
  return {};
}

leash::fault::SweepOptions archive_options() { return {.faults_per_run = 1}; }

}  // namespace sweep_foreign
