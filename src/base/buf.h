/* A growable byte buffer with a maximum, for output of unknown length. One owner, one thread. */
#ifndef SL_BASE_BUF_H
#define SL_BASE_BUF_H

#include "base/rc.h"
#include "base/str.h"

#include <stdarg.h>

struct sl_buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max;
    bool is_full; /* an append did not fit or could not allocate; sticky until reset */
};

/* Takes no memory yet. */
void sl_buf_init(struct sl_buf *b, size_t max_bytes);
void sl_buf_free(struct sl_buf *b);

/* Empties the buffer and keeps its memory. */
void sl_buf_reset(struct sl_buf *b);

/* Room for `bytes` more; NULL at the maximum. The caller writes there and adds to b->n. */
char *sl_buf_reserve(struct sl_buf *b, size_t bytes);

/*
 * Appends; on failure nothing of this piece is added, is_full is set and later appends do
 * nothing, so a writer checks once at its end with sl_buf_rc().
 */
void sl_buf_add(struct sl_buf *b, sl_str s);
void sl_buf_add_char(struct sl_buf *b, char c);
void sl_buf_add_u64(struct sl_buf *b, uint64_t value);
void sl_buf_printf(struct sl_buf *b, const char *format, ...) SL_PRINTF(2, 3);
void sl_buf_vprintf(struct sl_buf *b, const char *format, va_list args) SL_PRINTF(2, 0);

static inline enum sl_rc sl_buf_rc(const struct sl_buf *b)
{
    return b->is_full ? SL_NOMEM : SL_OK;
}

static inline sl_str sl_buf_str(const struct sl_buf *b)
{
    return (sl_str){b->p, b->n};
}

#endif
