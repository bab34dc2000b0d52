#pragma once

#include <cstddef>
#include <leash/track/report/explain.hpp>
#include <string>

namespace report_samples {

/// What a tracker says of files and connections of which each rule but `untracked` has a finding.
leash::track::Explained real();

/// With every text as a name that is meant to break out of a format: all bytes, escape sequences, markup, commands.
leash::track::Explained hostile();

/// With so many groups, each of another function.
leash::track::Explained large(std::size_t groups);

/// The text that `hostile` is made of.
std::string hostile_text();

}  // namespace report_samples
