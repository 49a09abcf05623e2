/*
 * Building the double array: breadth first over the sorted keys; the children of a node go to the
 * first block of 256 units that has all their places free. XOR keeps them within one block, and a
 * block's free places are a bitmap whose XOR-permutations are word operations.
 */
#include "ml/token/trie.h"

#include <stdlib.h>

#define OPEN_BLOCKS 16 /* blocks tried before a new one is begun */

struct bits {
    uint64_t w[4];
    uint32_t n; /* bits set */
};

/* A node whose children are to be placed: it covers keys [from, to), which share `depth` bytes. */
struct task {
    uint32_t node, from, to, depth;
};

struct builder {
    struct sl_trie *trie;
    uint32_t cap_units;
    struct bits *is_free; /* one a block */
    const struct sl_trie_key *keys;
    struct task *tasks;
    uint32_t n_tasks, cap_tasks;
};

static int by_key(const void *a, const void *b)
{
    const struct sl_trie_key *x = a, *y = b;
    int order = sl_str_cmp(x->key, y->key);
    return order ? order : x->value < y->value ? 1 : x->value > y->value ? -1 : 0;
}

/* The first eight bytes as a number that orders as they do. */
static uint64_t head_of(sl_str key)
{
    uint64_t head = 0;
    for (size_t i = 0; i < 8; i++)
        head = head << 8 | (i < key.n ? (unsigned char)key.p[i] : 0);
    return head;
}

/* Sorts by the heads, a byte at a time from the last one, then what has equal heads as a whole. */
static bool sort_keys(struct sl_trie_key *keys, uint32_t n)
{
    struct sl_trie_key *from = keys, *to = malloc((size_t)n * sizeof *to), *room = to;
    if (!to)
        return false;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        uint32_t starts[257] = {0};
        for (uint32_t i = 0; i < n; i++)
            starts[(from[i].head >> shift & 255) + 1]++;
        for (unsigned c = 0; c < 256; c++)
            starts[c + 1] += starts[c];
        for (uint32_t i = 0; i < n; i++)
            to[starts[from[i].head >> shift & 255]++] = from[i];
        struct sl_trie_key *swap = from;
        from = to;
        to = swap;
    }
    free(room); /* an even number of passes ends in `keys` */
    for (uint32_t at = 0, end; at < n; at = end) {
        for (end = at + 1; end < n && keys[end].head == keys[at].head; end++)
            ;
        if (end - at > 1)
            qsort(keys + at, end - at, sizeof *keys, by_key);
    }
    return true;
}

/* Bit i of the result is bit i ^ c of the argument. */
static struct bits permuted(struct bits b, unsigned c)
{
    static const uint64_t low[6] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu,
                                    0x00ff00ff00ff00ffu, 0x0000ffff0000ffffu, 0x00000000ffffffffu};
    struct bits out = {.n = b.n};
    for (unsigned i = 0; i < 4; i++) {
        uint64_t w = b.w[i ^ c >> 6];
        for (unsigned k = 0; k < 6; k++) {
            if (c >> k & 1)
                w = (w >> (1u << k) & low[k]) | (w & low[k]) << (1u << k);
        }
        out.w[i] = w;
    }
    return out;
}

static bool add_block(struct builder *b)
{
    struct sl_trie *t = b->trie;
    if (t->n_units + 256 > b->cap_units) {
        uint32_t cap = b->cap_units ? b->cap_units * 2 : 4096;
        struct sl_trie_unit *units = realloc(t->units, (size_t)cap * sizeof *units);
        if (!units)
            return false;
        t->units = units;
        struct bits *is_free = realloc(b->is_free, (size_t)cap / 256 * sizeof *is_free);
        if (!is_free)
            return false;
        b->is_free = is_free;
        b->cap_units = cap;
    }
    for (uint32_t i = 0; i < 256; i++)
        t->units[t->n_units + i] = (struct sl_trie_unit){0, SL_TRIE_NONE, SL_TRIE_NONE};
    b->is_free[t->n_units / 256] = (struct bits){{~0ull, ~0ull, ~0ull, ~0ull}, 256};
    t->n_units += 256;
    return true;
}

