/* DeBERTa-v2 and v3: BERT's layers, with attention that also scores relative positions. */
#include "ml/encoder/families.h"

static void want_layer(struct sl_loader *l, struct sl_layer *to, uint32_t i)
{
    const struct sl_model_config *c = &l->encoder->config;
    const struct sl_relative_config *r = &c->relative;
    uint32_t width = sl_query_width(l->encoder);
    const char *at = sl_name(l, "encoder.layer.%u", i);
    const char *names[] = {sl_name(l, "%s.attention.self.query_proj", at),
                           sl_name(l, "%s.attention.self.key_proj", at),
                           sl_name(l, "%s.attention.self.value_proj", at)};
    const uint32_t rows[] = {width, width, width};
    sl_want_parts(l, &to->qkv, names, rows, 3, c->hidden, false);
    if (r->c2p && !r->shares_keys)
        sl_want_linear(l, &to->position_keys, sl_name(l, "%s.attention.self.pos_key_proj", at),
                       width, c->hidden);
    if (r->p2c && !r->shares_keys)
        sl_want_linear(l, &to->position_queries, sl_name(l, "%s.attention.self.pos_query_proj", at),
                       width, c->hidden);
    sl_want_linear(l, &to->o, sl_name(l, "%s.attention.output.dense", at), c->hidden, width);
    sl_want_norm(l, &to->attn_out, sl_name(l, "%s.attention.output.LayerNorm", at), c->hidden);
    sl_want_linear(l, &to->wi, sl_name(l, "%s.intermediate.dense", at), c->intermediate, c->hidden);
    sl_want_linear(l, &to->wo, sl_name(l, "%s.output.dense", at), c->hidden, c->intermediate);
    sl_want_norm(l, &to->mlp_out, sl_name(l, "%s.output.LayerNorm", at), c->hidden);
}

void sl_want_deberta(struct sl_loader *l)
{
    static const char *const prefixes[] = {"deberta.", "", "_orig_mod.deberta.", NULL};
    struct sl_encoder *e = l->encoder;
    const struct sl_model_config *c = &e->config;
    const struct sl_relative_config *r = &c->relative;
    sl_loader_probe(l, prefixes, "embeddings.word_embeddings.weight");
    sl_want_table(l, &e->words, "embeddings.word_embeddings", c->vocab_size, c->embedding_size, 1);
    if (c->has_positions)
        sl_want_table(l, &e->positions, "embeddings.position_embeddings", c->max_positions,
                      c->embedding_size, 1);
    if (c->type_vocab)
        sl_want_table(l, &e->types, "embeddings.token_type_embeddings", c->type_vocab,
                      c->embedding_size, 1);
    if (c->embedding_size != c->hidden)
        sl_want_linear(l, &e->embed_projection, "embeddings.embed_proj", c->hidden,
                       c->embedding_size);
    sl_want_norm(l, &e->embed_norm, "embeddings.LayerNorm", c->hidden);
    if (r->is_on) {
        e->n_relative = 2 * (r->buckets ? r->buckets : r->max_distance);
        sl_want_table(l, &e->relative_table, "encoder.rel_embeddings", e->n_relative, c->hidden, 1);
        if (r->normalises_table)
            sl_want_norm(l, &e->relative_norm, "encoder.LayerNorm", c->hidden);
    }
    for (uint32_t i = 0; i < c->n_layers && !l->rc; i++)
        want_layer(l, &e->layers[i], i);
}
