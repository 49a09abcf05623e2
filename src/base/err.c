/* Errors with places, one or many. */
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

enum sl_rc sl_err_set(struct sl_err *err, enum sl_rc code, const char *format, ...)
{
    if (!err)
        return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return code;
}

void sl_diags_init(struct sl_diags *d, struct sl_arena *arena, uint32_t max)
{
    *d = (struct sl_diags){.arena = arena, .max = max};
}

static struct sl_diag *next_slot(struct sl_diags *d)
{
    if (d->n == d->max)
        return NULL;
    if (d->n == d->cap) {
        uint32_t cap = d->cap ? d->cap * 2 : 16;
        struct sl_diag *grown = SL_NEW_ARRAY(d->arena, struct sl_diag, cap);
        if (!grown)
            return NULL;
        if (d->n)
            memcpy(grown, d->items, d->n * sizeof *grown);
        d->items = grown;
        d->cap = cap;
    }
    return &d->items[d->n++];
}

void sl_diags_add(struct sl_diags *d, enum sl_severity severity, uint32_t line, uint32_t column,
                  sl_str path, const char *format, ...)
{
    if (severity == SL_ERROR)
        d->n_errors++;
    else if (severity == SL_WARNING)
        d->n_warnings++;
    struct sl_diag *item = next_slot(d);
    if (!item)
        return;
    va_list args;
    va_start(args, format);
    *item = (struct sl_diag){
        .severity = severity,
        .line = line,
        .column = column,
        .path = path.n ? sl_arena_dup(d->arena, path) : (sl_str){NULL, 0},
        .message = sl_arena_vprintf(d->arena, format, args),
    };
    va_end(args);
}

static int by_place(const struct sl_diag *a, const struct sl_diag *b)
{
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

void sl_diags_sort(struct sl_diags *d)
{
    for (uint32_t i = 1; i < d->n; i++) {
        struct sl_diag moved = d->items[i];
        uint32_t at = i;
        while (at > 0 && by_place(&moved, &d->items[at - 1]) < 0) {
            d->items[at] = d->items[at - 1];
            at--;
        }
        d->items[at] = moved;
    }
}
