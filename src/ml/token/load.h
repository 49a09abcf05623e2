/* Reading tokenizer.json: what the parts of the loader share. Internal to this room. */
#ifndef SL_ML_TOKEN_LOAD_H
#define SL_ML_TOKEN_LOAD_H

#include "codec/json.h"
#include "ml/token/parts.h"

#define SL_TOKEN_MAX_IDS (1u << 24)

struct sl_token_loader {
    struct sl_tokenizer *t;
    struct sl_json json;
    struct sl_arena arena; /* the parse, and keys of tries while they are built */
    struct sl_err *err;
};

/* Writes the error at value v (or without a place, for SL_JSON_NONE) and returns rc. */
enum sl_rc sl_token_fail(struct sl_token_loader *l, sl_json_ref v, enum sl_rc rc,
                         const char *format, ...) SL_PRINTF(4, 5);

/* Member `key` of v as a string in the tokenizer's arena; empty when absent or null. */
SL_MUST_USE enum sl_rc sl_token_get_str(struct sl_token_loader *l, sl_json_ref v, const char *key,
                                        sl_str *out);
/* Member `key` as a bool, `otherwise` when absent or null. */
SL_MUST_USE enum sl_rc sl_token_get_bool(struct sl_token_loader *l, sl_json_ref v, const char *key,
                                         bool otherwise, bool *out);
/* Member `key` as an id below SL_TOKEN_MAX_IDS; an error when absent. */
SL_MUST_USE enum sl_rc sl_token_get_id(struct sl_token_loader *l, sl_json_ref v, const char *key,
                                       uint32_t *out);
/* String v in the tokenizer's arena. */
SL_MUST_USE enum sl_rc sl_token_str(struct sl_token_loader *l, sl_json_ref v, sl_str *out);

sl_json_ref sl_token_member(const struct sl_token_loader *l, sl_json_ref v, const char *key);

/* A type name of components: index in `names` (NULL-ended), or an error that names `what`. */
SL_MUST_USE enum sl_rc sl_token_get_type(struct sl_token_loader *l, sl_json_ref v, const char *what,
                                         const char *const *names, int *out);

/* load_steps.c, load_vocab.c, load_model.c, load_bpe.c, load_template.c: the members of the file by
 * that name. */
SL_MUST_USE enum sl_rc sl_token_load_normalizer(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_pretokenizer(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_vocab(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_added(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_model(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_bpe(struct sl_token_loader *l, sl_json_ref v);
SL_MUST_USE enum sl_rc sl_token_load_template(struct sl_token_loader *l, sl_json_ref v);

#endif
