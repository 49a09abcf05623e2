/*
 * Field tables: one record per configuration field says its name, type, place in the C struct,
 * default, bounds and help. From the table come decoding, validation, "did you mean", JSON
 * Schema, `sluice describe` and the reference pages. A table is static const data.
 */
#ifndef SL_CONFIG_SCHEMA_H
#define SL_CONFIG_SCHEMA_H

#include "base/err.h"
#include "codec/yaml.h"

struct sl_check;

enum sl_field_type {
    SL_F_BOOL,      /* bool */
    SL_F_TRI,       /* enum sl_tri: unset, false, true */
    SL_F_INT,       /* int64_t */
    SL_F_FLOAT,     /* double */
    SL_F_OPT_INT,   /* struct sl_opt_int */
    SL_F_OPT_FLOAT, /* struct sl_opt_float */
    SL_F_STR,       /* sl_str; numbers and booleans are taken as written */
    SL_F_ENUM,      /* int: index into choices; trimmed, case ignored unless SL_EXACT */
    SL_F_DURATION,  /* int64_t milliseconds: "300s", "1m30s", "500ms" */
    SL_F_TOKENS,    /* int64_t: 4096, "8K", "1M" */
    SL_F_STRS,      /* struct sl_strs: list of strings */
    SL_F_INTS,      /* struct sl_ints */
    SL_F_STR_MAP,   /* struct sl_str_pairs: map of string to string */
    SL_F_STRUCT,    /* nested struct, fields in sub */
    SL_F_LIST,      /* struct sl_list of sub_size structs, fields in sub */
    SL_F_MAP,       /* struct sl_named_list: map of name to struct, fields in sub */
    SL_F_NODE,      /* const struct sl_yaml *: kept raw; decoded by whoever owns it */
    SL_F_CUSTOM,    /* decode() writes it */
};

enum sl_tri { SL_UNSET, SL_NO, SL_YES };
struct sl_opt_int {
    int64_t value;
    bool is_set;
};
struct sl_opt_float {
    double value;
    bool is_set;
};
struct sl_strs {
    const sl_str *items;
    uint32_t n;
};
struct sl_ints {
    const int64_t *items;
    uint32_t n;
};
struct sl_str_pair {
    sl_str name;
    sl_str value;
};
struct sl_str_pairs {
    const struct sl_str_pair *items;
    uint32_t n;
};
struct sl_list {
    void *items;
    uint32_t n;
};
/* items: structs of sub_size bytes whose first member is `sl_str name`. */
struct sl_named_list {
    void *items;
    uint32_t n;
};

enum sl_field_flags {
    SL_REQUIRED = 1 << 0,               /* absent, null or blank is an error */
    SL_EXACT = 1 << 1,                  /* enumeration compares exactly */
    SL_SECRET = 1 << 2,                 /* never shown */
    SL_CHECKED_ONLY = 1 << 3,           /* validated but not stored: its engine is not built yet */
    SL_OPEN_MIN = 1 << 4,               /* value must be > min, not >= */
    SL_TRIMMED = 1 << 5,                /* surrounding blanks are cut off */
    SL_KEEPS_DEFAULT_ON_EMPTY = 1 << 6, /* "" and 0 mean the default, as the reference has it */
    /*
     * What the reference accepts and copes with is a warning: a number out of bounds, an unknown
     * choice (the default stays), a duration without a unit (seconds).
     */
    SL_LENIENT = 1 << 7,
};

struct sl_field {
    const char *key;
    enum sl_field_type type;
    uint32_t offset;
    uint32_t flags;
    const char *fallback;       /* the default, spelled as in YAML; NULL = zero value */
    const char *fallback_means; /* in words, where that spelling says little; or NULL */
    double min, max; /* numbers and durations (ms); both 0 = unbounded, only max 0 = no maximum */
    const char *const *choices; /* ENUM: NULL-terminated; choice 0 is often "" = unset */
    const struct sl_field *sub; /* STRUCT, LIST, MAP: ends with key == NULL */
    uint32_t sub_size;
    /*
     * CUSTOM: decodes `node` (NULL: absent, to be taken in silence) into `at` (NULL when only
     * checked); reports through the check.
     */
    void (*decode)(struct sl_check *c, const struct sl_yaml *node, void *at);
    const char *help; /* one sentence; required, a test looks */
};

#define SL_FIELD_END                                                                               \
    {                                                                                              \
        .key = NULL                                                                                \
    }

/* State of one decoding: where texts go, where errors go, and the path of the current field. */
struct sl_check {
    struct sl_arena *arena;
    struct sl_diags *diags;
    struct sl_buf path;   /* "routing.signals.keywords[3].operator" */
    bool is_reading_only; /* no environment, no files: the management validation */
    bool wants_texts;     /* a plain number or truth value is no text here (plugin payloads) */
};

/* Path bookkeeping for hand-written checks: push returns the length to pop to. */
size_t sl_check_push(struct sl_check *c, sl_str key);
size_t sl_check_push_index(struct sl_check *c, uint32_t index);
void sl_check_pop(struct sl_check *c, size_t length);

/* Reports at `node`'s place (NULL: no place) and the current path. */
void sl_check_error(struct sl_check *c, const struct sl_yaml *node, const char *format, ...)
    SL_PRINTF(3, 4);
void sl_check_warn(struct sl_check *c, const struct sl_yaml *node, const char *format, ...)
    SL_PRINTF(3, 4);

/*
 * Decodes a map node (NULL or null: all defaults) into *out by its table: unknown keys (with the
 * nearest valid name), wrong types, bounds and missing required fields are reported, all of them.
 * A null `out` only checks; so does a SL_CHECKED_ONLY field, with everything below it. A list or
 * map without sub_size is likewise checked only.
 */
void sl_schema_decode(struct sl_check *c, const struct sl_field *fields, const struct sl_yaml *node,
                      void *out);

/* The same for a list of such maps. */
void sl_schema_decode_list(struct sl_check *c, const struct sl_field *fields, uint32_t size,
                           const struct sl_yaml *node, struct sl_list *out);

/* Only the defaults. */
void sl_schema_defaults(struct sl_check *c, const struct sl_field *fields, void *out);

#endif
