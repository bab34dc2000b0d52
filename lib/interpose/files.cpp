// The functions of the C library that open and close files, in front of those of libc.
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>   // NOLINT(modernize-deprecated-headers): the names of C
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers)
#include <unistd.h>

#include <cstdarg>
#include <leash/interpose/calls.hpp>
#include <leash/interpose/descriptors.hpp>
#include <leash/interpose/kinds.hpp>
#include <leash/interpose/real.hpp>

namespace kinds = leash::interpose::kinds;
using leash::interpose::closed;
using leash::interpose::Descriptors;
using leash::interpose::number_of;
using leash::interpose::opened;
using leash::interpose::Real;

namespace {

template <class Open>
int opened_file(const char* path, Open open) {
  return opened("open", path, kinds::file, open);
}

template <class Open>
FILE* opened_stream(const char* path, Open open) {
  return opened("open", path, kinds::stream, open);
}

template <class Make>
int made_temporary(const char* path, Make make) {
  return opened("mkstemp", path, kinds::file, make);
}

/// Whether open(2) has a third argument.
bool has_mode(int flags) noexcept { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

/// What a stream has become, whose descriptor freopen(3) closes.
template <class Reopen>
FILE* reopened(FILE* stream, Reopen reopen) {
  const Descriptors::Closing closing(number_of(stream));
  FILE* const result = reopen();
  Descriptors::opened(number_of(result), kinds::stream);
  return result;
}

constinit const Real<int(const char*, int, ...)> real_open [[gnu::section("leash_reals")]] ("open");
constinit const Real<int(const char*, int, ...)> real_open64 [[gnu::section("leash_reals")]] ("open64");
constinit const Real<int(int, const char*, int, ...)> real_openat [[gnu::section("leash_reals")]] ("openat");
constinit const Real<int(int, const char*, int, ...)> real_openat64 [[gnu::section("leash_reals")]] ("openat64");
constinit const Real<int(const char*, int)> real_open_2 [[gnu::section("leash_reals")]] ("__open_2");
constinit const Real<int(const char*, int)> real_open64_2 [[gnu::section("leash_reals")]] ("__open64_2");
constinit const Real<int(int, const char*, int)> real_openat_2 [[gnu::section("leash_reals")]] ("__openat_2");
constinit const Real<int(int, const char*, int)> real_openat64_2 [[gnu::section("leash_reals")]] ("__openat64_2");
constinit const Real<int(const char*, mode_t)> real_creat [[gnu::section("leash_reals")]] ("creat");
constinit const Real<int(const char*, mode_t)> real_creat64 [[gnu::section("leash_reals")]] ("creat64");
constinit const Real<FILE*(const char*, const char*)> real_fopen [[gnu::section("leash_reals")]] ("fopen");
constinit const Real<FILE*(const char*, const char*)> real_fopen64 [[gnu::section("leash_reals")]] ("fopen64");
constinit const Real<FILE*(const char*, const char*, FILE*)> real_freopen [[gnu::section("leash_reals")]] ("freopen");
constinit const Real<FILE*(const char*, const char*, FILE*)> real_freopen64
    [[gnu::section("leash_reals")]] ("freopen64");
constinit const Real<FILE*()> real_tmpfile [[gnu::section("leash_reals")]] ("tmpfile");
constinit const Real<FILE*()> real_tmpfile64 [[gnu::section("leash_reals")]] ("tmpfile64");
constinit const Real<int(FILE*)> real_fclose [[gnu::section("leash_reals")]] ("fclose");
constinit const Real<FILE*(const char*, const char*)> real_popen [[gnu::section("leash_reals")]] ("popen");
constinit const Real<int(FILE*)> real_pclose [[gnu::section("leash_reals")]] ("pclose");
constinit const Real<int(char*)> real_mkstemp [[gnu::section("leash_reals")]] ("mkstemp");
constinit const Real<int(char*)> real_mkstemp64 [[gnu::section("leash_reals")]] ("mkstemp64");
constinit const Real<int(char*, int)> real_mkostemp [[gnu::section("leash_reals")]] ("mkostemp");
constinit const Real<int(char*, int)> real_mkostemp64 [[gnu::section("leash_reals")]] ("mkostemp64");
constinit const Real<int(char*, int)> real_mkstemps [[gnu::section("leash_reals")]] ("mkstemps");
constinit const Real<int(char*, int)> real_mkstemps64 [[gnu::section("leash_reals")]] ("mkstemps64");
constinit const Real<int(char*, int, int)> real_mkostemps [[gnu::section("leash_reals")]] ("mkostemps");
constinit const Real<int(char*, int, int)> real_mkostemps64 [[gnu::section("leash_reals")]] ("mkostemps64");
constinit const Real<DIR*(const char*)> real_opendir [[gnu::section("leash_reals")]] ("opendir");
constinit const Real<int(DIR*)> real_closedir [[gnu::section("leash_reals")]] ("closedir");

}  // namespace

// NOLINTBEGIN(cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier): these names are the point
extern "C" {

#pragma GCC visibility push(default)

int open(const char* path, int flags, ...) {
  if (!has_mode(flags)) return opened_file(path, [&] { return real_open(path, flags); });
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened_file(path, [&] { return real_open(path, flags, mode); });
}
int open64(const char* path, int flags, ...) {
  if (!has_mode(flags)) return opened_file(path, [&] { return real_open64(path, flags); });
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened_file(path, [&] { return real_open64(path, flags, mode); });
}
int openat(int directory, const char* path, int flags, ...) {
  if (!has_mode(flags)) return opened_file(path, [&] { return real_openat(directory, path, flags); });
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened_file(path, [&] { return real_openat(directory, path, flags, mode); });
}
int openat64(int directory, const char* path, int flags, ...) {
  if (!has_mode(flags)) return opened_file(path, [&] { return real_openat64(directory, path, flags); });
  va_list rest;
  va_start(rest, flags);
  const auto mode = va_arg(rest, mode_t);
  va_end(rest);
  return opened_file(path, [&] { return real_openat64(directory, path, flags, mode); });
}
// What programs call that are compiled with _FORTIFY_SOURCE.
int __open_2(const char* path, int flags) {
  return opened_file(path, [&] { return real_open_2(path, flags); });
}
int __open64_2(const char* path, int flags) {
  return opened_file(path, [&] { return real_open64_2(path, flags); });
}
int __openat_2(int directory, const char* path, int flags) {
  return opened_file(path, [&] { return real_openat_2(directory, path, flags); });
}
int __openat64_2(int directory, const char* path, int flags) {
  return opened_file(path, [&] { return real_openat64_2(directory, path, flags); });
}
int creat(const char* path, mode_t mode) {
  return opened_file(path, [&] { return real_creat(path, mode); });
}
int creat64(const char* path, mode_t mode) {
  return opened_file(path, [&] { return real_creat64(path, mode); });
}

FILE* fopen(const char* path, const char* mode) {
  return opened_stream(path, [&] { return real_fopen(path, mode); });
}
FILE* fopen64(const char* path, const char* mode) {
  return opened_stream(path, [&] { return real_fopen64(path, mode); });
}
FILE* freopen(const char* path, const char* mode, FILE* stream) {
  return reopened(stream, [&] { return real_freopen(path, mode, stream); });
}
FILE* freopen64(const char* path, const char* mode, FILE* stream) {
  return reopened(stream, [&] { return real_freopen64(path, mode, stream); });
}
FILE* tmpfile() {
  return opened("mkstemp", nullptr, kinds::stream, [] { return real_tmpfile(); });
}
FILE* tmpfile64() {
  return opened("mkstemp", nullptr, kinds::stream, [] { return real_tmpfile64(); });
}
int fclose(FILE* stream) {
  return closed(number_of(stream), [&] { return real_fclose(stream); });
}

FILE* popen(const char* command, const char* mode) {
  return opened("popen", command, kinds::stream, [&] { return real_popen(command, mode); });
}
int pclose(FILE* stream) {
  return closed(number_of(stream), [&] { return real_pclose(stream); });
}

int mkstemp(char* path) {
  return made_temporary(path, [&] { return real_mkstemp(path); });
}
int mkstemp64(char* path) {
  return made_temporary(path, [&] { return real_mkstemp64(path); });
}
int mkostemp(char* path, int flags) {
  return made_temporary(path, [&] { return real_mkostemp(path, flags); });
}
int mkostemp64(char* path, int flags) {
  return made_temporary(path, [&] { return real_mkostemp64(path, flags); });
}
int mkstemps(char* path, int suffix) {
  return made_temporary(path, [&] { return real_mkstemps(path, suffix); });
}
int mkstemps64(char* path, int suffix) {
  return made_temporary(path, [&] { return real_mkstemps64(path, suffix); });
}
int mkostemps(char* path, int suffix, int flags) {
  return made_temporary(path, [&] { return real_mkostemps(path, suffix, flags); });
}
int mkostemps64(char* path, int suffix, int flags) {
  return made_temporary(path, [&] { return real_mkostemps64(path, suffix, flags); });
}

DIR* opendir(const char* path) {
  return opened("opendir", path, kinds::directory, [&] { return real_opendir(path); });
}
int closedir(DIR* directory) {
  return closed(number_of(directory), [&] { return real_closedir(directory); });
}

#pragma GCC visibility pop
}
// NOLINTEND(cert-dcl50-cpp,cert-dcl51-cpp,bugprone-reserved-identifier)
