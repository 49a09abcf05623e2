/*
 * The filter for some dozens of strings, by the Teddy method of Hyperscan (Wang et al., NSDI 2019):
 * the four bytes of a window, as half bytes, are looked up for 32 or 64 places at once. Strings
 * share buckets, eight to a group, by what lets the fewest places through. AVX2 or AVX-512.
 */
#include "match/stringset_parts.h"

#ifdef __x86_64__
#include <immintrin.h>

#define MAX_GROUPS  2
#define BUCKETS     8
#define MAX_STRINGS 512
#define MAX_RATE    0.2 /* places let through */

/* By place in the window and half byte: the buckets that allow it. */
struct group {
    unsigned char low[SL_WINDOW][16], high[SL_WINDOW][16];
};

struct sl_teddy {
    struct group groups[MAX_GROUPS];
    uint32_t n_groups;
};

/* Half bytes that some strings have at one place of their windows. */
struct halves {
    uint16_t low, high;
};

struct bucket {
    struct halves at[SL_WINDOW];
    double rate; /* of places that agree */
};

/* Share of the bytes that halves allow. */
static double share_of_halves(const double shares[16][16], struct halves at)
{
    double sum = 0;
    for (unsigned high = at.high; high; high &= high - 1)
        for (unsigned low = at.low; low; low &= low - 1)
            sum += shares[__builtin_ctz(high)][__builtin_ctz(low)];
    return sum;
}

static double rate_of(const double shares[16][16], const struct halves *at)
{
    double rate = 1;
    for (int k = 0; k < SL_WINDOW; k++)
        rate *= at[k].low == 0xffff ? 1 : share_of_halves(shares, at[k]);
    return rate;
}

static void add_halves(struct halves *at, const struct sl_stringset_string *s, size_t offset)
{
    for (size_t k = 0; k < SL_WINDOW; k++) {
        if (offset + k >= s->text.n) {
            at[k] = (struct halves){0xffff, 0xffff};
            continue;
        }
        unsigned char c = (unsigned char)s->text.p[offset + k];
        at[k].low |= (uint16_t)(1u << (c & 15));
        at[k].high |= (uint16_t)(1u << (c >> 4));
        if (s->is_caseless && (unsigned)(c - 'a') < 26)
            at[k].high |= (uint16_t)(1u << ((c >> 4) - 2));
    }
}

struct plan {
    double shares[16][16]; /* of bytes, by half bytes */
    struct bucket buckets[MAX_GROUPS * BUCKETS];
    double rate;
};

/* Puts every string where it adds the least. */
static void make_plan(struct plan *plan, const struct sl_stringset_string *strings, uint32_t n,
                      const uint32_t *offset, uint32_t n_buckets)
{
    memset(plan->buckets, 0, sizeof(plan->buckets));
    plan->rate = 0;
    for (uint32_t i = 0; i < n; i++) {
        double least = 1e9;
        struct bucket chosen = {0};
        uint32_t where = 0;
        if (strings[i].text.n < 2)
            continue;
        for (uint32_t b = 0; b < n_buckets; b++) {
            struct bucket with = plan->buckets[b];
            add_halves(with.at, &strings[i], offset[i]);
            with.rate = rate_of(plan->shares, with.at);
            double added = with.rate - plan->buckets[b].rate;
            if (added < least) {
                least = added;
                chosen = with;
                where = b;
            }
        }
        plan->buckets[where] = chosen;
        plan->rate += least;
    }
}

static void fill_groups(struct sl_teddy *teddy, const struct plan *plan)
{
    for (uint32_t b = 0; b < teddy->n_groups * BUCKETS; b++) {
        struct group *g = &teddy->groups[b / BUCKETS];
        for (int k = 0; k < SL_WINDOW; k++) {
            for (int half = 0; half < 16; half++) {
                g->low[k][half] |=
                    (uint8_t)((plan->buckets[b].at[k].low >> half & 1) << b % BUCKETS);
                g->high[k][half] |=
                    (uint8_t)((plan->buckets[b].at[k].high >> half & 1) << b % BUCKETS);
            }
        }
    }
}

enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_arena *arena,
                        const struct sl_stringset_string *strings, uint32_t n,
                        const uint32_t *offset)
{
    struct plan plan;
    uint32_t n_groups = 0;
    *out = NULL;
    if (n > MAX_STRINGS)
        return SL_OK;
    for (unsigned c = 0; c < 256; c++)
        plan.shares[c >> 4][c & 15] = sl_stringset_share((unsigned char)c);
    /* A group more costs as much as looking at one place in fifty. */
    do {
        make_plan(&plan, strings, n, offset, ++n_groups * BUCKETS);
    } while (n_groups < MAX_GROUPS && plan.rate > 0.02);
    if (plan.rate > MAX_RATE)
        return SL_OK;
    struct sl_teddy *teddy = SL_NEW(arena, struct sl_teddy);
    if (!teddy)
        return SL_NOMEM;
    teddy->n_groups = n_groups;
    fill_groups(teddy, &plan);
    *out = teddy;
    return SL_OK;
}

