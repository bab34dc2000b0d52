#include <algorithm>
#include <iterator>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <memory>
#include <string>
#include <thread>
#include <utility>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

/// Runs one check, and says whether the next one may begin.
bool run(const Check& check, const std::shared_ptr<const Subject>& subject, bool exchanged,
         std::vector<ConformanceFailure>& failures) {
  const std::chrono::milliseconds limit = subject->options.limit;
  const auto trial = std::make_shared<Trial>(check.name, subject, exchanged);
  std::thread worker([trial, body = check.body] { trial->work(body); });
  const Trial::End end = trial->wait(limit);
  bool left_behind = false;
  if (end != Trial::End::returned) {
    std::string under_way = trial->under_way().text();
    if (under_way.empty()) under_way = "nothing that the interface shows";
    if (end == Trial::End::cancelled) {
      trial->record_hang("to be let run to its end", "the Context was done; under way was " + under_way);
    } else {
      trial->record_hang("to end",
                         "it hangs after " + std::to_string(limit.count()) + " ms; under way is " + under_way);
    }
    left_behind = !trial->put_to_an_end(limit);
    if (left_behind) {
      trial->record_hang("its threads to return when both ends are reset",
                         "they were left behind; under way is " + trial->under_way().text());
    }
  }
  if (left_behind) {
    worker.detach();
  } else {
    worker.join();
  }
  std::ranges::move(trial->failures(), std::back_inserter(failures));
  return end != Trial::End::cancelled;
}

std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names = conn_checks();
  std::ranges::move(dialer_checks(), std::back_inserter(names));
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

std::vector<ConformanceFailure> run(const std::vector<Check>& checks, Subject subject) {
  std::vector<ConformanceFailure> failures;
  const auto selected = [&only = subject.options.only](std::string_view name) {
    return only.empty() || contains(only, name);
  };
  const std::vector<std::string_view> known = all_names();
  for (const auto* const names : {&subject.options.skip, &subject.options.only}) {
    for (const std::string& name : *names) {
      if (std::ranges::find(known, name) != known.end()) continue;
      failures.push_back({name, "the name of a check in the options", "there is no such check"});
    }
  }
  if (std::ranges::none_of(checks, selected, &Check::name)) {
    failures.push_back({"options", "a check to be asked for", "none of them is"});
  }
  subject.plenty = pattern(subject.options.more_than_buffers);
  const bool pairs = static_cast<bool>(subject.make_pair);
  const auto shared = std::make_shared<const Subject>(std::move(subject));
  for (const Check& check : checks) {
    const ConformanceOptions& options = shared->options;
    if (contains(options.skip, check.name)) continue;
    if (!options.only.empty() && !contains(options.only, check.name)) continue;
    const std::size_t before = failures.size();
    if (!run(check, shared, false, failures)) break;
    // What fails already need not fail again.
    if (pairs && failures.size() == before && !run(check, shared, true, failures)) break;
  }
  return failures;
}

}  // namespace LEASH_NAMESPACE::net::conformance
