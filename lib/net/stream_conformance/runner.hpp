#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <cstddef>
#include <leash/config.hpp>
#include <leash/function.hpp>
#include <leash/net/conformance.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// Runs the checks of streams. It needs no Asio, so that it is compiled once, in `leash::net_conformance`.
namespace LEASH_NAMESPACE::net::stream_conformance {

/// What one check has found; the thread that does the check and the one that watches it share it. Thread-safe.
class Findings {
 public:
  Findings(std::string_view check, bool exchanged);
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;
  ~Findings();

  /// Records a failure; the fifth and later ones of a check would say nothing new, and are dropped.
  void record(std::string_view expected, std::string_view happened);

  /// Says that the thread of the check is not blocked.
  void show_life();

 private:
  friend std::vector<ConformanceFailure> run_one(std::string_view, bool, const Function<void(Findings&)>&,
                                                 const ConformanceOptions&);

  struct State;
  const std::unique_ptr<State> state_;
};

/// One check: its name, and what it does.
struct NamedCheck {
  std::string_view name;
  bool has_ends;  ///< It uses the two ends of a connection, and is run once more with these exchanged.
  Function<void(Findings&, bool exchanged)> body;
};

/// Runs those of `checks` that the options ask for, each in a thread of its own, which is left behind if it sleeps for
/// longer than the limit of the options and shows no life.
std::vector<ConformanceFailure> run(const std::vector<NamedCheck>& checks, const ConformanceOptions& options);

/// How many descriptors the process has open; 0 where that cannot be told.
std::size_t open_descriptor_count();

/// Text of this size that has no period of a power of two.
std::string pattern(std::size_t size);

}  // namespace LEASH_NAMESPACE::net::stream_conformance
