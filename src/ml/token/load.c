/* A tokenizer.json as a whole: its members in the order in which they rest on each other. */
#include "ml/token/load.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_MEMORY ((size_t)1 << 30)
#define MAX_JSON   ((size_t)256 << 20)
static const struct sl_json_limits limits = {
    .max_depth = 32, .max_nodes = 16u << 20, .max_bytes = MAX_JSON};

enum sl_rc sl_token_fail(struct sl_token_loader *l, sl_json_ref v, enum sl_rc rc,
                         const char *format, ...)
{
    char message[200];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    rc = sl_err_set(l->err, rc, "tokenizer.json: %s", message);
    if (l->err && v != SL_JSON_NONE)
        l->err->offset = l->json.nodes[v].offset;
    return rc;
}

sl_json_ref sl_token_member(const struct sl_token_loader *l, sl_json_ref v, const char *key)
{
    sl_json_ref found = sl_json_get(&l->json, v, sl_str_from(key));
    if (found != SL_JSON_NONE && sl_json_type(&l->json, found) == SL_JSON_NULL)
        return SL_JSON_NONE;
    return found;
}

enum sl_rc sl_token_str(struct sl_token_loader *l, sl_json_ref v, sl_str *out)
{
    if (v == SL_JSON_NONE || sl_json_type(&l->json, v) != SL_JSON_STRING)
        return sl_token_fail(l, v, SL_INVALID, "a string is expected at offset %u, found %s",
                             v == SL_JSON_NONE ? 0 : l->json.nodes[v].offset,
                             v == SL_JSON_NONE ? "nothing" : sl_json_type_name(&l->json, v));
    sl_str s = sl_json_str(&l->json, v, &l->t->arena);
    if (s.p && !(l->json.nodes[v].info & SL_JSON_ESCAPED))
        s = sl_arena_dup(&l->t->arena, s);
    *out = s;
    return s.p ? SL_OK : sl_token_fail(l, v, SL_NOMEM, "out of memory");
}

enum sl_rc sl_token_get_str(struct sl_token_loader *l, sl_json_ref v, const char *key, sl_str *out)
{
    sl_json_ref member = sl_token_member(l, v, key);
    *out = (sl_str){0};
    return member == SL_JSON_NONE ? SL_OK : sl_token_str(l, member, out);
}

enum sl_rc sl_token_get_bool(struct sl_token_loader *l, sl_json_ref v, const char *key,
                             bool otherwise, bool *out)
{
    sl_json_ref member = sl_token_member(l, v, key);
    *out = otherwise;
    if (member != SL_JSON_NONE && !sl_json_bool(&l->json, member, out))
        return sl_token_fail(l, member, SL_INVALID, "\"%s\" is a %s, expected true or false", key,
                             sl_json_type_name(&l->json, member));
    return SL_OK;
}

enum sl_rc sl_token_get_id(struct sl_token_loader *l, sl_json_ref v, const char *key, uint32_t *out)
{
    sl_json_ref member = sl_token_member(l, v, key);
    int64_t value;
    if (member == SL_JSON_NONE || !sl_json_i64(&l->json, member, &value) || value < 0 ||
        value >= SL_TOKEN_MAX_IDS)
        return sl_token_fail(l, member == SL_JSON_NONE ? v : member, SL_INVALID,
                             "\"%s\" must be a number from 0 to %u", key, SL_TOKEN_MAX_IDS - 1);
    *out = (uint32_t)value;
    return SL_OK;
}

enum sl_rc sl_token_get_type(struct sl_token_loader *l, sl_json_ref v, const char *what,
                             const char *const *names, int *out)
{
    sl_json_ref type = sl_token_member(l, v, "type");
    for (int i = 0; names[i]; i++) {
        if (sl_json_is_str(&l->json, type, sl_str_from(names[i]))) {
            *out = i;
            return SL_OK;
        }
    }
    if (type == SL_JSON_NONE || sl_json_type(&l->json, type) != SL_JSON_STRING)
        return sl_token_fail(l, v, SL_INVALID, "a %s has no \"type\"", what);
    sl_str found = sl_json_str(&l->json, type, &l->arena);
    char name[64] = {0};
    memcpy(name, found.p, found.n < sizeof name ? found.n : sizeof name - 1);
    const char *nearest = sl_str_nearest(found, names);
    return sl_token_fail(l, type, SL_UNSUPPORTED, "%s type \"%s\" is not supported%s%s%s", what,
                         name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                         nearest ? "\"?" : "");
}

