/* BPE: the vocabulary as the bytes or characters of pieces, and the merges as pairs of ids. */
#include "ml/token/load.h"

#include <stdio.h>

static enum sl_rc out_of_memory(struct sl_token_loader *l)
{
    return sl_token_fail(l, SL_JSON_NONE, SL_NOMEM, "out of memory");
}

/* The letters that stand for bytes in byte-level vocabularies: by code point below 0x144. */
static void byte_letters(int16_t byte_of[0x144])
{
    int16_t shifted = 0;
    memset(byte_of, 0xff, 0x144 * sizeof *byte_of);
    for (int16_t b = 0; b < 256; b++) {
        bool is_own = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        byte_of[is_own ? b : 256 + shifted++] = b;
    }
}

/* The bytes a token stands for; n == 0 when it is written with other letters. */
static sl_str bytes_of(struct sl_arena *arena, const int16_t *byte_of, sl_str token)
{
    char *bytes = sl_arena_alloc_aligned(arena, token.n, 1);
    size_t n = 0;
    for (size_t at = 0; bytes && at < token.n;) {
        unsigned length;
        uint32_t cp = sl_utf8_at(token, at, &length);
        if (cp >= 0x144 || byte_of[cp] < 0)
            return sl_str_of(bytes, 0);
        bytes[n++] = (char)byte_of[cp];
        at += length;
    }
    return sl_str_of(bytes, bytes ? n : 0);
}

static enum sl_rc load_words(struct sl_token_loader *l)
{
    struct sl_tokenizer *t = l->t;
    struct sl_bpe *m = &t->bpe;
    int16_t byte_of[0x144];
    byte_letters(byte_of);
    if (sl_vocab_init(&m->words, &t->arena, t->n_ids + 1) != SL_OK)
        return out_of_memory(l);
    for (uint32_t id = 0; id < t->n_ids; id++) {
        sl_str token = t->texts[id];
        if (!token.n || t->is_control[id])
            continue;
        sl_str word = m->is_byte_level ? bytes_of(&t->arena, byte_of, token) : token;
        if (!word.p)
            return out_of_memory(l);
        if (word.n)
            sl_vocab_put(&m->words, word, id);
    }
    for (unsigned b = 0; b < 256; b++) {
        char byte = (char)b, name[8];
        int n = snprintf(name, sizeof name, "<0x%02X>", b);
        m->bytes[b] = m->is_byte_level ? sl_vocab_get(&m->words, sl_str_of(&byte, 1))
                                       : sl_vocab_get(&t->vocab, sl_str_of(name, (size_t)n));
        if (b < 128)
            m->ascii[b] = sl_vocab_get(&m->words, sl_str_of(&byte, 1));
    }
    return SL_OK;
}

/* The two sides of a merge, "a b" or ["a", "b"]. */
static enum sl_rc sides_of(struct sl_token_loader *l, sl_json_ref v, sl_str sides[2])
{
    if (sl_json_type(&l->json, v) == SL_JSON_ARRAY && sl_json_count(&l->json, v) == 2) {
        sides[0] = sl_json_str(&l->json, sl_json_at(&l->json, v, 0), &l->arena);
        sides[1] = sl_json_str(&l->json, sl_json_at(&l->json, v, 1), &l->arena);
    } else {
        sl_str both = sl_json_str(&l->json, v, &l->arena);
        size_t blank = both.p ? sl_str_chr(both, ' ') : 0;
        sides[0] = both.p ? sl_str_sub(both, 0, blank) : both;
        sides[1] = both.p ? sl_str_sub(both, blank + 1, both.n) : both;
    }
    if (!sides[0].p || !sides[1].p || !sides[0].n || !sides[1].n)
        return sl_token_fail(l, v, SL_INVALID, "model.merges: an entry is not a pair of tokens");
    return SL_OK;
}

static void put_pair(struct sl_bpe *m, uint64_t pair, uint32_t rank, uint32_t id)
{
    uint32_t at = (uint32_t)sl_hash_u64(pair, 0) & m->mask;
    while (m->pairs[at].id != SL_TOKEN_NONE && m->pairs[at].pair != pair)
        at = (at + 1) & m->mask;
    m->pairs[at] = (struct sl_bpe_pair){pair, rank, id};
}