/* The base of a block that fits children by these bytes; 0 when there is none (0 is never one). */
static uint32_t fit(const struct bits *is_free, uint32_t block, const unsigned char *labels,
                    uint32_t n)
{
    struct bits fits = {{~0ull, ~0ull, ~0ull, ~0ull}, 0};
    uint64_t any = 1;
    if (n == 1 && block != 0) {
        /* Most nodes have one child: any free place will do. */
        for (unsigned k = 0; k < 4; k++) {
            if (is_free->w[k])
                return (block * 256 + k * 64 + (uint32_t)__builtin_ctzll(is_free->w[k])) ^
                       labels[0];
        }
        return 0;
    }
    for (uint32_t i = 0; i < n && any; i++) {
        struct bits one = permuted(*is_free, labels[i]);
        any = 0;
        for (unsigned k = 0; k < 4; k++)
            any |= fits.w[k] &= one.w[k];
    }
    if (block == 0)
        fits.w[0] &= ~1ull;
    for (unsigned k = 0; k < 4; k++) {
        if (fits.w[k])
            return block * 256 + k * 64 + (uint32_t)__builtin_ctzll(fits.w[k]);
    }
    return 0;
}

/* A base for children by these bytes; 0 when out of memory. */
static uint32_t place(struct builder *b, const unsigned char *labels, uint32_t n)
{
    uint32_t n_blocks = b->trie->n_units / 256;
    uint32_t first = n_blocks > OPEN_BLOCKS ? n_blocks - OPEN_BLOCKS : 0;
    for (uint32_t block = first;; block++) {
        if (block == n_blocks && !add_block(b))
            return 0;
        const struct bits *is_free = &b->is_free[block];
        uint32_t base = is_free->n >= n ? fit(is_free, block, labels, n) : 0;
        if (base)
            return base;
    }
}

static bool push(struct builder *b, struct task task)
{
    if (b->n_tasks == b->cap_tasks) {
        uint32_t cap = b->cap_tasks ? b->cap_tasks * 2 : 1024;
        struct task *tasks = realloc(b->tasks, (size_t)cap * sizeof *tasks);
        if (!tasks)
            return false;
        b->tasks = tasks;
        b->cap_tasks = cap;
    }
    b->tasks[b->n_tasks++] = task;
    return true;
}

static void take(struct builder *b, uint32_t unit)
{
    b->is_free[unit / 256].w[unit / 64 % 4] &= ~(1ull << unit % 64);
    b->is_free[unit / 256].n--;
}

/* Places the children of one node and queues those that have children. */
static bool expand(struct builder *b, struct task task)
{
    unsigned char labels[256];
    uint32_t starts[257], n = 0, at = task.from;
    for (uint32_t i = at; i < task.to; i++) {
        unsigned char c = (unsigned char)b->keys[i].key.p[task.depth];
        if (n == 0 || labels[n - 1] != c) {
            labels[n] = c;
            starts[n++] = i;
        }
    }
    starts[n] = task.to;
    uint32_t base = place(b, labels, n);
    if (!base)
        return false;
    b->trie->units[task.node].base = base;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t child = base ^ labels[i];
        struct sl_trie_unit *unit = &b->trie->units[child];
        unit->parent = task.node;
        take(b, child);
        uint32_t from = starts[i];
        if (b->keys[from].key.n == task.depth + 1)
            unit->value = b->keys[from].value;
        while (from < starts[i + 1] && b->keys[from].key.n == task.depth + 1)
            from++;
        if (from < starts[i + 1] &&
            !push(b, (struct task){child, from, starts[i + 1], task.depth + 1}))
            return false;
    }
    return true;
}

enum sl_rc sl_trie_build(struct sl_trie *t, struct sl_trie_key *keys, uint32_t n)
{
    *t = (struct sl_trie){0};
    for (uint32_t i = 0; i < n; i++)
        keys[i].head = head_of(keys[i].key);
    if (n > 1 && !sort_keys(keys, n))
        return SL_NOMEM;
    uint32_t from = 0;
    while (from < n && keys[from].key.n == 0)
        from++;
    if (from == n)
        return SL_OK;
    struct builder b = {.trie = t, .keys = keys};
    enum sl_rc rc = SL_NOMEM;
    if (!add_block(&b))
        goto out;
    take(&b, 0);
    if (!push(&b, (struct task){0, from, n, 0}))
        goto out;
    for (uint32_t i = 0; i < b.n_tasks; i++) {
        if (!expand(&b, b.tasks[i]))
            goto out;
    }
    rc = SL_OK;
out:
    free(b.tasks);
    free(b.is_free);
    if (rc != SL_OK)
        sl_trie_free(t);
    return rc;
}

void sl_trie_free(struct sl_trie *t)
{
    free(t->units);
    *t = (struct sl_trie){0};
}
