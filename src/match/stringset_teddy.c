/*
 * Some dozens of strings by the Teddy method of Hyperscan (Wang et al., NSDI 2019): four bytes of
 * each string, as half bytes, are looked up for 32 or 64 places at once; where all four agree with
 * some strings, these are compared. Strings share buckets, eight to a group, by what costs the
 * fewest looks. Needs AVX2 or AVX-512.
 */
#include "match/stringset_parts.h"

#ifdef __x86_64__
#include <immintrin.h>

#define WINDOW      4 /* bytes that are looked up */
#define MAX_GROUPS  3
#define BUCKETS     8
#define MAX_STRINGS 192
#define MAX_RATE    0.04 /* places with something to compare */

/* By place in the window and half byte: the buckets that allow it. */
struct group {
    unsigned char low[WINDOW][16], high[WINDOW][16];
};

struct sl_teddy {
    struct group groups[MAX_GROUPS];
    uint32_t n_groups;
    bool is_wide; /* 64 places at once */
};

/* Half bytes that some strings have at one place of their windows. */
struct halves {
    uint16_t low, high;
};

struct bucket {
    struct halves at[WINDOW];
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
    for (int k = 0; k < WINDOW; k++)
        rate *= at[k].low == 0xffff ? 1 : share_of_halves(shares, at[k]);
    return rate;
}

static void add_halves(struct halves *at, const struct sl_stringset_string *s, size_t offset)
{
    for (size_t k = 0; k < WINDOW; k++) {
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

/* The window whose bytes are the rarest. */
static uint32_t choose_offset(const double shares[16][16], const struct sl_stringset_string *s)
{
    uint32_t best = 0;
    double least = 2;
    for (uint32_t offset = 0; !s->is_ordered && offset + WINDOW <= s->text.n; offset++) {
        struct halves at[WINDOW] = {0};
        add_halves(at, s, offset);
        double rate = rate_of(shares, at);
        if (rate < least) {
            least = rate;
            best = offset;
        }
    }
    return best;
}

struct plan {
    double shares[16][16]; /* of bytes, by half bytes */
    uint32_t bucket[MAX_STRINGS], offset[MAX_STRINGS];
    struct bucket buckets[MAX_GROUPS * BUCKETS];
    double rate;
};

/* Puts every string where it adds the least. */
static void make_plan(struct plan *plan, const struct sl_stringset_string *strings, uint32_t n,
                      uint32_t n_buckets)
{
    memset(plan->buckets, 0, sizeof(plan->buckets));
    plan->rate = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_allowed = strings[i].is_ordered ? BUCKETS : n_buckets;
        double least = 1e9;
        plan->bucket[i] = UINT32_MAX;
        if (strings[i].text.n < 2)
            continue;
        struct bucket chosen = {0};
        for (uint32_t b = 0; b < n_allowed; b++) {
            struct bucket with = plan->buckets[b];
            add_halves(with.at, &strings[i], plan->offset[i]);
            with.rate = rate_of(plan->shares, with.at);
            double added = with.rate - plan->buckets[b].rate;
            if (added < least) {
                least = added;
                chosen = with;
                plan->bucket[i] = b;
            }
        }
        plan->buckets[plan->bucket[i]] = chosen;
        plan->rate += least;
    }
}

static void fill_groups(struct sl_teddy *teddy, const struct plan *plan)
{
    for (uint32_t b = 0; b < teddy->n_groups * BUCKETS; b++) {
        struct group *g = &teddy->groups[b / BUCKETS];
        for (int k = 0; k < WINDOW; k++) {
            for (int half = 0; half < 16; half++) {
                g->low[k][half] |= (plan->buckets[b].at[k].low >> half & 1) << b % BUCKETS;
                g->high[k][half] |= (plan->buckets[b].at[k].high >> half & 1) << b % BUCKETS;
            }
        }
    }
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_stringset *set,
                        struct sl_arena *arena, const struct sl_stringset_string *strings,
                        uint32_t n, enum sl_stringset_way way)
{
    *out = NULL;
    if (n > MAX_STRINGS || !__builtin_cpu_supports("avx2") ||
        (way == SL_STRINGSET_TEDDY_AVX512 && !has_avx512()))
        return SL_OK;
    struct plan plan;
    uint32_t n_groups = 0;
    for (unsigned c = 0; c < 256; c++)
        plan.shares[c >> 4][c & 15] = sl_stringset_share((unsigned char)c);
    for (uint32_t i = 0; i < n; i++)
        plan.offset[i] = choose_offset(plan.shares, &strings[i]);
    /* A group more costs as much as comparing at one place in a hundred. */
    do {
        make_plan(&plan, strings, n, ++n_groups * BUCKETS);
    } while (n_groups < MAX_GROUPS && plan.rate > 0.01 * n_groups);
    if (plan.rate > MAX_RATE)
        return SL_OK;
    struct sl_teddy *teddy = SL_NEW(arena, struct sl_teddy);
    if (!teddy ||
        !sl_stringset_lay_out(set, arena, strings, n, plan.bucket, plan.offset, n_groups * BUCKETS))
        return SL_NOMEM;
    teddy->n_groups = n_groups;
    teddy->is_wide = way != SL_STRINGSET_TEDDY_AVX2 && has_avx512();
    fill_groups(teddy, &plan);
    *out = teddy;
    return SL_OK;
}

static void compare_all(const struct sl_stringset_run *r, uint32_t group, size_t base,
                        uint64_t places, const unsigned char *buckets)
{
    for (; places; places &= places - 1) {
        size_t at = (size_t)__builtin_ctzll(places);
        for (unsigned which = buckets[at]; which; which &= which - 1)
            sl_stringset_compare(r, group * BUCKETS + (uint32_t)__builtin_ctz(which), base + at);
    }
}

/* Blocks of 64 bytes while one more can be read whole; where it stopped. */
__attribute__((target("avx512f,avx512bw"), always_inline)) static inline size_t
look_wide(const struct sl_stringset_run *r, const unsigned char *p, size_t n, size_t base,
          uint32_t n_groups)
{
    const __m512i half = _mm512_set1_epi8(15);
    __m512i by_low[MAX_GROUPS][WINDOW], by_high[MAX_GROUPS][WINDOW];
    size_t at = 0;
    for (uint32_t g = 0; g < n_groups; g++) {
        const struct group *group = &r->set->teddy->groups[g];
        for (int k = 0; k < WINDOW; k++) {
            by_low[g][k] = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const __m128i *)(const void *)group->low[k]));
            by_high[g][k] = _mm512_broadcast_i32x4(
                _mm_loadu_si128((const __m128i *)(const void *)group->high[k]));
        }
    }
    for (; n - at >= 64 + WINDOW; at += 64) {
        __m512i both[MAX_GROUPS];
        for (int k = 0; k < WINDOW; k++) {
            __m512i block = _mm512_loadu_si512(p + at + k);
            __m512i low = _mm512_and_si512(block, half);
            __m512i high = _mm512_and_si512(_mm512_srli_epi16(block, 4), half);
            for (uint32_t g = 0; g < n_groups; g++) {
                __m512i here = _mm512_and_si512(_mm512_shuffle_epi8(by_low[g][k], low),
                                                _mm512_shuffle_epi8(by_high[g][k], high));
                both[g] = k ? _mm512_and_si512(both[g], here) : here;
            }
        }
        for (uint32_t g = 0; g < n_groups; g++) {
            uint64_t places = _mm512_test_epi8_mask(both[g], both[g]);
            if (SL_LIKELY(!places))
                continue;
            unsigned char buckets[64];
            _mm512_storeu_si512(buckets, both[g]);
            compare_all(r, g, base + at, places, buckets);
        }
    }
    return at;
}

