#pragma once

#include "programs.hpp"

namespace sweep_foreign {

/// mbedTLS by its callbacks: a client dials a server, and hears what it has said. What the client does may fail.
leash::Result<void> run_tls(const leash::Context& context);

leash::fault::SweepOptions tls_options();

}  // namespace sweep_foreign
