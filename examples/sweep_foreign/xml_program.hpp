#pragma once

#include "programs.hpp"

namespace sweep_foreign {

/// libxml2 by its callbacks: writes a document, and reads it again.
leash::Result<void> run_xml(const leash::Context& context);

leash::fault::SweepOptions xml_options();

}  // namespace sweep_foreign