/* BertNormalizer with accents stripped, BertPreTokenizer, WordPiece: see bert.c. */
static bool is_plain_bert(const struct sl_tokenizer *t)
{
    const struct sl_normal_step *n = &t->normal[0];
    return t->model == SL_MODEL_WORDPIECE && t->n_normal == 1 && n->kind == SL_NORMAL_BERT &&
           n->clean_text && t->n_pretoken == 1 && t->pretoken[0].kind == SL_PRETOKEN_BERT &&
           !t->added.tries[1].units;
}

static enum sl_rc load(struct sl_token_loader *l)
{
    sl_json_ref root = 0;
    if (sl_json_type(&l->json, root) != SL_JSON_OBJECT)
        return sl_token_fail(l, root, SL_INVALID, "an object is expected, found %s",
                             sl_json_type_name(&l->json, root));
    sl_json_ref model = sl_token_member(l, root, "model");
    if (model == SL_JSON_NONE || sl_json_type(&l->json, model) != SL_JSON_OBJECT)
        return sl_token_fail(l, root, SL_INVALID, "there is no \"model\"");
    enum sl_rc rc = sl_token_load_normalizer(l, sl_token_member(l, root, "normalizer"));
    if (rc == SL_OK)
        rc = sl_token_load_pretokenizer(l, sl_token_member(l, root, "pre_tokenizer"));
    if (rc == SL_OK)
        rc = sl_token_load_vocab(l, model);
    if (rc == SL_OK)
        rc = sl_token_load_added(l, sl_token_member(l, root, "added_tokens"));
    if (rc == SL_OK)
        rc = sl_token_load_model(l, model);
    if (rc == SL_OK)
        rc = sl_token_load_template(l, sl_token_member(l, root, "post_processor"));
    l->t->is_plain_bert = rc == SL_OK && is_plain_bert(l->t);
    return rc;
}

enum sl_rc sl_tokenizer_load(struct sl_tokenizer **out, sl_str json, struct sl_err *err)
{
    static _Atomic uint64_t serial;
    *out = NULL;
    struct sl_tokenizer *t = calloc(1, sizeof *t);
    if (!t)
        return sl_err_set(err, SL_NOMEM, "tokenizer.json: out of memory");
    t->serial = atomic_fetch_add(&serial, 1) + 1;
    sl_arena_init(&t->arena, NULL, MAX_MEMORY);
    struct sl_token_loader l = {.t = t, .err = err};
    sl_arena_init(&l.arena, NULL, MAX_MEMORY);
    enum sl_rc rc = sl_json_parse(&l.json, &l.arena, json, &limits, err);
    if (rc == SL_OK)
        rc = load(&l);
    sl_arena_reset(&l.arena);
    if (rc != SL_OK)
        sl_tokenizer_free(t);
    else
        *out = t;
    return rc;
}

void sl_tokenizer_free(struct sl_tokenizer *t)
{
    if (!t)
        return;
    sl_trie_free(&t->wordpiece.first);
    sl_trie_free(&t->wordpiece.inside);
    sl_trie_free(&t->unigram.trie);
    sl_trie_free(&t->added.tries[0]);
    sl_trie_free(&t->added.tries[1]);
    sl_arena_reset(&t->arena);
    free(t);
}

uint32_t sl_tokenizer_size(const struct sl_tokenizer *t)
{
    return t->n_ids;
}

sl_str sl_tokenizer_text(const struct sl_tokenizer *t, uint32_t id)
{
    return id < t->n_ids ? t->texts[id] : (sl_str){0};
}

uint32_t sl_tokenizer_id(const struct sl_tokenizer *t, sl_str token)
{
    return sl_vocab_get(&t->vocab, token);
}
