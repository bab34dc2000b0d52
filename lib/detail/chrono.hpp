#pragma once

/// The durations, clocks and points in time of `<chrono>`, without what it has to print and read them, which takes as
/// long to compile as all else that a Context needs. The GNU library has them in each header that declares a timeout,
/// of which this one is the smallest.

#include <version>
#ifdef __GLIBCXX__
#include <shared_mutex>
#else
#include <chrono>
#endif
