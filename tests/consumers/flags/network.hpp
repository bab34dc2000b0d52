#pragma once

/// Dials, accepts, reads and closes in several threads, in memory and by TCP; true if all went as it should.
bool use_network();
