// Empty: CMake precompiles headers only for targets with a source.
