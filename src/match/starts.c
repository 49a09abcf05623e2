/*
 * Strings at the beginnings of words. A kernel turns 64 bytes into a bit set of candidates: the
 * beginnings of words whose first three bytes, folded, some bucket allows. A candidate is looked up
 * by its first two bytes and compared.
 */
#include "match/starts.h"

#include <stdlib.h>

#define BLOCK   64
#define AHEAD   2 /* bytes behind a block that its last candidates look at */
#define N_CHAIN 256

struct sl_starts {
    const struct sl_starts_string *strings;
    uint32_t n;
    uint8_t head[N_CHAIN]; /* by hash of the first two folded bytes: string + 1; 0: none */
    uint8_t next[SL_STARTS_MAX];
    uint8_t low[3][16], high[3][16]; /* buckets that a nibble of byte 0, 1, 2 allows */
};

static unsigned char fold(char c)
{
    return (unsigned char)c | 0x20;
}

static uint8_t hash(const char *p)
{
    return (uint8_t)(fold(p[0]) * 31 + fold(p[1]));
}

static bool is_word(char c)
{
    return (unsigned char)(c - '0') < 10 || (unsigned char)((c | 0x20) - 'a') < 26;
}

static int by_text(const void *a, const void *b)
{
    const struct sl_starts_string *x = a, *y = b;
    return sl_str_cmp(x->text, y->text);
}

struct sl_starts *sl_starts_new(struct sl_arena *arena, const struct sl_starts_string *strings,
                                uint32_t n)
{
    struct sl_starts *set = SL_NEW(arena, struct sl_starts);
    struct sl_starts_string *own = SL_NEW_ARRAY(arena, struct sl_starts_string, n);
    if (!set || !own)
        return NULL;
    memcpy(own, strings, n * sizeof *own);
    /* Neighbours in order share first bytes, so that a bucket allows few combinations. */
    qsort(own, n, sizeof *own, by_text);
    set->strings = own;
    set->n = n;
    for (uint32_t i = 0; i < n; i++) {
        uint8_t bucket = (uint8_t)(1u << (i * 8 / n));
        for (size_t k = 0; k < 3; k++) {
            for (unsigned nibble = 0; nibble < 16; nibble++) {
                bool is_any =
                    k >= own[i].text.n; /* a string of two bytes asks nothing of a third */
                unsigned char c = is_any ? 0 : fold(own[i].text.p[k]);
                set->low[k][nibble] |= is_any || (c & 15) == nibble ? bucket : 0;
                set->high[k][nibble] |= is_any || c >> 4 == nibble ? bucket : 0;
            }
        }
        uint8_t h = hash(own[i].text.p);
        set->next[i] = set->head[h];
        set->head[h] = (uint8_t)(i + 1);
    }
    return set;
}

static bool is_here(const struct sl_starts_string *s, const char *p, size_t n)
{
    if (s->text.n > n)
        return false;
    if (!s->is_caseless)
        return memcmp(p, s->text.p, s->text.n) == 0;
    for (size_t i = 0; i < s->text.n; i++) {
        char c = p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c != s->text.p[i])
            return false;
    }
    return true;
}

struct search {
    const struct sl_starts *set;
    sl_str text;
    void (*on_hit)(void *ctx, uint32_t id, size_t from, size_t to);
    void *ctx;
};

static void look_at(const struct search *s, size_t at)
{
    size_t left = s->text.n - at;
    if (left < 2)
        return;
    for (uint32_t i = s->set->head[hash(s->text.p + at)]; i; i = s->set->next[i - 1]) {
        const struct sl_starts_string *string = &s->set->strings[i - 1];
        if (is_here(string, s->text.p + at, left))
            s->on_hit(s->ctx, string->id, at, at + string->text.n);
    }
}

/* Candidates among the 64 bytes at p, of which AHEAD more can be read; *carry: p[-1] is of a word.
 */
typedef uint64_t kernel(const struct sl_starts *set, const char *p, uint64_t *carry);

static inline uint64_t beginnings(uint64_t word, uint64_t *carry)
{
    uint64_t starts = word & ~(word << 1 | *carry);
    *carry = word >> 63;
    return starts;
}

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx512f,avx512bw"), always_inline)) static inline __m512i
allowed_avx512(__m512i folded, const uint8_t low[16], const uint8_t high[16])
{
    const __m512i nibble = _mm512_set1_epi8(15);
    __m512i l = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)low));
    __m512i h = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)high));
    return _mm512_and_si512(
        _mm512_shuffle_epi8(l, _mm512_and_si512(folded, nibble)),
        _mm512_shuffle_epi8(h, _mm512_and_si512(_mm512_srli_epi16(folded, 4), nibble)));
}

