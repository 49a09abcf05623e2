/* 64-bit multiply-fold hash: 16 bytes a step, the tail read twice overlapping. */
#include "base/hash.h"

static uint64_t read64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static uint64_t read32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t wide = (__uint128_t)a * b;
    return (uint64_t)wide ^ (uint64_t)(wide >> 64);
}

uint64_t sl_hash(sl_str bytes, uint64_t seed)
{
    const uint64_t k0 = 0xa0761d6478bd642fu, k1 = 0xe7037ed1a0b428dbu;
    const char *p = bytes.p;
    size_t n = bytes.n;
    uint64_t a = 0, b = 0;
    seed ^= k0;
    while (n > 16) {
        seed = fold(read64(p) ^ k1, read64(p + 8) ^ seed);
        p += 16;
        n -= 16;
    }
    if (n >= 8) {
        a = read64(p);
        b = read64(p + n - 8);
    } else if (n >= 4) {
        a = read32(p);
        b = read32(p + n - 4);
    } else if (n) {
        a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n >> 1] << 8 |
            (unsigned char)p[n - 1];
    }
    return fold(k1 ^ bytes.n, fold(a ^ k1, b ^ seed));
}
