/*
 * Search by a lazily built deterministic automaton. A state is the ordered list of threads before
 * their empty steps, with what precedes the place; the step on a symbol resolves assertions, since
 * it sees both sides, then walks the threads by priority and stops at the first that matches
 * (leftmost-first). States are made when first needed and all dropped when the cache is full,
 * which keeps the search linear and its memory bounded.
 */
#include "match/byteskip.h"
#include "match/regex_prog.h"

#include "base/hash.h"
#include "base/utf8.h"

#include <stdlib.h>

#define CACHE_BYTES (512 * 1024)
#define DEAD        0u
#define UNKNOWN     UINT32_MAX
#define MATCHED     0x80000000u /* in a transition: a match ends before this symbol */

enum { AFTER_OTHER, AFTER_WORD, AFTER_NEWLINE, AFTER_NOTHING, N_CONTEXTS };

struct state {
    uint32_t n;       /* threads */
    uint32_t threads; /* offset into cache->pool */
    uint8_t context;
    bool is_anchored;   /* a match was seen, or the search may not begin later */
    bool is_idle;       /* nothing but a fresh start */
    uint32_t next_same; /* chain of the hash table, 0 ends */
};

struct sl_regex_cache {
    uint32_t n_states, cap_states;
    struct state *states;
    uint32_t *transitions; /* n_symbols + 1 a state */
    uint32_t *pool;
    uint32_t n_pool, cap_pool;
    uint32_t buckets[256];
    uint32_t idle[N_CONTEXTS]; /* start states, 0: not made */
    uint32_t *stack, *list;
    uint32_t *seen, *queued, generation;
};

static void clear(struct sl_regex_cache *c)
{
    c->n_states = 1; /* DEAD */
    c->n_pool = 0;
    memset(c->buckets, 0, sizeof(c->buckets));
    memset(c->idle, 0, sizeof(c->idle));
}

struct sl_regex_cache *sl_regex_cache_new(const struct sl_regex *re)
{
    struct sl_regex_cache *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    size_t row = (re->n_symbols + 1) * sizeof(*c->transitions);
    size_t cap = CACHE_BYTES / (row + sizeof(struct state) + 16 * sizeof(uint32_t));
    c->cap_states = (uint32_t)(cap < 16 ? 16 : cap > 4096 ? 4096 : cap);
    c->cap_pool = CACHE_BYTES / 8 / sizeof(uint32_t);
    if (c->cap_pool < 4 * (re->n_code + 1))
        c->cap_pool = 4 * (re->n_code + 1);
    c->states = malloc(c->cap_states * sizeof(*c->states));
    c->transitions = malloc(c->cap_states * row);
    c->pool = malloc(c->cap_pool * sizeof(*c->pool));
    c->stack = malloc((2 * (size_t)re->n_code + 2) * sizeof(*c->stack));
    c->list = malloc((re->n_code + 1) * sizeof(*c->list));
    c->seen = calloc(re->n_code + 1, sizeof(*c->seen));
    c->queued = calloc(re->n_code + 1, sizeof(*c->queued));
    if (!c->states || !c->transitions || !c->pool || !c->stack || !c->list || !c->seen ||
        !c->queued) {
        sl_regex_cache_free(c);
        return NULL;
    }
    clear(c);
    return c;
}

void sl_regex_cache_free(struct sl_regex_cache *c)
{
    if (!c)
        return;
    free(c->states);
    free(c->transitions);
    free(c->pool);
    free(c->stack);
    free(c->list);
    free(c->seen);
    free(c->queued);
    free(c);
}

/* The state with these threads, made when new; UNKNOWN when the cache is full. */
static uint32_t state_of(const struct sl_regex *re, struct sl_regex_cache *c,
                         const uint32_t *threads, uint32_t n, uint8_t context, bool is_anchored)
{
    if (n == 0)
        return DEAD;
    uint64_t seed = context * 2u + is_anchored;
    uint32_t bucket = sl_hash(sl_str_of(threads, n * sizeof(*threads)), seed) & 255;
    for (uint32_t s = c->buckets[bucket]; s; s = c->states[s].next_same) {
        const struct state *at = &c->states[s];
        if (at->n == n && at->context == context && at->is_anchored == is_anchored &&
            memcmp(c->pool + at->threads, threads, n * sizeof(*threads)) == 0)
            return s;
    }
    if (c->n_states == c->cap_states || c->n_pool + n > c->cap_pool)
        return UNKNOWN;
    uint32_t s = c->n_states++;
    c->states[s] = (struct state){.n = n,
                                  .threads = c->n_pool,
                                  .context = context,
                                  .is_anchored = is_anchored,
                                  .is_idle = n == 1 && threads[0] == 0 && !is_anchored,
                                  .next_same = c->buckets[bucket]};
    c->buckets[bucket] = s;
    memcpy(c->pool + c->n_pool, threads, n * sizeof(*threads));
    c->n_pool += n;
    uint32_t *row = c->transitions + (size_t)s * (re->n_symbols + 1);
    for (uint32_t i = 0; i <= re->n_symbols; i++)
        row[i] = UNKNOWN;
    return s;
}

