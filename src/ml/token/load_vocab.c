/* The vocabulary, the added tokens, and the table from ids to their texts. */
#include "ml/token/load.h"

#define MAX_ADDED (1u << 20)

/* WordPiece and BPE: an object from token to id. */
static enum sl_rc load_object(struct sl_token_loader *l, sl_json_ref vocab)
{
    struct sl_tokenizer *t = l->t;
    for (sl_json_ref r = sl_json_first(&l->json, vocab); r != SL_JSON_NONE;
         r = sl_json_after(&l->json, vocab, r)) {
        int64_t id;
        sl_str token;
        if (!sl_json_i64(&l->json, r + 1, &id) || id < 0 || id >= SL_TOKEN_MAX_IDS)
            return sl_token_fail(l, r + 1, SL_INVALID,
                                 "model.vocab: an id is not a number from 0 to %u",
                                 SL_TOKEN_MAX_IDS - 1);
        enum sl_rc rc = sl_token_str(l, r, &token);
        if (rc != SL_OK)
            return rc;
        if (token.n)
            sl_vocab_put(&t->vocab, token, (uint32_t)id);
        if (id >= t->n_ids)
            t->n_ids = (uint32_t)id + 1;
    }
    return SL_OK;
}

/* Unigram: a list of [token, score]. */
static enum sl_rc load_list(struct sl_token_loader *l, sl_json_ref vocab, uint32_t n)
{
    struct sl_tokenizer *t = l->t;
    double *scores = SL_NEW_ARRAY(&t->arena, double, n);
    uint32_t id = 0;
    double lowest = 0;
    if (!scores)
        return sl_token_fail(l, vocab, SL_NOMEM, "out of memory");
    for (sl_json_ref r = sl_json_first(&l->json, vocab); r != SL_JSON_NONE;
         r = sl_json_after(&l->json, vocab, r), id++) {
        sl_str token;
        if (sl_json_type(&l->json, r) != SL_JSON_ARRAY || sl_json_count(&l->json, r) != 2 ||
            !sl_json_f64(&l->json, sl_json_at(&l->json, r, 1), &scores[id]))
            return sl_token_fail(l, r, SL_INVALID,
                                 "model.vocab[%u] is not a pair of a token and a score", id);
        enum sl_rc rc = sl_token_str(l, sl_json_at(&l->json, r, 0), &token);
        if (rc != SL_OK)
            return rc;
        if (token.n)
            sl_vocab_put(&t->vocab, token, id);
        if (id == 0 || scores[id] < lowest)
            lowest = scores[id];
    }
    t->n_ids = n;
    t->unigram.scores = scores;
    t->unigram.unk_score = lowest - 10.0;
    return SL_OK;
}

enum sl_rc sl_token_load_vocab(struct sl_token_loader *l, sl_json_ref model)
{
    static const char *const names[] = {"WordPiece", "BPE", "Unigram", NULL};
    int type = SL_MODEL_WORDPIECE;
    sl_json_ref vocab = sl_token_member(l, model, "vocab");
    sl_json_ref added = sl_token_member(l, 0, "added_tokens");
    bool is_list = vocab != SL_JSON_NONE && sl_json_type(&l->json, vocab) == SL_JSON_ARRAY;
    /* Files of before 0.9 have no type: what the vocabulary looks like tells. */
    if (sl_token_member(l, model, "type") != SL_JSON_NONE) {
        enum sl_rc rc = sl_token_get_type(l, model, "model", names, &type);
        if (rc != SL_OK)
            return rc;
    } else {
        type = is_list                                               ? SL_MODEL_UNIGRAM
               : sl_token_member(l, model, "merges") != SL_JSON_NONE ? SL_MODEL_BPE
                                                                     : SL_MODEL_WORDPIECE;
    }
    l->t->model = (enum sl_model_kind)type;
    if (vocab == SL_JSON_NONE || sl_json_type(&l->json, vocab) !=
                                     (type == SL_MODEL_UNIGRAM ? SL_JSON_ARRAY : SL_JSON_OBJECT))
        return sl_token_fail(l, model, SL_INVALID, "model.vocab must be %s",
                             type == SL_MODEL_UNIGRAM ? "a list" : "an object");
    uint32_t n = sl_json_count(&l->json, vocab);
    uint32_t n_added = added == SL_JSON_NONE ? 0 : sl_json_count(&l->json, added);
    if (n >= SL_TOKEN_MAX_IDS || n_added > MAX_ADDED)
        return sl_token_fail(l, vocab, SL_LIMIT, "more than %u tokens", SL_TOKEN_MAX_IDS);
    enum sl_rc rc = sl_vocab_init(&l->t->vocab, &l->t->arena, n + n_added + 1);
    if (rc != SL_OK)
        return sl_token_fail(l, vocab, rc, "out of memory");
    return is_list ? load_list(l, vocab, n) : load_object(l, vocab);
}

