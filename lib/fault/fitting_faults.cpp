#include <algorithm>
#include <leash/fault/fitting_faults.hpp>
#include <leash/os/lazy.hpp>
#include <utility>

namespace LEASH_NAMESPACE::fault {
namespace {

constinit const std::vector<Fault> no_faults;

Fault failing(std::errc code) { return {.effect = Effect::fail, .code = code}; }
Fault failing_after(std::errc code) { return {.effect = Effect::fail_after, .code = code}; }
Fault cut_to_one(std::errc code) { return {.effect = Effect::shorten, .code = code, .bytes = 1}; }

}  // namespace

FittingFaults FittingFaults::standard() {
  static constinit os::Lazy<const FittingFaults> standard_faults;
  return standard_faults.get([] { return new FittingFaults(make_standard()); });
}

FittingFaults FittingFaults::make_standard() {
  using enum std::errc;
  FittingFaults faults;
  faults.set("open", {failing(too_many_files_open), failing(permission_denied)});
  faults.set("open_dir", {failing(too_many_files_open), failing(permission_denied)});
  for (const char* const each : {"stat", "lstat", "read_link", "space"}) faults.set(each, {failing(permission_denied)});
  for (const char* const each : {"read_dir", "read_dir_info"}) faults.set(each, {failing(too_many_files_open)});
  for (const char* const each : {"mkdir", "mkdir_all", "link", "symlink"})
    faults.set(each, {failing(no_space_on_device)});
  for (const char* const each : {"remove", "remove_file", "remove_dir", "remove_all", "chmod", "set_times"}) {
    faults.set(each, {failing(operation_not_permitted)});
  }
  faults.set("rename", {failing(permission_denied), failing_after(io_error)});
  for (const char* const each : {"truncate", "File::truncate", "File::stat", "Dir::read", "Dir::stat"}) {
    faults.set(each, {failing(io_error)});
  }
  for (const char* const each : {"sync_dir", "File::sync", "File::sync_data", "Mapping::sync"}) {
    faults.set(each, {failing(io_error), failing_after(io_error)});
  }
  faults.set("File::read", {failing(io_error), cut_to_one(io_error)});
  // It returns fewer bytes only where the file ends.
  faults.set("File::read_at", {failing(io_error)});
  for (const char* const each : {"File::write", "File::write_at"}) {
    faults.set(each, {failing(no_space_on_device), cut_to_one(no_space_on_device)});
  }
  faults.set("File::allocate", {failing(no_space_on_device)});
  for (const char* const each : {"File::chmod", "File::set_times"})
    faults.set(each, {failing(operation_not_permitted)});
  for (const char* const each : {"File::lock", "File::unlock"}) faults.set(each, {failing(no_lock_available)});
  faults.set("File::try_lock", {failing(resource_unavailable_try_again)});
  faults.set("File::map", {failing(not_enough_memory)});
  faults.set("File::close", {failing_after(io_error)});

  faults.set("dial", {failing(connection_refused), failing(timed_out)});
  faults.set("bind", {failing(address_in_use)});
  faults.set("Listener::accept", {failing(too_many_files_open)});
  for (const char* const each : {"Conn::read", "Conn::readv"}) {
    faults.set(each, {{.effect = Effect::reset}, {.effect = Effect::end}, cut_to_one(io_error)});
  }
  for (const char* const each : {"Conn::write", "Conn::writev"}) {
    faults.set(each, {{.effect = Effect::reset}, cut_to_one(io_error)});
  }
  faults.set("Conn::close_write", {failing(not_connected)});
  return faults;
}

void FittingFaults::add_crashes() {
  for (const char* const each :
       {"open",           "mkdir",       "mkdir_all",       "link",           "symlink",
        "remove",         "remove_file", "remove_dir",      "remove_all",     "rename",
        "truncate",       "sync_dir",    "File::write",     "File::write_at", "File::truncate",
        "File::allocate", "File::sync",  "File::sync_data", "File::close",    "Mapping::sync"}) {
    std::vector<Fault> faults = of(each);
    faults.push_back({.effect = Effect::crash});
    set(each, std::move(faults));
  }
}

void FittingFaults::set(std::string_view operation, std::vector<Fault> faults) {
  auto entries = entries_ ? std::make_shared<std::vector<Entry>>(*entries_) : std::make_shared<std::vector<Entry>>();
  auto at = std::ranges::lower_bound(*entries, operation, {}, &Entry::operation);
  if (at == entries->end() || at->operation != operation) at = entries->insert(at, {std::string(operation), {}});
  at->faults = std::move(faults);
  entries_ = std::move(entries);
}

bool FittingFaults::knows(std::string_view operation) const noexcept {
  return entries_ && std::ranges::binary_search(*entries_, operation, {}, &Entry::operation);
}

const std::vector<Fault>& FittingFaults::of(std::string_view operation) const noexcept {
  if (!entries_) return no_faults;
  const auto at = std::ranges::lower_bound(*entries_, operation, {}, &Entry::operation);
  return at == entries_->end() || at->operation != operation ? no_faults : at->faults;
}

}  // namespace LEASH_NAMESPACE::fault
