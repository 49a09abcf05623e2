/* Decomposition and composition of code points (UAX 15), Hangul by arithmetic. */
#include "ml/token/chars.h"

enum {
    S_BASE = 0xac00,
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11a7,
    N_L = 19,
    N_V = 21,
    N_T = 28,
    N_S = N_L * N_V * N_T,
};

static unsigned from_pool(const uint32_t *pool, unsigned at, uint32_t *parts)
{
    unsigned n = pool[at];
    for (unsigned i = 0; i < n; i++)
        parts[i] = pool[at + 1 + i];
    return n;
}

unsigned sl_char_decompose(uint32_t cp, bool is_compatible, uint32_t parts[SL_CHAR_PARTS_MAX])
{
    if (cp - S_BASE < N_S) {
        uint32_t s = cp - S_BASE;
        parts[0] = L_BASE + s / (N_V * N_T);
        parts[1] = V_BASE + s % (N_V * N_T) / N_T;
        if (s % N_T == 0)
            return 2;
        parts[2] = T_BASE + s % N_T;
        return 3;
    }
    unsigned in = cp & 127, at;
    at = sl_token_compatible_blocks[sl_token_compatible_index[cp >> 7] * 128u + in];
    if (is_compatible && at)
        return from_pool(sl_token_compatible_pool, at, parts);
    at = sl_token_canonical_blocks[sl_token_canonical_index[cp >> 7] * 128u + in];
    if (at)
        return from_pool(sl_token_canonical_pool, at, parts);
    parts[0] = cp;
    return 1;
}

uint32_t sl_char_compose(uint32_t a, uint32_t b)
{
    if (a - L_BASE < N_L && b - V_BASE < N_V)
        return S_BASE + ((a - L_BASE) * N_V + (b - V_BASE)) * N_T;
    if (a - S_BASE < N_S && (a - S_BASE) % N_T == 0 && b - T_BASE - 1 < N_T - 1)
        return a + (b - T_BASE);
    uint32_t low = 0, high = sl_token_n_pairs;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const uint32_t *pair = sl_token_pairs[middle];
        if (pair[0] < a || (pair[0] == a && pair[1] < b))
            low = middle + 1;
        else
            high = middle;
    }
    if (low < sl_token_n_pairs && sl_token_pairs[low][0] == a && sl_token_pairs[low][1] == b)
        return sl_token_pairs[low][2];
    return 0;
}
