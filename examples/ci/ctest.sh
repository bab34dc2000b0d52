#!/bin/sh
# snippet: ctest
set -e
cmake -B build && cmake --build build
rm -f leaks-*.json
status=0
LEASH_REPORT=json:$PWD/leaks-%p.json ctest --test-dir build -j 4 || status=$?
leash report leaks-*.json || status=$?
exit $status
# end snippet
