/*
 * Arena: bump allocation in chunks, freed all at once. One arena belongs to one thread at a time
 * (a request, a connection, a configuration snapshot being built). Chunks of the standard size
 * come from and return to a pool, so that a busy loop allocates from the system only while it
 * warms up. An arena has a maximum; reaching it is SL_NOMEM (NULL), never an abort.
 */
#ifndef SL_BASE_ARENA_H
#define SL_BASE_ARENA_H

#include "base/rc.h"
#include "base/str.h"

#include <stdarg.h>

#define SL_ARENA_CHUNK_BYTES 16384 /* standard chunk, header included */

struct sl_arena_chunk;

/* A free list of standard chunks; owned by one thread, shared by that thread's arenas. */
struct sl_arena_pool {
    struct sl_arena_chunk *free_chunks;
    uint32_t n_free;
    uint32_t max_free; /* chunks beyond this go back to the system */
};

struct sl_arena {
    char *at;
    char *end;
    struct sl_arena_chunk *chunks; /* newest first */
    struct sl_arena_pool *pool;    /* may be NULL */
    size_t used_bytes;             /* sum of chunk sizes taken */
    size_t max_bytes;
    bool hit_max;       /* an allocation failed because of max_bytes, not for want of memory */
    uint32_t n_refused; /* allocations that had no memory, ever: for whoever must not miss one */
};

void sl_arena_pool_init(struct sl_arena_pool *pool, uint32_t max_free);
void sl_arena_pool_drain(struct sl_arena_pool *pool);

/* Takes no memory yet. `pool` may be NULL and must outlive the arena. */
void sl_arena_init(struct sl_arena *a, struct sl_arena_pool *pool, size_t max_bytes);

/* Gives every chunk back; the arena is empty and usable again. */
void sl_arena_reset(struct sl_arena *a);

void *sl_arena_more(struct sl_arena *a, size_t bytes, size_t align); /* slow path of alloc */

/* Uninitialised memory aligned to `align` (a power of two <= 64), or NULL. 0 bytes is valid. */
static inline void *sl_arena_alloc_aligned(struct sl_arena *a, size_t bytes, size_t align)
{
    uintptr_t at = ((uintptr_t)a->at + (align - 1)) & ~(uintptr_t)(align - 1);
    if (SL_LIKELY(a->at && at <= (uintptr_t)a->end && bytes <= (uintptr_t)a->end - at)) {
        a->at = (char *)(at + bytes);
        return (void *)at;
    }
    return sl_arena_more(a, bytes, align);
}

static inline void *sl_arena_alloc(struct sl_arena *a, size_t bytes)
{
    return sl_arena_alloc_aligned(a, bytes, 8);
}

/* Zeroed array of n elements; NULL on overflow or at the maximum. */
void *sl_arena_zero(struct sl_arena *a, size_t n, size_t size);

#define SL_NEW(arena, type)          ((type *)sl_arena_zero((arena), 1, sizeof(type)))
#define SL_NEW_ARRAY(arena, type, n) ((type *)sl_arena_zero((arena), (n), sizeof(type)))

/* Copy of s with a terminating NUL behind its n bytes; p == NULL when out of memory. */
sl_str sl_arena_dup(struct sl_arena *a, sl_str s);

/* Formatted, NUL-terminated; p == NULL when out of memory. */
sl_str sl_arena_printf(struct sl_arena *a, const char *format, ...) SL_PRINTF(2, 3);
sl_str sl_arena_vprintf(struct sl_arena *a, const char *format, va_list args) SL_PRINTF(2, 0);

#endif