static enum sl_rc load_merge(struct sl_token_loader *l, sl_json_ref v, uint32_t rank)
{
    struct sl_tokenizer *t = l->t;
    struct sl_bpe *m = &t->bpe;
    sl_str sides[2];
    char joined[1024];
    enum sl_rc rc = sides_of(l, v, sides);
    if (rc != SL_OK)
        return rc;
    sl_str right = sl_str_sub(sides[1], m->prefix.n, sides[1].n);
    uint32_t ids[3] = {sl_vocab_get(&t->vocab, sides[0]), sl_vocab_get(&t->vocab, sides[1]),
                       SL_TOKEN_NONE};
    if (sides[0].n + right.n <= sizeof joined) {
        memcpy(joined, sides[0].p, sides[0].n);
        memcpy(joined + sides[0].n, right.p, right.n);
        ids[2] = sl_vocab_get(&t->vocab, sl_str_of(joined, sides[0].n + right.n));
    }
    for (int i = 0; i < 3; i++) {
        if (ids[i] == SL_TOKEN_NONE)
            return sl_token_fail(l, v, SL_INVALID,
                                 "model.merges[%u]: its %s is not in the vocabulary", rank,
                                 i == 0   ? "left side"
                                 : i == 1 ? "right side"
                                          : "result");
    }
    if (!t->is_control[ids[2]])
        put_pair(m, (uint64_t)ids[0] << 32 | ids[1], rank, ids[2]);
    return SL_OK;
}

static enum sl_rc load_merges(struct sl_token_loader *l, sl_json_ref v)
{
    struct sl_bpe *m = &l->t->bpe;
    sl_json_ref merges = sl_token_member(l, v, "merges");
    if (merges == SL_JSON_NONE || sl_json_type(&l->json, merges) != SL_JSON_ARRAY)
        return sl_token_fail(l, v, SL_INVALID, "model.merges must be a list");
    uint32_t n = sl_json_count(&l->json, merges), cap = 64, rank = 0;
    if (n >= SL_TOKEN_MAX_IDS)
        return sl_token_fail(l, merges, SL_LIMIT, "more than %u merges", SL_TOKEN_MAX_IDS);
    while (cap / 2 < n)
        cap *= 2;
    m->pairs = SL_NEW_ARRAY(&l->t->arena, struct sl_bpe_pair, cap);
    m->mask = cap - 1;
    if (!m->pairs)
        return out_of_memory(l);
    for (uint32_t i = 0; i < cap; i++)
        m->pairs[i].id = SL_TOKEN_NONE;
    enum sl_rc rc = SL_OK;
    for (sl_json_ref r = sl_json_first(&l->json, merges); rc == SL_OK && r != SL_JSON_NONE;
         r = sl_json_after(&l->json, merges, r))
        rc = load_merge(l, r, rank++);
    return rc;
}

enum sl_rc sl_token_load_bpe(struct sl_token_loader *l, sl_json_ref v)
{
    struct sl_tokenizer *t = l->t;
    struct sl_bpe *m = &t->bpe;
    sl_str unk;
    sl_json_ref dropout = sl_token_member(l, v, "dropout");
    double chance = 0;
    if (dropout != SL_JSON_NONE && (!sl_json_f64(&l->json, dropout, &chance) || chance != 0))
        return sl_token_fail(l, dropout, SL_UNSUPPORTED, "model.dropout is not 0");
    m->is_byte_level =
        t->n_pretoken && t->pretoken[t->n_pretoken - 1].kind == SL_PRETOKEN_BYTE_LEVEL;
    enum sl_rc rc = sl_token_get_str(l, v, "unk_token", &unk);
    if (rc == SL_OK)
        rc = sl_token_get_str(l, v, "continuing_subword_prefix", &m->prefix);
    if (rc == SL_OK)
        rc = sl_token_get_str(l, v, "end_of_word_suffix", &m->suffix);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "fuse_unk", false, &m->fuse_unk);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "byte_fallback", false, &m->has_byte_fallback);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "ignore_merges", false, &m->ignore_merges);
    if (rc != SL_OK)
        return rc;
    if (m->is_byte_level && (m->prefix.n || m->suffix.n || m->has_byte_fallback))
        return sl_token_fail(l, v, SL_UNSUPPORTED,
                             "BPE: ByteLevel with a prefix, a suffix or byte_fallback");
    if (unk.n && (t->unk_id = sl_vocab_get(&t->vocab, unk)) == SL_TOKEN_NONE)
        return sl_token_fail(l, v, SL_INVALID, "model.unk_token is not in the vocabulary");
    rc = load_words(l);
    return rc == SL_OK ? load_merges(l, v) : rc;
}
