// The functions of the C library that open and close files, in front of those of libc.
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>   // NOLINT(modernize-deprecated-headers): the names of C
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers)
#include <unistd.h>

#include <cstdarg>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/kinds.hpp>
#include <leash/interpose/real.hpp>

namespace kinds = leash::interpose::kinds;
using leash::interpose::Descriptors;
using leash::interpose::Real;

namespace {

int with_tag(int number, const leash::track::Kind& kind = kinds::file) noexcept {
  Descriptors::opened(number, kind);
  return number;
}

FILE* with_tag(FILE* stream) noexcept {
  if (stream != nullptr) Descriptors::opened(::fileno(stream), kinds::stream);
  return stream;
}

DIR* with_tag(DIR* directory) noexcept {
  if (directory != nullptr) Descriptors::opened(::dirfd(directory), kinds::directory);
  return directory;
}

/// -1 for null, which the C library refuses. Not inlined: by its headers a program never passes null.
[[gnu::noinline]] int number_of(DIR* directory) noexcept { return directory == nullptr ? -1 : ::dirfd(directory); }
[[gnu::noinline]] int number_of(FILE* stream) noexcept { return stream == nullptr ? -1 : ::fileno(stream); }

/// Whether open(2) has a third argument.
bool has_mode(int flags) noexcept { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

/// What a stream has become whose descriptor was `before`, which freopen(3) closes.
template <class Reopen>
FILE* reopened(FILE* stream, Reopen reopen) {
  const Descriptors::Closing closing(number_of(stream));
  return with_tag(reopen());
}

constinit const Real<int(const char*, int, ...)> real_open("open");
constinit const Real<int(const char*, int, ...)> real_open64("open64");
constinit const Real<int(int, const char*, int, ...)> real_openat("openat");
constinit const Real<int(int, const char*, int, ...)> real_openat64("openat64");
constinit const Real<int(const char*, int)> real_open_2("__open_2");
constinit const Real<int(const char*, int)> real_open64_2("__open64_2");
constinit const Real<int(int, const char*, int)> real_openat_2("__openat_2");
constinit const Real<int(int, const char*, int)> real_openat64_2("__openat64_2");
constinit const Real<int(const char*, mode_t)> real_creat("creat");
constinit const Real<int(const char*, mode_t)> real_creat64("creat64");
constinit const Real<FILE*(const char*, const char*)> real_fopen("fopen");
constinit const Real<FILE*(const char*, const char*)> real_fopen64("fopen64");
constinit const Real<FILE*(const char*, const char*, FILE*)> real_freopen("freopen");
constinit const Real<FILE*(const char*, const char*, FILE*)> real_freopen64("freopen64");
constinit const Real<FILE*(int, const char*)> real_fdopen("fdopen");
constinit const Real<FILE*()> real_tmpfile("tmpfile");
constinit const Real<FILE*()> real_tmpfile64("tmpfile64");
constinit const Real<int(FILE*)> real_fclose("fclose");
constinit const Real<FILE*(const char*, const char*)> real_popen("popen");
constinit const Real<int(FILE*)> real_pclose("pclose");
constinit const Real<int(char*)> real_mkstemp("mkstemp");
constinit const Real<int(char*)> real_mkstemp64("mkstemp64");
constinit const Real<int(char*, int)> real_mkostemp("mkostemp");
constinit const Real<int(char*, int)> real_mkostemp64("mkostemp64");
constinit const Real<int(char*, int)> real_mkstemps("mkstemps");
constinit const Real<int(char*, int)> real_mkstemps64("mkstemps64");
constinit const Real<int(char*, int, int)> real_mkostemps("mkostemps");
constinit const Real<int(char*, int, int)> real_mkostemps64("mkostemps64");
constinit const Real<DIR*(const char*)> real_opendir("opendir");
constinit const Real<DIR*(int)> real_fdopendir("fdopendir");
constinit const Real<int(DIR*)> real_closedir("closedir");

}  // namespace

// NOLINTBEGIN(cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier): these names are the point
extern "C" {

#pragma GCC visibility push(default)

int open(const char* path, int flags, ...) {
  if (!has_mode(flags)) return with_tag(real_open(path, flags));
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return with_tag(real_open(path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  if (!has_mode(flags)) return with_tag(real_open64(path, flags));
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return with_tag(real_open64(path, flags, mode));
}
int openat(int directory, const char* path, int flags, ...) {
  if (!has_mode(flags)) return with_tag(real_openat(directory, path, flags));
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return with_tag(real_openat(directory, path, flags, mode));
}
int openat64(int directory, const char* path, int flags, ...) {
  if (!has_mode(flags)) return with_tag(real_openat64(directory, path, flags));
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return with_tag(real_openat64(directory, path, flags, mode));
}
// What programs call that are compiled with _FORTIFY_SOURCE.
int __open_2(const char* path, int flags) { return with_tag(real_open_2(path, flags)); }
int __open64_2(const char* path, int flags) { return with_tag(real_open64_2(path, flags)); }
int __openat_2(int directory, const char* path, int flags) { return with_tag(real_openat_2(directory, path, flags)); }
int __openat64_2(int directory, const char* path, int flags) {
  return with_tag(real_openat64_2(directory, path, flags));
}
int creat(const char* path, mode_t mode) { return with_tag(real_creat(path, mode)); }
int creat64(const char* path, mode_t mode) { return with_tag(real_creat64(path, mode)); }

FILE* fopen(const char* path, const char* mode) { return with_tag(real_fopen(path, mode)); }
FILE* fopen64(const char* path, const char* mode) { return with_tag(real_fopen64(path, mode)); }
FILE* freopen(const char* path, const char* mode, FILE* stream) {
  return reopened(stream, [&] { return real_freopen(path, mode, stream); });
}
FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  return reopened(stream, [&] { return real_freopen64(path, mode, stream); });
}
// The descriptor has a tag already, by who opened it.
FILE* fdopen(int number, const char* mode) { return real_fdopen(number, mode); }
FILE* tmpfile() { return with_tag(real_tmpfile()); }
FILE* tmpfile64() { return with_tag(real_tmpfile64()); }
int fclose(FILE* stream) {
  const Descriptors::Closing closing(number_of(stream));
  return real_fclose(stream);
}

FILE* popen(const char* command, const char* mode) { return with_tag(real_popen(command, mode)); }
int pclose(FILE* stream) {
  const Descriptors::Closing closing(number_of(stream));
  return real_pclose(stream);
}

int mkstemp(char* path) { return with_tag(real_mkstemp(path)); }
int mkstemp64(char* path) { return with_tag(real_mkstemp64(path)); }
int mkostemp(char* path, int flags) { return with_tag(real_mkostemp(path, flags)); }
int mkostemp64(char* path, int flags) { return with_tag(real_mkostemp64(path, flags)); }
int mkstemps(char* path, int suffix) { return with_tag(real_mkstemps(path, suffix)); }
int mkstemps64(char* path, int suffix) { return with_tag(real_mkstemps64(path, suffix)); }
int mkostemps(char* path, int suffix, int flags) { return with_tag(real_mkostemps(path, suffix, flags)); }
int mkostemps64(char* path, int suffix, int flags) { return with_tag(real_mkostemps64(path, suffix, flags)); }

DIR* opendir(const char* path) { return with_tag(real_opendir(path)); }
DIR* fdopendir(int number) { return real_fdopendir(number); }
int closedir(DIR* directory) {
  const Descriptors::Closing closing(number_of(directory));
  return real_closedir(directory);
}

#pragma GCC visibility pop
}
// NOLINTEND(cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier)
