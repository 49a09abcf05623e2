/*
 * The models from their vocabularies. Control tokens are left out of what a model can produce, so
 * that no text becomes one; where they are sought on purpose they are cut out before (added.c).
 */
#include "ml/token/load.h"

#include <stdio.h>

static bool is_control(const struct sl_tokenizer *t, uint32_t id)
{
    return t->is_control[id];
}

/* The id of member `key`, which names a token; NONE when absent. */
static enum sl_rc load_token(struct sl_token_loader *l, sl_json_ref v, const char *key,
                             uint32_t *id)
{
    sl_str token;
    enum sl_rc rc = sl_token_get_str(l, v, key, &token);
    *id = SL_TOKEN_NONE;
    if (rc != SL_OK || !token.p)
        return rc;
    *id = sl_vocab_get(&l->t->vocab, token);
    if (*id == SL_TOKEN_NONE)
        return sl_token_fail(l, v, SL_INVALID, "model.%s \"%.*s\" is not in the vocabulary", key,
                             (int)(token.n < 60 ? token.n : 60), token.p);
    return SL_OK;
}

static enum sl_rc out_of_memory(struct sl_token_loader *l)
{
    return sl_token_fail(l, SL_JSON_NONE, SL_NOMEM, "out of memory");
}

static enum sl_rc load_wordpiece(struct sl_token_loader *l, sl_json_ref v)
{
    struct sl_tokenizer *t = l->t;
    struct sl_wordpiece *m = &t->wordpiece;
    sl_str prefix;
    enum sl_rc rc = load_token(l, v, "unk_token", &t->unk_id);
    if (rc == SL_OK)
        rc = sl_token_get_str(l, v, "continuing_subword_prefix", &prefix);
    m->max_chars = 100;
    if (rc == SL_OK && sl_token_member(l, v, "max_input_chars_per_word") != SL_JSON_NONE)
        rc = sl_token_get_id(l, v, "max_input_chars_per_word", &m->max_chars);
    if (rc != SL_OK)
        return rc;
    if (t->unk_id == SL_TOKEN_NONE)
        return sl_token_fail(l, v, SL_INVALID, "model.unk_token is missing");
    struct sl_trie_key *first = SL_NEW_ARRAY(&l->arena, struct sl_trie_key, t->n_ids);
    struct sl_trie_key *inside = SL_NEW_ARRAY(&l->arena, struct sl_trie_key, t->n_ids);
    uint32_t n_first = 0, n_inside = 0;
    if (!first || !inside)
        return out_of_memory(l);
    for (uint32_t id = 0; id < t->n_ids; id++) {
        sl_str token = t->texts[id];
        if (!token.n || is_control(t, id))
            continue;
        first[n_first++] = (struct sl_trie_key){.key = token, .value = id};
        if (sl_str_starts(token, prefix) && token.n > prefix.n)
            inside[n_inside++] =
                (struct sl_trie_key){.key = sl_str_sub(token, prefix.n, token.n), .value = id};
    }
    rc = sl_trie_build(&m->first, first, n_first);
    if (rc == SL_OK)
        rc = sl_trie_build(&m->inside, inside, n_inside);
    return rc == SL_OK ? rc : out_of_memory(l);
}

/* The ids of "<0x00>" to "<0xFF>". */
static void load_byte_tokens(const struct sl_tokenizer *t, uint32_t ids[256])
{
    for (unsigned b = 0; b < 256; b++) {
        char name[8];
        int n = snprintf(name, sizeof name, "<0x%02X>", b);
        ids[b] = sl_vocab_get(&t->vocab, sl_str_of(name, (size_t)n));
    }
}

static enum sl_rc load_unigram(struct sl_token_loader *l, sl_json_ref v)
{
    struct sl_tokenizer *t = l->t;
    struct sl_unigram *m = &t->unigram;
    sl_json_ref vocab = sl_token_member(l, v, "vocab");
    enum sl_rc rc = sl_token_get_id(l, v, "unk_id", &t->unk_id);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "byte_fallback", false, &m->has_byte_fallback);
    if (rc != SL_OK)
        return rc;
    if (t->unk_id >= sl_json_count(&l->json, vocab))
        return sl_token_fail(l, v, SL_INVALID, "model.unk_id %u is not in the vocabulary",
                             t->unk_id);
    load_byte_tokens(t, m->bytes);
    struct sl_trie_key *keys = SL_NEW_ARRAY(&l->arena, struct sl_trie_key, t->n_ids);
    uint32_t n = 0;
    if (!keys)
        return out_of_memory(l);
    for (uint32_t id = 0; id < sl_json_count(&l->json, vocab); id++) {
        if (t->texts[id].n && !is_control(t, id))
            keys[n++] = (struct sl_trie_key){.key = t->texts[id], .value = id};
    }
    rc = sl_trie_build(&m->trie, keys, n);
    return rc == SL_OK ? rc : out_of_memory(l);
}

enum sl_rc sl_token_load_model(struct sl_token_loader *l, sl_json_ref v)
{
    l->t->unk_id = SL_TOKEN_NONE;
    if (l->t->model == SL_MODEL_WORDPIECE)
        return load_wordpiece(l, v);
    if (l->t->model == SL_MODEL_BPE)
        return sl_token_load_bpe(l, v);
    return load_unigram(l, v);
}
