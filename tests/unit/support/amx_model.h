/* The tile registers of AMX in software, bit by bit as Intel's SDM has them; included before a file
 * that uses the intrinsics, it takes their place. What the processor answers with #UD ends the
 * program here. */
#ifndef SL_TESTS_SUPPORT_AMX_MODEL_H
#define SL_TESTS_SUPPORT_AMX_MODEL_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int is_configured;
    uint16_t line_bytes[8];
    uint8_t lines[8];
    uint8_t data[8][16][64];
} amx;

static inline void amx_check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "AMX model, #UD: %s\n", what);
        exit(1);
    }
}

static inline void amx_is_valid(int tile)
{
    amx_check(amx.is_configured && tile < 8 && amx.lines[tile], "a tile without configuration");
}

static inline void amx_loadconfig(const void *at)
{
    const uint8_t *config = at;
    amx_check(config[0] == 1, "palette");
    memset(&amx, 0, sizeof amx);
    for (int i = 0; i < 8; i++) {
        memcpy(&amx.line_bytes[i], config + 16 + 2 * i, 2);
        amx.lines[i] = config[48 + i];
        amx_check(amx.lines[i] <= 16 && amx.line_bytes[i] <= 64, "tile too large");
        amx_check(!amx.lines[i] == !amx.line_bytes[i], "lines without bytes");
    }
    amx.is_configured = 1;
}

static inline void amx_release(void)
{
    memset(&amx, 0, sizeof amx);
}

static inline void amx_zero(int tile)
{
    amx_is_valid(tile);
    memset(amx.data[tile], 0, sizeof amx.data[tile]);
}

static inline void amx_load(int tile, const void *base, size_t stride)
{
    amx_zero(tile);
    for (int r = 0; r < amx.lines[tile]; r++)
        memcpy(amx.data[tile][r], (const char *)base + r * stride, amx.line_bytes[tile]);
}

static inline void amx_store(int tile, void *base, size_t stride)
{
    amx_is_valid(tile);
    for (int r = 0; r < amx.lines[tile]; r++)
        memcpy((char *)base + r * stride, amx.data[tile][r], amx.line_bytes[tile]);
}

static inline void amx_check_product(int c, int a, int b)
{
    amx_is_valid(c);
    amx_is_valid(a);
    amx_is_valid(b);
    amx_check(c != a && c != b && a != b, "the same tile twice");
    amx_check(amx.lines[a] == amx.lines[c] && amx.line_bytes[b] == amx.line_bytes[c] &&
                  amx.line_bytes[a] == 4 * amx.lines[b],
              "shapes that do not fit");
}

static inline void amx_dpbusd(int c, int a, int b)
{
    amx_check_product(c, a, b);
    for (int m = 0; m < amx.lines[c]; m++) {
        for (int n = 0; n < amx.line_bytes[c] / 4; n++) {
            uint32_t sum;
            memcpy(&sum, amx.data[c][m] + 4 * n, 4);
            for (int k = 0; k < amx.line_bytes[a]; k++)
                sum += (uint32_t)(amx.data[a][m][k] * (int8_t)amx.data[b][k / 4][4 * n + k % 4]);
            memcpy(amx.data[c][m] + 4 * n, &sum, 4);
        }
    }
}

/* A bf16 as f32, denormals as zero. */
static inline float amx_bf16(const uint8_t *at)
{
    uint16_t half;
    memcpy(&half, at, 2);
    uint32_t bits = (uint32_t)half << 16;
    if ((bits & 0x7f800000u) == 0)
        bits &= 0x80000000u;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

/* Even and odd products go into sums of their own, which are added at the end. */
static inline void amx_dpbf16ps(int c, int a, int b)
{
    amx_check_product(c, a, b);
    for (int m = 0; m < amx.lines[c]; m++) {
        for (int n = 0; n < amx.line_bytes[c] / 4; n++) {
            float sum, part[2] = {0, 0};
            for (int k = 0; k < amx.line_bytes[a] / 2; k++)
                part[k % 2] = fmaf(amx_bf16(amx.data[a][m] + 2 * k),
                                   amx_bf16(amx.data[b][k / 2] + 4 * n + 2 * (k % 2)), part[k % 2]);
            memcpy(&sum, amx.data[c][m] + 4 * n, 4);
            sum += part[0] + part[1];
            memcpy(amx.data[c][m] + 4 * n, &sum, 4);
        }
    }
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbusd
#undef _tile_dpbf16ps
#define _tile_loadconfig amx_loadconfig
#define _tile_release    amx_release
#define _tile_zero       amx_zero
#define _tile_loadd      amx_load
#define _tile_stored     amx_store
#define _tile_dpbusd     amx_dpbusd
#define _tile_dpbf16ps   amx_dpbf16ps

#endif
