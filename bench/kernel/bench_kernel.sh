#!/usr/bin/env bash
# The encoder kernels, one thread: int8 products beside oneDNN and the machine's own peak, and the
# rest in nanoseconds a value.   usage: bench_kernel.sh [table]   (avx512, avx2, ...; default: best)
set -euo pipefail
cd "$(dirname "$0")/../.."
dpkg-query -W -f='${db:Status-Status}\n' libdnnl-dev 2>/dev/null | grep -qx installed || scripts/install bench
ninja -C build --quiet sluice_core
out=build/bench/kernel
mkdir -p "$out"
flags="-std=gnu17 -O2 -g1 -Wall -Wextra -Werror -D_GNU_SOURCE -Isrc"
cc $flags -c bench/kernel/main.c -o "$out/main.o"
cc $flags -c bench/kernel/rival.c -o "$out/rival.o"
cc $flags -c bench/kernel/peak.c -o "$out/peak.o"
cc "$out"/{main,rival,peak}.o build/libsluice_core.a -ldnnl -lm -o "$out/bench_kernel"
OMP_NUM_THREADS=1 "$out/bench_kernel" "$@"