__attribute__((target("avx512f,avx512bw"))) static uint64_t
kernel_avx512(const struct sl_starts *set, const char *p, uint64_t *carry)
{
    const __m512i bit = _mm512_set1_epi8(0x20);
    __m512i block = _mm512_loadu_si512(p), folded = _mm512_or_si512(block, bit);
    uint64_t word = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8('0')),
                                           _mm512_set1_epi8(10)) |
                    _mm512_cmplt_epu8_mask(_mm512_sub_epi8(folded, _mm512_set1_epi8('a')),
                                           _mm512_set1_epi8(26));
    uint64_t starts = beginnings(word, carry);
    __m512i one = _mm512_or_si512(_mm512_loadu_si512(p + 1), bit);
    __m512i two = _mm512_or_si512(_mm512_loadu_si512(p + 2), bit);
    __m512i allowed = _mm512_and_si512(allowed_avx512(folded, set->low[0], set->high[0]),
                                       allowed_avx512(one, set->low[1], set->high[1]));
    allowed = _mm512_and_si512(allowed, allowed_avx512(two, set->low[2], set->high[2]));
    return _mm512_mask_test_epi8_mask(starts, allowed, allowed);
}

__attribute__((target("avx2"), always_inline)) static inline __m256i
allowed_avx2(__m256i folded, const uint8_t low[16], const uint8_t high[16])
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i l = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)low));
    __m256i h = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)high));
    return _mm256_and_si256(
        _mm256_shuffle_epi8(l, _mm256_and_si256(folded, nibble)),
        _mm256_shuffle_epi8(h, _mm256_and_si256(_mm256_srli_epi16(folded, 4), nibble)));
}

__attribute__((target("avx2"), always_inline)) static inline __m256i load_avx2(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

/* Of 32 bytes: which are of words, and which some bucket allows. */
__attribute__((target("avx2"), always_inline)) static inline void
half_avx2(const struct sl_starts *set, const char *p, uint32_t *word, uint32_t *allowed)
{
    const __m256i bit = _mm256_set1_epi8(0x20);
    __m256i block = load_avx2(p), folded = _mm256_or_si256(block, bit);
    __m256i digit = _mm256_sub_epi8(block, _mm256_set1_epi8('0'));
    __m256i letter = _mm256_sub_epi8(folded, _mm256_set1_epi8('a'));
    digit = _mm256_cmpeq_epi8(_mm256_min_epu8(digit, _mm256_set1_epi8(9)), digit);
    letter = _mm256_cmpeq_epi8(_mm256_min_epu8(letter, _mm256_set1_epi8(25)), letter);
    *word = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(digit, letter));
    __m256i all = allowed_avx2(folded, set->low[0], set->high[0]);
    all = _mm256_and_si256(
        all, allowed_avx2(_mm256_or_si256(load_avx2(p + 1), bit), set->low[1], set->high[1]));
    all = _mm256_and_si256(
        all, allowed_avx2(_mm256_or_si256(load_avx2(p + 2), bit), set->low[2], set->high[2]));
    *allowed = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, _mm256_setzero_si256()));
}

__attribute__((target("avx2"))) static uint64_t kernel_avx2(const struct sl_starts *set,
                                                            const char *p, uint64_t *carry)
{
    uint32_t word[2], allowed[2];
    half_avx2(set, p, &word[0], &allowed[0]);
    half_avx2(set, p + 32, &word[1], &allowed[1]);
    return beginnings(word[0] | (uint64_t)word[1] << 32, carry) &
           (allowed[0] | (uint64_t)allowed[1] << 32);
}

bool sl_starts_is_fast(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
bool sl_starts_is_fast(void)
{
    return false;
}
#endif

/* For other processors, and the twin that the others are tested against. */
static uint64_t kernel_ref(const struct sl_starts *set, const char *p, uint64_t *carry)
{
    uint64_t word = 0, allowed = 0;
    for (unsigned i = 0; i < BLOCK; i++) {
        uint8_t all = 0xff;
        for (unsigned k = 0; k < 3; k++) {
            unsigned char c = fold(p[i + k]);
            all &= set->low[k][c & 15] & set->high[k][c >> 4];
        }
        word |= (uint64_t)is_word(p[i]) << i;
        allowed |= (uint64_t)(all != 0) << i;
    }
    return beginnings(word, carry) & allowed;
}

static kernel *choose(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return kernel_avx512;
    if (__builtin_cpu_supports("avx2"))
        return kernel_avx2;
#endif
    return kernel_ref;
}

static void look_at_all(const struct search *s, size_t from, uint64_t candidates)
{
    for (; candidates; candidates &= candidates - 1)
        look_at(s, from + (size_t)__builtin_ctzll(candidates));
}

void sl_starts_run(const struct sl_starts *set, sl_str text,
                   void (*on_hit)(void *ctx, uint32_t id, size_t from, size_t to), void *ctx)
{
    const struct search s = {set, text, on_hit, ctx};
    kernel *candidates_of = choose();
    uint64_t carry = 0;
    size_t at = 0;
    for (; text.n - at >= BLOCK + AHEAD; at += BLOCK)
        look_at_all(&s, at, candidates_of(set, text.p + at, &carry));
    /* The end, of up to a block and two bytes, from a copy that can be read beyond it. */
    char end[2 * BLOCK + AHEAD + BLOCK] = {0};
    size_t left = text.n - at;
    if (left)
        memcpy(end, text.p + at, left);
    for (size_t k = 0; k < left; k += BLOCK)
        look_at_all(&s, at + k, candidates_of(set, end + k, &carry));
}
