#pragma once

#include "programs.hpp"

namespace sweep_foreign {

/// One transaction of SQLite, over the VFS of `SqliteVfs`: creates a table, inserts, commits, and reads again.
leash::Result<void> run_sqlite(const leash::Context& context);

/// Tries power cuts too.
leash::fault::SweepOptions sqlite_options();

}  // namespace sweep_foreign
