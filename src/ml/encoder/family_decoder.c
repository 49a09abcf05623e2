/* Qwen3-Embedding and EmbeddingGemma: decoder layers with grouped keys and values, RMS norms on
 * queries and keys before the rotary positions, gated MLPs. Gemma adds a norm behind each branch,
 * scales its embeddings by sqrt(hidden) and keeps its norm weights as (1 + w). */
#include "ml/encoder/families.h"

#include <math.h>

static void want_layer(struct sl_loader *l, struct sl_layer *to, uint32_t i, float add)
{
    struct sl_encoder *e = l->encoder;
    const struct sl_model_config *c = &e->config;
    bool is_gemma = c->family == SL_FAMILY_GEMMA3;
    const char *at = sl_name(l, "layers.%u", i);
    sl_want_rms(l, &to->attn_in, sl_name(l, "%s.input_layernorm", at), c->hidden, add);
    const char *qkv[] = {sl_name(l, "%s.self_attn.q_proj", at),
                         sl_name(l, "%s.self_attn.k_proj", at),
                         sl_name(l, "%s.self_attn.v_proj", at)};
    const uint32_t rows[] = {sl_query_width(e), c->kv_heads * c->head_dim,
                             c->kv_heads * c->head_dim};
    sl_want_parts(l, &to->qkv, qkv, rows, 3, c->hidden, false);
    sl_want_rms(l, &to->q_norm, sl_name(l, "%s.self_attn.q_norm", at), c->head_dim, add);
    sl_want_rms(l, &to->k_norm, sl_name(l, "%s.self_attn.k_norm", at), c->head_dim, add);
    sl_want_linear(l, &to->o, sl_name(l, "%s.self_attn.o_proj", at), c->hidden, sl_query_width(e));
    if (is_gemma) {
        sl_want_rms(l, &to->attn_branch, sl_name(l, "%s.post_attention_layernorm", at), c->hidden,
                    add);
        sl_want_rms(l, &to->mlp_in, sl_name(l, "%s.pre_feedforward_layernorm", at), c->hidden, add);
        sl_want_rms(l, &to->mlp_branch, sl_name(l, "%s.post_feedforward_layernorm", at), c->hidden,
                    add);
    } else {
        sl_want_rms(l, &to->mlp_in, sl_name(l, "%s.post_attention_layernorm", at), c->hidden, add);
    }
    const char *wi[] = {sl_name(l, "%s.mlp.gate_proj", at), sl_name(l, "%s.mlp.up_proj", at)};
    const uint32_t halves[] = {c->intermediate, c->intermediate};
    sl_want_parts(l, &to->wi, wi, halves, 2, c->hidden, !e->splits_glu);
    sl_want_linear(l, &to->wo, sl_name(l, "%s.mlp.down_proj", at), c->hidden, c->intermediate);
}

static void want_decoder(struct sl_loader *l, float embed_scale, float add)
{
    static const char *const prefixes[] = {"", "model.", "_orig_mod.", "_orig_mod.model.", NULL};
    struct sl_encoder *e = l->encoder;
    const struct sl_model_config *c = &e->config;
    sl_loader_probe(l, prefixes, "embed_tokens.weight");
    sl_want_table(l, &e->words, "embed_tokens", c->vocab_size, c->hidden, embed_scale);
    for (uint32_t i = 0; i < c->n_layers && !l->rc; i++)
        want_layer(l, &e->layers[i], i, add);
    sl_want_rms(l, &e->final_norm, "norm", c->hidden, add);
}

void sl_want_qwen3(struct sl_loader *l)
{
    want_decoder(l, 1, 0);
}

void sl_want_gemma3(struct sl_loader *l)
{
    want_decoder(l, sqrtf((float)l->encoder->config.hidden), 1);
}
