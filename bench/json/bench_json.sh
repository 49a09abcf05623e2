#!/usr/bin/env bash
# JSON parsing beside simdjson and jansson. The rival is C++, hence a build of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
ninja -C build --quiet sluice_core
out=build/bench/json
mkdir -p "$out"
warnings="-Wall -Wextra"
cc -std=gnu17 -O2 -g1 $warnings -D_GNU_SOURCE -Isrc -c bench/json/main.c -o "$out/main.o"
c++ -std=c++17 -O3 $warnings -c bench/json/rivals.cc -o "$out/rivals.o"
c++ "$out/main.o" "$out/rivals.o" build/libsluice_core.a -lsimdjson -ljansson -o "$out/bench_json"
"$out/bench_json"
