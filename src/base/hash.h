/* A fast keyed 64-bit hash for tables and affinity (not for secrets: see crypto/). */
#ifndef SL_BASE_HASH_H
#define SL_BASE_HASH_H

#include "base/str.h"

/*
 * 64-bit multiply-fold hash in the manner of wyhash. Equal on every machine for equal (bytes,
 * seed). Tables that hold names chosen by a peer use a random seed.
 */
uint64_t sl_hash(sl_str bytes, uint64_t seed);

/* Mixes one integer; for keys that are numbers. */
static inline uint64_t sl_hash_u64(uint64_t value, uint64_t seed)
{
    __uint128_t wide = (__uint128_t)(value ^ 0x9e3779b97f4a7c15u) * (seed ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

#endif
