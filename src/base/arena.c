/* Arena: bump allocation in pooled chunks. See the header for ownership and limits. */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

struct sl_arena_chunk {
    struct sl_arena_chunk *next;
    size_t bytes; /* whole chunk, header included */
};

void sl_arena_pool_init(struct sl_arena_pool *pool, uint32_t max_free)
{
    *pool = (struct sl_arena_pool){.max_free = max_free};
}

void sl_arena_pool_drain(struct sl_arena_pool *pool)
{
    while (pool->free_chunks) {
        struct sl_arena_chunk *chunk = pool->free_chunks;
        pool->free_chunks = chunk->next;
        free(chunk);
    }
    pool->n_free = 0;
}

void sl_arena_init(struct sl_arena *a, struct sl_arena_pool *pool, size_t max_bytes)
{
    *a = (struct sl_arena){.pool = pool, .max_bytes = max_bytes};
}

static struct sl_arena_chunk *take_chunk(struct sl_arena *a, size_t bytes)
{
    if (bytes > a->max_bytes - a->used_bytes || a->used_bytes > a->max_bytes) {
        a->hit_max = true;
        return NULL;
    }
    struct sl_arena_chunk *chunk = NULL;
    if (a->pool && a->pool->free_chunks && bytes == SL_ARENA_CHUNK_BYTES) {
        chunk = a->pool->free_chunks;
        a->pool->free_chunks = chunk->next;
        a->pool->n_free--;
    } else {
        chunk = malloc(bytes);
        if (!chunk)
            return NULL;
    }
    chunk->bytes = bytes;
    a->used_bytes += bytes;
    return chunk;
}

static void give_chunk(struct sl_arena *a, struct sl_arena_chunk *chunk)
{
    struct sl_arena_pool *pool = a->pool;
    if (pool && chunk->bytes == SL_ARENA_CHUNK_BYTES && pool->n_free < pool->max_free) {
        chunk->next = pool->free_chunks;
        pool->free_chunks = chunk;
        pool->n_free++;
    } else {
        free(chunk);
    }
}

void sl_arena_reset(struct sl_arena *a)
{
    while (a->chunks) {
        struct sl_arena_chunk *chunk = a->chunks;
        a->chunks = chunk->next;
        give_chunk(a, chunk);
    }
    a->at = a->end = NULL;
    a->used_bytes = 0;
    a->hit_max = false;
}

void *sl_arena_more(struct sl_arena *a, size_t bytes, size_t align)
{
    const size_t header = sizeof(struct sl_arena_chunk);
    size_t need = header + bytes + align;
    bool is_large = need > SL_ARENA_CHUNK_BYTES;
    struct sl_arena_chunk *chunk = NULL;
    if (bytes <= SIZE_MAX / 2)
        chunk = take_chunk(a, is_large ? need : SL_ARENA_CHUNK_BYTES);
    if (!chunk) {
        a->n_refused++;
        return NULL;
    }
    uintptr_t first = ((uintptr_t)chunk + header + align - 1) & ~(uintptr_t)(align - 1);
    if (is_large && a->chunks) {
        /* Keep bumping in the current chunk: a large block must not strand its free tail. */
        chunk->next = a->chunks->next;
        a->chunks->next = chunk;
        return (void *)first;
    }
    chunk->next = a->chunks;
    a->chunks = chunk;
    a->at = (char *)(first + bytes);
    a->end = (char *)chunk + chunk->bytes;
    return (void *)first;
}

void *sl_arena_zero(struct sl_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = sl_arena_alloc_aligned(a, bytes, 16);
    return p && bytes ? memset(p, 0, bytes) : p;
}

sl_str sl_arena_dup(struct sl_arena *a, sl_str s)
{
    char *copy = sl_arena_alloc_aligned(a, s.n + 1, 1);
    if (!copy)
        return (sl_str){NULL, 0};
    if (s.n)
        memcpy(copy, s.p, s.n);
    copy[s.n] = 0;
    return (sl_str){copy, s.n};
}

sl_str sl_arena_vprintf(struct sl_arena *a, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    char *text = n < 0 ? NULL : sl_arena_alloc_aligned(a, (size_t)n + 1, 1);
    if (text)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return (sl_str){text, text ? (size_t)n : 0};
}

sl_str sl_arena_printf(struct sl_arena *a, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sl_str s = sl_arena_vprintf(a, format, args);
    va_end(args);
    return s;
}
