/*
 * What can be configured, told from the records and field tables: for people, for programs and
 * for the reference pages. Pure; static data in, text out.
 */
#ifndef SL_CONFIG_DESCRIBE_H
#define SL_CONFIG_DESCRIBE_H

#include "config/feature.h"

/* One thing that has a description: a feature, or a section of the configuration. */
struct sl_topic {
    const char *kind; /* "signal", "plugin", "algorithm", "section" */
    const char *name; /* "keyword", "global.stores" */
    const char *summary;
    const char *help;    /* NULL for sections */
    const char *example; /* NULL or "" without */
    const struct sl_field *fields;
    const struct sl_feature *feature; /* NULL for sections */
};

#define SL_TOPICS_MAX 128

/* Kinds in the order of the pages; NULL-terminated. */
extern const char *const sl_topic_kinds[];

/* All topics, by kind, then name. Returns their number, at most max. */
uint32_t sl_topics(struct sl_topic *out, uint32_t max);

/*
 * The topic of that name; `kind` may be empty (any). False: none, and *nearest is the name that
 * may have been meant, or NULL.
 */
bool sl_topic_find(sl_str kind, sl_str name, struct sl_topic *out, const char **nearest);

/* "text", "number between 0 and 1", "one of: a, b", "list of maps" ... */
void sl_describe_type(struct sl_buf *out, const struct sl_field *field);

void sl_describe_text(struct sl_buf *out, const struct sl_topic *topic);
void sl_describe_json(struct sl_buf *out, const struct sl_topic *topic);
/* The page of one kind. */
void sl_describe_page(struct sl_buf *out, const char *kind);

/* JSON Schema (2020-12) of the whole configuration file. */
void sl_describe_schema(struct sl_buf *out);

#endif
