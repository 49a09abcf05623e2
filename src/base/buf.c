/* A growable byte buffer with a maximum and a sticky failure flag. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

void sl_buf_init(struct sl_buf *b, size_t max_bytes)
{
    *b = (struct sl_buf){.max = max_bytes};
}

void sl_buf_free(struct sl_buf *b)
{
    free(b->p);
    *b = (struct sl_buf){.max = b->max};
}

void sl_buf_reset(struct sl_buf *b)
{
    b->n = 0;
    b->is_full = false;
}

char *sl_buf_reserve(struct sl_buf *b, size_t bytes)
{
    if (b->is_full || b->n > b->max || bytes > b->max - b->n) {
        b->is_full = true;
        return NULL;
    }
    if (bytes > b->cap - b->n) {
        size_t want = b->cap ? b->cap * 2 : 256;
        if (want < b->n + bytes)
            want = b->n + bytes;
        if (want > b->max)
            want = b->max;
        char *grown = realloc(b->p, want);
        if (!grown) {
            b->is_full = true;
            return NULL;
        }
        b->p = grown;
        b->cap = want;
    }
    return b->p + b->n;
}

void sl_buf_add(struct sl_buf *b, sl_str s)
{
    if (s.n == 0)
        return;
    char *to = sl_buf_reserve(b, s.n);
    if (!to)
        return;
    memcpy(to, s.p, s.n);
    b->n += s.n;
}

void sl_buf_add_char(struct sl_buf *b, char c)
{
    char *to = sl_buf_reserve(b, 1);
    if (!to)
        return;
    *to = c;
    b->n++;
}

void sl_buf_add_u64(struct sl_buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    sl_buf_add(b, sl_str_of(digits + at, sizeof digits - at));
}

void sl_buf_vprintf(struct sl_buf *b, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    /* vsnprintf writes a NUL behind the text: reserve for it, but do not count it. */
    char *to = n < 0 ? NULL : sl_buf_reserve(b, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void sl_buf_printf(struct sl_buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sl_buf_vprintf(b, format, args);
    va_end(args);
}
