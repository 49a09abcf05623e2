/* ModernBERT, mmBERT: norms before each branch (the first layer's attention has none), rotary
 * positions of two frequencies, local and global layers, GeGLU. */
#include "ml/encoder/families.h"

void sl_want_modernbert(struct sl_loader *l)
{
    static const char *const prefixes[] = {"model.", "", "_orig_mod.model.", "_orig_mod.", NULL};
    struct sl_encoder *e = l->encoder;
    const struct sl_model_config *c = &e->config;
    sl_loader_probe(l, prefixes, "embeddings.tok_embeddings.weight");
    sl_want_table(l, &e->words, "embeddings.tok_embeddings", c->vocab_size, c->hidden, 1);
    sl_want_norm(l, &e->embed_norm, "embeddings.norm", c->hidden);
    for (uint32_t i = 0; i < c->n_layers && !l->rc; i++) {
        struct sl_layer *to = &e->layers[i];
        const char *at = sl_name(l, "layers.%u", i);
        if (i > 0)
            sl_want_norm(l, &to->attn_in, sl_name(l, "%s.attn_norm", at), c->hidden);
        sl_want_linear(l, &to->qkv, sl_name(l, "%s.attn.Wqkv", at), sl_qkv_width(e), c->hidden);
        sl_want_linear(l, &to->o, sl_name(l, "%s.attn.Wo", at), c->hidden, sl_query_width(e));
        sl_want_norm(l, &to->mlp_in, sl_name(l, "%s.mlp_norm", at), c->hidden);
        const char *wi = sl_name(l, "%s.mlp.Wi", at);
        const uint32_t rows = 2 * c->intermediate;
        sl_want_parts(l, &to->wi, &wi, &rows, 1, c->hidden, !e->splits_glu);
        sl_want_linear(l, &to->wo, sl_name(l, "%s.mlp.Wo", at), c->hidden, c->intermediate);
    }
    sl_want_norm(l, &e->final_norm, "final_norm", c->hidden);
}