static enum sl_rc load_added_token(struct sl_token_loader *l, sl_json_ref v,
                                   struct sl_added_token *a)
{
    enum sl_rc rc = sl_token_get_str(l, v, "content", &a->content);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "special", false, &a->is_special);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "normalized", !a->is_special, &a->is_normalized);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "single_word", false, &a->is_single_word);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "lstrip", false, &a->strips_left);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "rstrip", false, &a->strips_right);
    return rc;
}

/* The token as it is sought in normalised text. */
static enum sl_rc normalize(struct sl_token_loader *l, struct sl_token_scratch *s, sl_str *content)
{
    struct sl_token_text text;
    enum sl_rc rc = sl_token_text_source(s, *content, 0, (uint32_t)content->n, &text);
    if (rc == SL_OK)
        rc = sl_token_normalize(l->t, s, &text);
    if (rc == SL_OK) {
        *content = sl_arena_dup(&l->t->arena, sl_str_of(text.p, text.n));
        rc = content->p ? SL_OK : SL_NOMEM;
    }
    return rc;
}

static enum sl_rc build_tries(struct sl_token_loader *l, struct sl_token_scratch *s)
{
    struct sl_added *a = &l->t->added;
    struct sl_trie_key *keys = SL_NEW_ARRAY(&l->arena, struct sl_trie_key, a->n);
    if (!keys)
        return SL_NOMEM;
    for (int normalized = 0; normalized < 2; normalized++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < a->n; i++) {
            struct sl_added_token *token = &a->tokens[i];
            if (token->is_normalized != normalized || !token->content.n)
                continue;
            if (normalized) {
                enum sl_rc rc = normalize(l, s, &token->content);
                if (rc != SL_OK)
                    return rc;
                if (!token->content.n)
                    continue;
            }
            a->first_bytes[normalized][(unsigned char)token->content.p[0]] = true;
            keys[n++] = (struct sl_trie_key){.key = token->content, .value = i};
        }
        enum sl_rc rc = sl_trie_build(&a->tries[normalized], keys, n);
        if (rc != SL_OK)
            return rc;
    }
    return SL_OK;
}

static enum sl_rc load_texts(struct sl_token_loader *l)
{
    struct sl_tokenizer *t = l->t;
    t->texts = SL_NEW_ARRAY(&t->arena, sl_str, t->n_ids);
    t->is_control = SL_NEW_ARRAY(&t->arena, uint8_t, t->n_ids);
    if (!t->texts || !t->is_control)
        return sl_token_fail(l, SL_JSON_NONE, SL_NOMEM, "out of memory");
    for (uint32_t i = 0; i <= t->vocab.mask; i++) {
        const struct sl_vocab_entry *e = &t->vocab.entries[i];
        if (e->p)
            t->texts[e->id] = sl_str_of(e->p, e->n);
    }
    for (uint32_t i = 0; i < t->added.n; i++) {
        if (t->added.tokens[i].is_special)
            t->is_control[t->added.tokens[i].id] = 1;
    }
    return SL_OK;
}

enum sl_rc sl_token_load_added(struct sl_token_loader *l, sl_json_ref v)
{
    struct sl_tokenizer *t = l->t;
    uint32_t next_id = t->vocab.n;
    if (v == SL_JSON_NONE)
        return load_texts(l);
    if (sl_json_type(&l->json, v) != SL_JSON_ARRAY)
        return sl_token_fail(l, v, SL_INVALID, "\"added_tokens\" is no list");
    t->added.tokens = SL_NEW_ARRAY(&t->arena, struct sl_added_token, sl_json_count(&l->json, v));
    if (!t->added.tokens)
        return sl_token_fail(l, v, SL_NOMEM, "out of memory");
    for (sl_json_ref r = sl_json_first(&l->json, v); r != SL_JSON_NONE;
         r = sl_json_after(&l->json, v, r)) {
        struct sl_added_token *a = &t->added.tokens[t->added.n];
        enum sl_rc rc = load_added_token(l, r, a);
        if (rc != SL_OK)
            return rc;
        if (!a->content.n)
            continue;
        /* As the package does: the vocabulary's id, else the next one, whatever "id" says. */
        a->id = sl_vocab_get(&t->vocab, a->content);
        if (a->id == SL_TOKEN_NONE) {
            a->id = next_id++;
            sl_vocab_put(&t->vocab, a->content, a->id);
        }
        if (a->id >= t->n_ids)
            t->n_ids = a->id + 1;
        t->added.n++;
    }
    enum sl_rc rc = load_texts(l);
    if (rc != SL_OK || !t->added.n)
        return rc;
    struct sl_token_scratch *s = sl_token_scratch_new((size_t)64 << 20);
    rc = s ? build_tries(l, s) : SL_NOMEM;
    sl_token_scratch_free(s);
    return rc == SL_OK ? rc : sl_token_fail(l, v, rc, "added_tokens: out of memory");
}