__attribute__((target("avx512f,avx512bw"))) static size_t
look_avx512(const struct sl_stringset_run *r, const unsigned char *p, size_t n, size_t base)
{
    switch (r->set->teddy->n_groups) {
    case 1:
        return look_wide(r, p, n, base, 1);
    case 2:
        return look_wide(r, p, n, base, 2);
    default:
        return look_wide(r, p, n, base, 3);
    }
}

__attribute__((target("avx2"))) static size_t
look_avx2(const struct sl_stringset_run *r, const unsigned char *p, size_t n, size_t base)
{
    const __m256i half = _mm256_set1_epi8(15);
    size_t at = 0;
    for (; n - at >= 32 + WINDOW; at += 32) {
        __m256i low[WINDOW], high[WINDOW];
        for (int k = 0; k < WINDOW; k++) {
            __m256i block = _mm256_loadu_si256((const __m256i *)(const void *)(p + at + k));
            low[k] = _mm256_and_si256(block, half);
            high[k] = _mm256_and_si256(_mm256_srli_epi16(block, 4), half);
        }
        for (uint32_t g = 0; g < r->set->teddy->n_groups; g++) {
            const struct group *group = &r->set->teddy->groups[g];
            __m256i both = _mm256_set1_epi8(-1);
            for (int k = 0; k < WINDOW; k++) {
                __m256i by_low = _mm256_broadcastsi128_si256(
                    _mm_loadu_si128((const __m128i *)(const void *)group->low[k]));
                __m256i by_high = _mm256_broadcastsi128_si256(
                    _mm_loadu_si128((const __m128i *)(const void *)group->high[k]));
                both =
                    _mm256_and_si256(both, _mm256_and_si256(_mm256_shuffle_epi8(by_low, low[k]),
                                                            _mm256_shuffle_epi8(by_high, high[k])));
            }
            __m256i none = _mm256_cmpeq_epi8(both, _mm256_setzero_si256());
            uint64_t places = (uint32_t)~_mm256_movemask_epi8(none);
            if (SL_LIKELY(!places))
                continue;
            unsigned char buckets[32];
            _mm256_storeu_si256((__m256i *)(void *)buckets, both);
            compare_all(r, g, base + at, places, buckets);
        }
    }
    return at;
}

void sl_teddy_run(const struct sl_stringset_run *r)
{
    const unsigned char *p = (const unsigned char *)r->text.p;
    size_t (*look)(const struct sl_stringset_run *, const unsigned char *, size_t, size_t) =
        r->set->teddy->is_wide ? look_avx512 : look_avx2;
    size_t base = look(r, p, r->text.n, 0);
    /* The rest, less than a block and a window, with zeros behind it. */
    unsigned char rest[3 * 64] = {0};
    if (base < r->text.n) {
        memcpy(rest, p + base, r->text.n - base);
        look(r, rest, sizeof(rest), base);
    }
}

#else

enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_stringset *set,
                        struct sl_arena *arena, const struct sl_stringset_string *strings,
                        uint32_t n, enum sl_stringset_way way)
{
    (void)set, (void)arena, (void)strings, (void)n, (void)way;
    *out = NULL;
    return SL_OK;
}

void sl_teddy_run(const struct sl_stringset_run *r)
{
    (void)r;
}

#endif
