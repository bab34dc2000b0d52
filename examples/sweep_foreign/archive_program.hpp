#pragma once

#include "programs.hpp"

namespace sweep_foreign {

/// libarchive by its callbacks: packs files into an archive, and unpacks it.
leash::Result<void> run_archive(const leash::Context& context);

leash::fault::SweepOptions archive_options();

}  // namespace sweep_foreign
