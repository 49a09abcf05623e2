/*
 * Errors a person will read. `struct sl_err` is one failure with its place; `struct sl_diags`
 * collects many (a configuration check reports all mistakes at once). Set once, where the fact
 * is known; callers add context, they do not log and return both.
 */
#ifndef SL_BASE_ERR_H
#define SL_BASE_ERR_H

#include "base/arena.h"

struct sl_err {
    enum sl_rc code;
    uint32_t line;   /* 1-based; 0 when the input has no lines */
    uint32_t column; /* 1-based, in bytes */
    size_t offset;   /* byte offset, where the input is one blob */
    char message[256];
};

/* Writes err (may be NULL) and returns `code`, so that callers `return sl_err_set(...)`. */
enum sl_rc sl_err_set(struct sl_err *err, enum sl_rc code, const char *format, ...) SL_PRINTF(3, 4);

enum sl_severity { SL_ERROR, SL_WARNING, SL_NOTE };

struct sl_diag {
    enum sl_severity severity;
    uint32_t line;
    uint32_t column;
    sl_str file; /* empty: the document itself */
    sl_str path; /* "routing.decisions[2].name"; empty when the mistake has no field */
    sl_str message;
};

struct sl_diags {
    struct sl_arena *arena; /* owns the texts */
    struct sl_diag *items;
    uint32_t n;
    uint32_t cap;
    uint32_t max;      /* further ones are counted, not kept */
    uint32_t n_errors; /* kept or not */
    uint32_t n_warnings;
};

void sl_diags_init(struct sl_diags *d, struct sl_arena *arena, uint32_t max);

/* The texts are copied or formatted into the arena. `path` may be empty. */
void sl_diags_add(struct sl_diags *d, enum sl_severity severity, uint32_t line, uint32_t column,
                  sl_str path, const char *format, ...) SL_PRINTF(6, 7);

/* Stable order by line, then column; an item without a place comes first. */
void sl_diags_sort(struct sl_diags *d);

#endif