/* Blocks of 64 bytes while one more can be read whole; where it stopped. */
__attribute__((target("avx512f,avx512bw"), always_inline)) static inline size_t
look_wide(const struct sl_stringset_run *r, const char *p, size_t n, size_t base, uint32_t n_groups)
{
    const __m512i half = _mm512_set1_epi8(15);
    __m512i by_low[MAX_GROUPS][SL_WINDOW], by_high[MAX_GROUPS][SL_WINDOW];
    size_t at = 0;
    for (uint32_t g = 0; g < n_groups; g++) {
        const struct group *group = &r->set->teddy->groups[g];
        for (int k = 0; k < SL_WINDOW; k++) {
            by_low[g][k] = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const __m128i *)(const void *)group->low[k]));
            by_high[g][k] = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const __m128i *)(const void *)group->high[k]));
        }
    }
    for (; n - at >= 64 + SL_WINDOW; at += 64) {
        __m512i both[MAX_GROUPS];
        for (int k = 0; k < SL_WINDOW; k++) {
            __m512i block = _mm512_loadu_si512(p + at + k);
            __m512i low = _mm512_and_si512(block, half);
            __m512i high = _mm512_and_si512(_mm512_srli_epi16(block, 4), half);
            for (uint32_t g = 0; g < n_groups; g++) {
                __m512i here = _mm512_and_si512(_mm512_shuffle_epi8(by_low[g][k], low),
                                                _mm512_shuffle_epi8(by_high[g][k], high));
                both[g] = k ? _mm512_and_si512(both[g], here) : here;
            }
        }
        for (uint32_t g = 1; g < n_groups; g++)
            both[0] = _mm512_or_si512(both[0], both[g]);
        uint64_t places = _mm512_test_epi8_mask(both[0], both[0]);
        if (SL_UNLIKELY(places))
            sl_stringset_verify(r, p + at, base + at, places);
    }
    return at;
}

__attribute__((target("avx512f,avx512bw"))) static size_t
look_avx512(const struct sl_stringset_run *r, const char *p, size_t n, size_t base)
{
    return r->set->teddy->n_groups == 1 ? look_wide(r, p, n, base, 1)
                                        : look_wide(r, p, n, base, MAX_GROUPS);
}

__attribute__((target("avx2"))) static size_t look_avx2(const struct sl_stringset_run *r,
                                                        const char *p, size_t n, size_t base)
{
    const __m256i half = _mm256_set1_epi8(15);
    size_t at = 0;
    for (; n - at >= 32 + SL_WINDOW; at += 32) {
        __m256i low[SL_WINDOW], high[SL_WINDOW];
        for (int k = 0; k < SL_WINDOW; k++) {
            __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + k));
            low[k] = _mm256_and_si256(block, half);
            high[k] = _mm256_and_si256(_mm256_srli_epi16(block, 4), half);
        }
        __m256i any = _mm256_setzero_si256();
        for (uint32_t g = 0; g < r->set->teddy->n_groups; g++) {
            const struct group *group = &r->set->teddy->groups[g];
            __m256i both = _mm256_set1_epi8(-1);
            for (int k = 0; k < SL_WINDOW; k++) {
                __m256i by_low = _mm256_broadcastsi128_si256(
                    _mm_loadu_si128((const __m128i *)(const void *)group->low[k]));
                __m256i by_high = _mm256_broadcastsi128_si256(
                    _mm_loadu_si128((const __m128i *)(const void *)group->high[k]));
                both =
                    _mm256_and_si256(both, _mm256_and_si256(_mm256_shuffle_epi8(by_low, low[k]),
                                                            _mm256_shuffle_epi8(by_high, high[k])));
            }
            any = _mm256_or_si256(any, both);
        }
        __m256i none = _mm256_cmpeq_epi8(any, _mm256_setzero_si256());
        uint64_t places = (uint32_t)~_mm256_movemask_epi8(none);
        if (SL_UNLIKELY(places))
            sl_stringset_verify(r, p + at, base + at, places);
    }
    return at;
}

sl_stringset_filter sl_teddy_filter(unsigned width)
{
    return width == 64 ? look_avx512 : look_avx2;
}

#else

enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_arena *arena,
                        const struct sl_stringset_string *strings, uint32_t n,
                        const uint32_t *offset)
{
    (void)arena, (void)strings, (void)n, (void)offset;
    *out = NULL;
    return SL_OK;
}

sl_stringset_filter sl_teddy_filter(unsigned width)
{
    return sl_windows_filter(width);
}

#endif
