#pragma once

#include <leash/config.hpp>
#include <leash/result.hpp>
#include <leash/track/report/explain.hpp>
#include <string>

namespace LEASH_NAMESPACE::track {

/// A profile as `go tool pprof`, Pyroscope and the like read it: `profile.proto` of pprof, compressed by gzip. Each
/// group is a sample of the stack that opened it, with the values `open` (how many are open), `opened` (how many have
/// the finding) and `age` (nanoseconds: the sum of their ages), and with the labels `kind` and `rule`. Functions are
/// known by name and file, not by address, so that profiles of several processes add up. What `explain` left out is
/// told in a comment. Fails with `function_not_supported` if leash was built without protozero or zlib.
[[nodiscard]] Result<std::string> pprof(const Explained& explained);

}  // namespace LEASH_NAMESPACE::track
