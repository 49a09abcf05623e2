/*
 * YAML 1.1 into a tree with places, over libyaml. Anchors, aliases and merge keys are resolved
 * (with a bound on expansion); a duplicate key is an error; scalars keep their text and whether
 * they were quoted, so that the schema decides what a plain `no` or `1e3` means. Pure.
 */
#ifndef SL_CODEC_YAML_H
#define SL_CODEC_YAML_H

#include "base/buf.h"
#include "base/err.h"

enum sl_yaml_kind { SL_YAML_NULL, SL_YAML_SCALAR, SL_YAML_LIST, SL_YAML_MAP };

struct sl_yaml {
    enum sl_yaml_kind kind;
    bool is_quoted;   /* scalar: quoted or block style, hence a string whatever it looks like */
    bool is_expanded; /* scalar: an environment variable was put in; plain again for numbers */
    uint32_t line;    /* 1-based, of the value's first byte */
    uint32_t column;  /* 1-based */
    sl_str text;      /* scalar: its value, NUL-terminated */
    uint32_t n;       /* list and map: children */
    uint32_t cap;
    struct sl_yaml **items; /* list: elements; map: values */
    struct sl_yaml **keys;  /* map: keys (scalars with their own places), else NULL */
};

struct sl_yaml_limits {
    uint32_t max_depth; /* 0 = 128 */
    uint32_t max_nodes; /* after alias expansion; 0 = 1 Mi */
    size_t max_bytes;   /* 0 = 32 MiB */
};

/* The first document of `text`. An empty one is a NULL-kind node. */
SL_MUST_USE enum sl_rc sl_yaml_parse(struct sl_yaml **out, struct sl_arena *arena, sl_str text,
                                     const struct sl_yaml_limits *limits, struct sl_err *err);

/* Value of a key in a map node, or NULL (also when `map` is NULL or no map). */
struct sl_yaml *sl_yaml_get(const struct sl_yaml *map, sl_str key);

/* New nodes and edits, for migration and alias rewriting. NULL / SL_NOMEM when out of memory. */
struct sl_yaml *sl_yaml_new(struct sl_arena *arena, enum sl_yaml_kind kind,
                            const struct sl_yaml *place_of);
struct sl_yaml *sl_yaml_new_str(struct sl_arena *arena, sl_str text,
                                const struct sl_yaml *place_of);
SL_MUST_USE enum sl_rc sl_yaml_set(struct sl_arena *arena, struct sl_yaml *map, sl_str key,
                                   struct sl_yaml *value);
/* As set, with a key node of its own place, and without looking for the key first. */
SL_MUST_USE enum sl_rc sl_yaml_add(struct sl_arena *arena, struct sl_yaml *map, struct sl_yaml *key,
                                   struct sl_yaml *value);
SL_MUST_USE enum sl_rc sl_yaml_push(struct sl_arena *arena, struct sl_yaml *list,
                                    struct sl_yaml *value);
void sl_yaml_remove(struct sl_yaml *map, sl_str key);

/* Deep copy; NULL when out of memory. */
struct sl_yaml *sl_yaml_copy(struct sl_arena *arena, const struct sl_yaml *node);

/* A plain text that means null: empty, ~, null. */
bool sl_yaml_is_null_text(sl_str text);

/* YAML 1.1 booleans as the reference's parser takes them: y yes true on / n no false off. */
bool sl_yaml_bool(const struct sl_yaml *scalar, bool *out);

/* Block-style YAML text that parses back to the same tree; out->is_full when it does not fit. */
void sl_yaml_dump(struct sl_buf *out, const struct sl_yaml *root);

#endif
