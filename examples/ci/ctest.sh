#!/bin/sh
# snippet: ctest
cmake -B build && cmake --build build
rm -f leaks-*.json
LEASH_REPORT=json:$PWD/leaks-%p.json ctest --test-dir build -j 4
leash report leaks-*.json
# end snippet