static bool assertion_holds(enum sl_regex_assert kind, uint8_t context, uint8_t next)
{
    bool is_word_edge = (context == AFTER_WORD) != ((next & SL_RE_IS_WORD) != 0);
    switch (kind) {
    case SL_RE_BEGIN_TEXT:
        return context == AFTER_NOTHING;
    case SL_RE_END_TEXT:
        return next & SL_RE_IS_END;
    case SL_RE_BEGIN_LINE:
        return context == AFTER_NOTHING || context == AFTER_NEWLINE;
    case SL_RE_END_LINE:
        return next & (SL_RE_IS_END | SL_RE_IS_NEWLINE);
    case SL_RE_WORD:
        return is_word_edge;
    case SL_RE_NOT_WORD:
        return !is_word_edge;
    }
    return false;
}

static uint8_t context_after(uint8_t flags)
{
    return flags & SL_RE_IS_WORD      ? AFTER_WORD
           : flags & SL_RE_IS_NEWLINE ? AFTER_NEWLINE
                                      : AFTER_OTHER;
}

/*
 * Follows one thread's empty steps; threads that take the symbol are appended to the list.
 * True when it matches: the threads behind it lose.
 */
static bool follow(const struct sl_regex *re, struct sl_regex_cache *c, uint32_t thread,
                   uint8_t context, uint32_t symbol, uint32_t *n_list)
{
    uint32_t n = 0;
    c->stack[n++] = thread;
    while (n) {
        uint32_t pc = c->stack[--n];
        if (c->seen[pc] == c->generation)
            continue;
        c->seen[pc] = c->generation;
        const struct sl_regex_inst *i = &re->code[pc];
        switch ((enum sl_regex_op)i->op) {
        case SL_RE_CLASS: {
            size_t bit = (size_t)i->arg * re->n_symbols + symbol;
            if (symbol < re->n_symbols && re->members[bit >> 6] >> (bit & 63) & 1 &&
                c->queued[pc + 1] != c->generation) {
                c->queued[pc + 1] = c->generation;
                c->list[(*n_list)++] = pc + 1;
            }
            break;
        }
        case SL_RE_MATCH:
            return true;
        case SL_RE_SPLIT: {
            uint32_t jump = (uint32_t)((int32_t)pc + i->arg);
            c->stack[n++] = i->prefers_jump ? pc + 1 : jump;
            c->stack[n++] = i->prefers_jump ? jump : pc + 1;
            break;
        }
        case SL_RE_JUMP:
            c->stack[n++] = (uint32_t)((int32_t)pc + i->arg);
            break;
        case SL_RE_ASSERT:
            if (assertion_holds((enum sl_regex_assert)i->arg, context, re->symbol_flags[symbol]))
                c->stack[n++] = pc + 1;
            break;
        }
    }
    return false;
}

/* Computes and stores the transition of `s` on `symbol`; UNKNOWN when the cache is full. */
static uint32_t step(const struct sl_regex *re, struct sl_regex_cache *c, uint32_t s,
                     uint32_t symbol)
{
    const struct state at = c->states[s];
    uint32_t n_list = 0;
    bool is_match = false;
    c->generation++;
    for (uint32_t i = 0; i < at.n && !is_match; i++)
        is_match = follow(re, c, c->pool[at.threads + i], at.context, symbol, &n_list);
    bool is_anchored = at.is_anchored || is_match;
    if (!is_anchored && c->queued[0] != c->generation)
        c->list[n_list++] = 0;
    uint8_t context = re->has_asserts ? context_after(re->symbol_flags[symbol]) : AFTER_OTHER;
    uint32_t next = state_of(re, c, c->list, n_list, context, is_anchored);
    if (next == UNKNOWN)
        return UNKNOWN;
    uint32_t value = next | (is_match ? MATCHED : 0);
    c->transitions[(size_t)s * (re->n_symbols + 1) + symbol] = value;
    return value;
}

