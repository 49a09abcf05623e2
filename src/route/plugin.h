/*
 * A plugin that touches the request: one file in route/plugin/ with one record. It sees the parsed
 * body and changes it only through the edit list (unknown fields and bytes survive) and the header
 * edits. Order of plugins is fixed by `phase`, never by the file.
 */
#ifndef SL_ROUTE_PLUGIN_H
#define SL_ROUTE_PLUGIN_H

#include "codec/splice.h"
#include "config/config.h"

enum sl_plugin_phase {
    SL_PHASE_ANSWER,  /* answers in place of a model: fast_response */
    SL_PHASE_BODY,    /* system_prompt, then request_params: by `rank` */
    SL_PHASE_HEADERS, /* header_mutation, after all router headers */
    SL_PHASE_NONE,    /* not built yet */
};

struct sl_header_edit {
    sl_str name;  /* lower case */
    sl_str value; /* p == NULL: remove */
};

/* What request_params did, for the counts. */
struct sl_param_edit {
    enum sl_param_edit_kind {
        SL_PARAM_BLOCKED,
        SL_PARAM_MAX_TOKENS,
        SL_PARAM_MAX_N,
        SL_PARAM_STRIPPED,
    } kind;
    sl_str name; /* of the field; empty for a cap */
    const struct sl_param_edit *next;
};

/* One request on its way out; also filled by the reasoning and model rewrites before plugins. */
struct sl_rewrite {
    const struct sl_json *body;
    struct sl_splice *edits;
    struct sl_arena *arena;
    struct sl_header_edit *headers; /* in order; later ones win */
    uint32_t n_headers, cap_headers;
    bool has_injected_system_prompt;
    sl_str reasoning_param; /* the field that switches reasoning was written or kept; else empty */
    const struct sl_param_edit *param_edits;
    sl_str answer; /* SL_PHASE_ANSWER: text to answer with; p == NULL: go on */
};

struct sl_plugin_type {
    struct sl_feature feature;
    enum sl_plugin_phase phase;
    uint32_t rank; /* order within the phase */
    /* Applies to r; SL_NOMEM is the only failure. */
    enum sl_rc (*apply)(const void *decoded, struct sl_rewrite *r);
};

/* Adds an edit; the name is copied in lower case, the value must outlive the request. */
SL_MUST_USE enum sl_rc sl_rewrite_header(struct sl_rewrite *r, sl_str name, sl_str value);

/* `text` as a JSON string with quotes, in the arena; p == NULL: out of memory. */
sl_str sl_rewrite_quote(struct sl_rewrite *r, sl_str text);

#endif
