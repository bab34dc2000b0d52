#pragma once

#include "programs.hpp"

namespace sweep_foreign {

/// LevelDB over `LeveldbEnv`: creates a database, writes a batch with sync, reads it, compacts, closes, opens the
/// database again and reads.
leash::Result<void> run_leveldb(const leash::Context& context);

/// Tries power cuts too.
leash::fault::SweepOptions leveldb_options();

}  // namespace sweep_foreign