static uint32_t symbol_at(const struct sl_regex *re, sl_str text, size_t at, unsigned *n)
{
    uint32_t cp = sl_utf8_at(text, at, n);
    if (cp < 0x80)
        return re->ascii[cp];
    uint32_t low = 0, high = re->n_intervals;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (re->starts[middle] <= cp)
            low = middle;
        else
            high = middle;
    }
    return re->symbols[low];
}

static uint8_t context_at(const struct sl_regex *re, sl_str text, size_t at)
{
    if (!re->has_asserts)
        return AFTER_OTHER;
    if (at == 0)
        return AFTER_NOTHING;
    unsigned char before = (unsigned char)text.p[at - 1];
    return before < 0x80 ? context_after(re->symbol_flags[re->ascii[before]]) : AFTER_OTHER;
}

static uint32_t idle_state(const struct sl_regex *re, struct sl_regex_cache *c, uint8_t context)
{
    if (!c->idle[context]) {
        static const uint32_t start = 0;
        uint32_t s = state_of(re, c, &start, 1, context, false);
        if (s == UNKNOWN) {
            clear(c);
            s = state_of(re, c, &start, 1, context, false);
        }
        c->idle[context] = s;
    }
    return c->idle[context];
}

/* The next place at or after `at` where a match could begin; text.n + 1 when there is none. */
static size_t next_start(const struct sl_regex *re, sl_str text, size_t at)
{
    const unsigned char *p = (const unsigned char *)text.p;
    if (re->start == SL_RE_START_TEXT && at > 0)
        return text.n + 1;
    if (re->start == SL_RE_START_LINE && at > 0 && p[at - 1] != '\n') {
        const unsigned char *line = memchr(p + at, '\n', text.n - at);
        if (!line)
            return text.n + 1;
        at = (size_t)(line - p) + 1;
    }
    if (re->is_nullable || re->start != SL_RE_START_ANYWHERE)
        return at;
    if (re->n_skip)
        at = sl_byteskip(p, at, text.n, re->skip, re->n_skip);
    else
        while (at < text.n && !(re->first[p[at] >> 6] >> (p[at] & 63) & 1))
            at++;
    return at < text.n ? at : text.n + 1;
}

bool sl_regex_find(const struct sl_regex *re, struct sl_regex_cache *c, sl_str text, size_t from,
                   size_t *end, bool *failed)
{
    bool found = false;
    size_t at = from;
    uint32_t s = idle_state(re, c, context_at(re, text, at));
    uint32_t n_row = re->n_symbols + 1;
    *failed = false;
    while (s != DEAD) {
        if (c->states[s].is_idle) {
            size_t start = next_start(re, text, at);
            if (start > text.n)
                return false;
            if (start != at) {
                at = start;
                s = idle_state(re, c, context_at(re, text, at));
            }
        }
        unsigned length = 1;
        uint32_t symbol = at < text.n ? symbol_at(re, text, at, &length) : re->n_symbols;
        uint32_t next = c->transitions[(size_t)s * n_row + symbol];
        if (SL_UNLIKELY(next == UNKNOWN)) {
            next = step(re, c, s, symbol);
            if (next == UNKNOWN) {
                /* Full: keep only this state. Its threads move through the scratch list. */
                struct state kept = c->states[s];
                memmove(c->list, c->pool + kept.threads, kept.n * sizeof(*c->list));
                clear(c);
                s = state_of(re, c, c->list, kept.n, kept.context, kept.is_anchored);
                next = s == UNKNOWN ? UNKNOWN : step(re, c, s, symbol);
            }
            if (next == UNKNOWN) {
                *failed = true;
                return false;
            }
        }
        if (next & MATCHED) {
            found = true;
            *end = at;
        }
        s = next & ~MATCHED;
        if (at >= text.n)
            break;
        at += length;
    }
    return found;
}

uint32_t sl_regex_count(const struct sl_regex *re, struct sl_regex_cache *c, sl_str text,
                        uint32_t limit, bool *failed)
{
    uint32_t n = 0;
    size_t at = 0, last_end = SIZE_MAX, end;
    *failed = false;
    while (n < limit && at <= text.n && sl_regex_find(re, c, text, at, &end, failed)) {
        if (end > at) {
            n++;
            at = end;
        } else {
            /* Empty, here: not counted right behind the match before it. */
            n += end != last_end;
            unsigned length = 1;
            if (at < text.n)
                sl_utf8_at(text, at, &length);
            at += length;
        }
        last_end = end;
    }
    return n;
}
