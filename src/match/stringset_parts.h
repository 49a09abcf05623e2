/* Inside of the sets of strings: what both ways share. */
#ifndef SL_MATCH_STRINGSET_PARTS_H
#define SL_MATCH_STRINGSET_PARTS_H

#include "match/stringset.h"

/* A string, made ready to be compared. */
struct sl_stringset_item {
    uint64_t mask, value;           /* of the first eight bytes */
    uint64_t last_mask, last_value; /* of the last eight, when there are more */
    const char *text;
    uint32_t n, id;
    uint32_t offset; /* of the window that is looked for */
    bool is_caseless;
};

struct sl_stringset {
    struct sl_stringset_item *items; /* by group: a bucket or a slot */
    uint32_t *first;                 /* item of each group, and of the one behind the last */
    const struct sl_teddy *teddy;    /* one of the two */
    const struct sl_windows *windows;
};

struct sl_stringset_run {
    const struct sl_stringset *set;
    sl_str text;
    sl_stringset_fn f;
    void *ctx;
};

/*
 * Lays the items out by group; group_of[i] is UINT32_MAX for a string that is not searched.
 * false: no memory.
 */
bool sl_stringset_lay_out(struct sl_stringset *set, struct sl_arena *arena,
                          const struct sl_stringset_string *strings, uint32_t n,
                          const uint32_t *group_of, const uint32_t *offset, uint32_t n_groups);

/* Reports the strings of a group whose window is at `place` and that are there whole. */
void sl_stringset_compare(const struct sl_stringset_run *r, uint32_t group, size_t place);

/* How often a byte is in texts; a guess that only speed depends on. */
double sl_stringset_share(unsigned char c);

/* NULL with SL_OK when it cannot be done, or another way is faster. */
SL_MUST_USE enum sl_rc sl_teddy_new(const struct sl_teddy **out, struct sl_stringset *set,
                                    struct sl_arena *arena,
                                    const struct sl_stringset_string *strings, uint32_t n,
                                    enum sl_stringset_way way);
void sl_teddy_run(const struct sl_stringset_run *r);

SL_MUST_USE enum sl_rc sl_windows_new(const struct sl_windows **out, struct sl_stringset *set,
                                      struct sl_arena *arena,
                                      const struct sl_stringset_string *strings, uint32_t n);
void sl_windows_run(const struct sl_stringset_run *r);

#endif
