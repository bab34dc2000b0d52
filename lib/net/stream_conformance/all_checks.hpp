#pragma once

/// For programs that use standalone Asio; see `<leash/net/asio.hpp>`.

#include <leash/config.hpp>
#include <leash/net/stream_conformance/cancel_checks.hpp>
#include <leash/net/stream_conformance/closing_checks.hpp>
#include <leash/net/stream_conformance/deadline_checks.hpp>
#include <leash/net/stream_conformance/handler_checks.hpp>
#include <leash/net/stream_conformance/move_checks.hpp>
#include <leash/net/stream_conformance/opening_checks.hpp>
#include <leash/net/stream_conformance/runner.hpp>
#include <leash/net/stream_conformance/stream_trial.hpp>
#include <leash/net/stream_conformance/transfer_checks.hpp>
#include <vector>

namespace LEASH_NAMESPACE::net::stream_conformance {

/// All checks, of this subject.
inline std::vector<NamedCheck> all_checks(const Subject& subject) {
  std::vector<NamedCheck> checks;
  for (const auto& group : {transfer_checks(), handler_checks(), cancel_checks(), deadline_checks(), closing_checks(),
                            move_checks(), opening_checks()}) {
    for (const StreamCheck& check : group) {
      checks.push_back({check.name, check.has_ends, [subject, body = check.body](Findings& findings, bool exchanged) {
                          try {
                            StreamTrial trial(subject, findings, exchanged);
                            body(trial);
                          } catch (const StreamTrial::Abandoned&) {  // NOLINT(bugprone-empty-catch): it was recorded
                          }
                        }});
    }
  }
  return checks;
}

}  // namespace LEASH_NAMESPACE::net::stream_conformance
