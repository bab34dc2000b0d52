#pragma once

#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace LEASH_NAMESPACE::fault {

/// Which faults fit which operations: what `sweep` tries at each point. A value, whose copies share what they have in
/// common, to be adjusted:
///
///     auto faults = fault::FittingFaults::standard();
///     faults.set("open", {{.code = std::errc::too_many_files_open}});
///     faults.set("File::close", {});                                    // never fails here
///     faults.set("query", {{.code = std::errc::timed_out}});            // a point of one's own, by `fault::check`
class FittingFaults {
 public:
  /// No operation fails.
  FittingFaults() = default;

  /// The errors that the systems' manuals name and that code ought to expect: of each operation the one or two that
  /// differ in what they ask of the caller.
  [[nodiscard]] static FittingFaults standard();

  /// Sets what is tried at an operation, which is named as `fs::to_string` and `net::to_string` name it. The first one
  /// that reports failure is what pairs are made with.
  void set(std::string_view operation, std::vector<Fault> faults);

  /// Adds to each operation that changes a file system, or makes that last, a machine that stops there:
  /// `Effect::crash`. For what has to outlast a power cut (`fs::FaultFS::Options::after_crash`).
  void add_crashes();

  /// Whether something was set for an operation, be it nothing.
  [[nodiscard]] bool knows(std::string_view operation) const noexcept;

  /// What is tried at an operation; empty if nothing is.
  [[nodiscard]] const std::vector<Fault>& of(std::string_view operation) const noexcept;

 private:
  static FittingFaults make_standard();

  struct Entry {
    std::string operation;
    std::vector<Fault> faults;
  };

  std::shared_ptr<const std::vector<Entry>> entries_;  ///< By operation. Null if there are none.
};

}  // namespace LEASH_NAMESPACE::fault
