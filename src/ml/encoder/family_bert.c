/* BERT, MiniLM, RoBERTa: norms behind each residual, learned positions. Names of the checkpoint as
 * in transformers' modeling_bert.py. */
#include "ml/encoder/families.h"

static void want_layer(struct sl_loader *l, struct sl_layer *to, uint32_t i)
{
    const struct sl_model_config *c = &l->encoder->config;
    const char *at = sl_name(l, "encoder.layer.%u", i);
    const char *names[] = {sl_name(l, "%s.attention.self.query", at),
                           sl_name(l, "%s.attention.self.key", at),
                           sl_name(l, "%s.attention.self.value", at)};
    const uint32_t rows[] = {c->hidden, c->hidden, c->hidden};
    sl_want_parts(l, &to->qkv, names, rows, 3, c->hidden, false);
    sl_want_linear(l, &to->o, sl_name(l, "%s.attention.output.dense", at), c->hidden, c->hidden);
    sl_want_norm(l, &to->attn_out, sl_name(l, "%s.attention.output.LayerNorm", at), c->hidden);
    sl_want_linear(l, &to->wi, sl_name(l, "%s.intermediate.dense", at), c->intermediate, c->hidden);
    sl_want_linear(l, &to->wo, sl_name(l, "%s.output.dense", at), c->hidden, c->intermediate);
    sl_want_norm(l, &to->mlp_out, sl_name(l, "%s.output.LayerNorm", at), c->hidden);
}

void sl_want_bert(struct sl_loader *l)
{
    static const char *const prefixes[] = {"",           "bert.",           "roberta.",
                                           "_orig_mod.", "_orig_mod.bert.", NULL};
    struct sl_encoder *e = l->encoder;
    const struct sl_model_config *c = &e->config;
    sl_loader_probe(l, prefixes, "embeddings.word_embeddings.weight");
    sl_want_table(l, &e->words, "embeddings.word_embeddings", c->vocab_size, c->hidden, 1);
    sl_want_table(l, &e->positions, "embeddings.position_embeddings",
                  c->max_positions + c->position_offset, c->hidden, 1);
    if (c->type_vocab)
        sl_want_table(l, &e->types, "embeddings.token_type_embeddings", c->type_vocab, c->hidden,
                      1);
    sl_want_norm(l, &e->embed_norm, "embeddings.LayerNorm", c->hidden);
    for (uint32_t i = 0; i < c->n_layers && !l->rc; i++)
        want_layer(l, &e->layers[i], i);
}
