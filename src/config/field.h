/*
 * Shorthand for rows of field tables, so that a row reads as one sentence:
 *     {"top_k", SL_F_INT, SL_AT(rag_cfg, top_k), SL_BETWEEN(1, 1000), .fallback = "5",
 *      .help = "How many passages are taken."},
 */
#ifndef SL_CONFIG_FIELD_H
#define SL_CONFIG_FIELD_H

#include "config/schema.h"

#define SL_AT(type, member) .offset = offsetof(struct type, member)
/* A member of a nameless inner struct, for the table of that inner struct. */
#define SL_WITHIN(type, outer, member)                                                             \
    .offset = offsetof(struct type, outer.member) - offsetof(struct type, outer)
#define SL_BETWEEN(low, high) .min = (low), .max = (high)
#define SL_CHOICES(...)                                                                            \
    .choices = (const char *const[])                                                               \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define SL_SUB(table, type)    .sub = (table), .sub_size = sizeof(struct type)
#define SL_CHECKED             .flags = SL_CHECKED_ONLY
#define SL_CHECKED_SUB(table)  .flags = SL_CHECKED_ONLY, .sub = (table), .sub_size = sizeof(sl_str)
#define SL_CHECKED_CHOICE(...) .flags = SL_CHECKED_ONLY | SL_LENIENT, SL_CHOICES(__VA_ARGS__)
#define SL_CHECKED_EXACT(...)  .flags = SL_CHECKED_ONLY | SL_EXACT, SL_CHOICES(__VA_ARGS__)

/* Said on purpose: any number will do (bounds of 1e15 and beyond count as none). */
#define SL_UNBOUNDED .min = -1e15, .max = 1e15

/* Upper bounds that keep arithmetic and memory sane where the field itself names none. */
#define SL_MAX_COUNT     1000000000.0
#define SL_MAX_BYTES     1099511627776.0 /* 1 TiB */
#define SL_MAX_SECONDS   3155760000.0    /* 100 years */
#define SL_MAX_PORT      65535.0
#define SL_MAX_DIMENSION 65536.0
#define SL_MAX_TOKENS    1000000000.0

#endif
