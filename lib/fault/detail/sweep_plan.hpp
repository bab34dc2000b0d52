#pragma once

#include <cstddef>
#include <cstdint>
#include <leash/config.hpp>
#include <leash/fault/detail/places.hpp>
#include <leash/fault/detail/plan_state.hpp>
#include <leash/fault/detail/script.hpp>
#include <leash/fault/detail/token.hpp>
#include <leash/track/site.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::fault::detail {

class ChildNotes;

/// What a run of a sweep has injected.
struct Struck {
  Injection injection;  ///< With `times` 1.
  const Place* place;
  std::string subject;
  std::source_location site;
  std::size_t at;  ///< How many steps came before it.
  bool failed;     ///< Whether the operation reports failure.
};

/// Decides in a run of a sweep, and notes what happens. After `end` it lets everything pass, whoever still has it.
class SweepPlan final : public PlanState {
 public:
  /// `places` is used until `end`.
  SweepPlan(PlaceCache& places, Script script) : places_(&places), script_(std::move(script)) {}

  /// A run that a token describes: its steps are found when the run comes to them.
  SweepPlan(PlaceCache& places, std::vector<TokenItem> items) : places_(&places), unbound_(std::move(items)) {}

  /// What no step is noted after.
  static constexpr std::size_t most_steps = 1'000'000;

  void end();

  /// In a child: where its parent reads what was struck. For as long as this lives.
  void tell(ChildNotes& notes) noexcept { notes_ = &notes; }

  /// Makes room for what is to be noted.
  void reserve(std::size_t steps, std::size_t places);

  SweepPlan* as_sweep() noexcept override { return this; }

  /// What must outlive the body, until its run is judged.
  void keep(std::shared_ptr<void> object);
  std::vector<std::shared_ptr<void>> take_kept();

  /// An invariant of the user's is broken.
  void add_broken(std::string what, track::Site site);

  struct Broken {
    std::string what;
    track::Site site;
  };

  // These may be called after `end`, or by the thread that watches.

  std::vector<Struck> struck();
  /// The token of what was injected until now; empty after `end`.
  std::string token();
  /// Writes that, for a signal handler: without the lock, which the thread may have that has crashed.
  void write_token_unlocked(TokenBuffer& out) const noexcept;
  /// Takes all that was noted.
  std::vector<Visit> take_visits();
  std::vector<Broken> take_broken();
  /// What a token asked for and no step was.
  std::vector<TokenItem> unbound();

 private:
  std::optional<Fault> decide(const Point& point) override;
  void bind(NumberedPlace place);

  PlaceCache* places_;           ///< Null after `end`.
  ChildNotes* notes_ = nullptr;  ///< Null but in a child.
  Script script_;
  std::vector<TokenItem> unbound_;
  std::vector<std::uint32_t> counts_;  ///< By place.
  std::vector<Visit> visits_;
  std::vector<Struck> struck_;
  std::vector<Broken> broken_invariants_;
  std::vector<std::shared_ptr<void>> kept_;
};

/// The run of a sweep that `context` is of, or null.
SweepPlan* find_sweep_plan(const Context& context) noexcept;

}  // namespace LEASH_NAMESPACE::fault::detail
