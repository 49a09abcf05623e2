/* config.json -> struct sl_model_config. One reader a family, over fields with bounds. */
#include "ml/weights/model_config.h"

#include "ml/weights/config_reader.h"

#include <math.h>

enum {
    MAX_SIZE = 1 << 16,
    MAX_VOCAB = 1 << 24,
    MAX_POSITIONS = 1 << 22,
    MULTILINGUAL_VOCAB = 200000
};

static const struct {
    const char *model_type;
    enum sl_family family;
} families[] = {
    {"bert", SL_FAMILY_BERT},
    {"roberta", SL_FAMILY_ROBERTA},
    {"xlm-roberta", SL_FAMILY_ROBERTA},
    {"camembert", SL_FAMILY_ROBERTA},
    {"modernbert", SL_FAMILY_MODERNBERT},
    {"qwen3", SL_FAMILY_QWEN3},
    {"gemma3_text", SL_FAMILY_GEMMA3},
    {"deberta-v2", SL_FAMILY_DEBERTA},
};

const char *sl_family_name(enum sl_family family)
{
    for (size_t i = 0; i < SL_COUNT(families); i++) {
        if (families[i].family == family)
            return families[i].model_type;
    }
    return "?";
}

bool sl_act_named(sl_str name, enum sl_act *out)
{
    static const struct {
        const char *name;
        enum sl_act act;
    } acts[] = {
        {"gelu", SL_ACT_GELU},           {"gelu_python", SL_ACT_GELU},
        {"gelu_new", SL_ACT_GELU_TANH},  {"gelu_pytorch_tanh", SL_ACT_GELU_TANH},
        {"gelu_fast", SL_ACT_GELU_TANH}, {"silu", SL_ACT_SILU},
        {"swish", SL_ACT_SILU},          {"relu", SL_ACT_RELU},
        {"tanh", SL_ACT_TANH},           {"linear", SL_ACT_NONE},
    };
    for (size_t i = 0; i < SL_COUNT(acts); i++) {
        if (sl_str_eq(name, sl_str_from(acts[i].name))) {
            *out = acts[i].act;
            return true;
        }
    }
    return false;
}

static enum sl_act act_field(struct sl_fields *f, const char *key, enum sl_act fallback)
{
    enum sl_act act = fallback;
    sl_str name = sl_field_str(f, key);
    if (!f->rc && name.n && !sl_act_named(name, &act))
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED, "%s: the activation \"%.*s\" is not implemented",
                           key, SL_FMT(sl_str_sub(name, 0, 60)));
    return act;
}

/* The sizes that every family has. */
static void read_sizes(struct sl_model_config *c, struct sl_fields *f)
{
    c->vocab_size = sl_field_u32(f, "vocab_size", SL_REQUIRED, 1, MAX_VOCAB);
    c->hidden = sl_field_u32(f, "hidden_size", SL_REQUIRED, 1, MAX_SIZE);
    c->embedding_size = c->hidden;
    c->n_layers = sl_field_u32(f, "num_hidden_layers", SL_REQUIRED, 1, SL_MAX_LAYERS);
    c->heads = sl_field_u32(f, "num_attention_heads", SL_REQUIRED, 1, MAX_SIZE);
    c->kv_heads = c->heads;
    c->intermediate = sl_field_u32(f, "intermediate_size", SL_REQUIRED, 1, MAX_SIZE);
    c->max_positions = sl_field_u32(f, "max_position_embeddings", SL_REQUIRED, 1, MAX_POSITIONS);
    if (f->rc)
        return;
    c->head_dim = sl_field_u32(f, "head_dim", c->hidden / c->heads, 1, SL_MAX_HEAD_DIM);
    bool is_free = sl_field(f, "head_dim") != SL_JSON_NONE;
    if (!f->rc && !is_free && c->head_dim * c->heads != c->hidden)
        f->rc = sl_err_set(f->err, SL_INVALID,
                           "hidden_size %u is not a multiple of num_attention_heads %u", c->hidden,
                           c->heads);
    c->attention_scale = 1 / sqrtf((float)c->head_dim);
}

static void read_bert(struct sl_model_config *c, struct sl_fields *f)
{
    c->norm_epsilon = (float)sl_field_f64(f, "layer_norm_eps", 1e-12, 0, 1);
    c->act = act_field(f, "hidden_act", SL_ACT_GELU);
    c->head_act = SL_ACT_TANH;
    c->type_vocab = sl_field_u32(f, "type_vocab_size", 2, 0, MAX_SIZE);
    c->has_positions = true;
    sl_str kind = sl_field_str(f, "position_embedding_type");
    if (!f->rc && kind.n && !sl_str_eq(kind, SL_STR("absolute")))
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED,
                           "position_embedding_type: \"%.*s\" is not implemented, \"absolute\" is",
                           SL_FMT(sl_str_sub(kind, 0, 60)));
    if (c->family != SL_FAMILY_ROBERTA)
        return;
    c->position_offset = sl_field_u32(f, "pad_token_id", 1, 0, MAX_VOCAB) + 1;
    if (!f->rc && c->position_offset >= c->max_positions)
        f->rc = sl_err_set(f->err, SL_INVALID,
                           "max_position_embeddings %u leaves no room behind pad_token_id",
                           c->max_positions);
    c->max_positions -= c->position_offset;
}

/* One kind of layer's rotary parameters: an object of rope_type, rope_theta, factor, ... */
static void read_rope(struct sl_rope_config *r, struct sl_fields *f, sl_json_ref object,
                      double max_positions)
{
    struct sl_fields inner = *f;
    inner.object = object;
    r->theta = sl_field_f64(&inner, "rope_theta", r->theta, 1, 1e12);
    sl_str type = sl_field_str(&inner, "rope_type");
    if (!type.n)
        type = sl_field_str(&inner, "type");
    if (inner.rc || !type.n || sl_str_eq(type, SL_STR("default"))) {
        f->rc = inner.rc;
        return;
    }
    r->is_yarn = sl_str_eq(type, SL_STR("yarn"));
    if (!r->is_yarn && !sl_str_eq(type, SL_STR("linear"))) {
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED, "rope_type: \"%.*s\" is not implemented",
                           SL_FMT(sl_str_sub(type, 0, 60)));
        return;
    }
    r->factor = sl_field_f64(&inner, "factor", 1, 1e-3, 1e6);
    r->original_length =
        sl_field_f64(&inner, "original_max_position_embeddings", max_positions, 1, 1e9);
    r->beta_fast = sl_field_f64(&inner, "beta_fast", 32, 1e-6, 1e6);
    r->beta_slow = sl_field_f64(&inner, "beta_slow", 1, 1e-6, 1e6);
    double natural = r->factor <= 1 ? 1 : 0.1 * log(r->factor) + 1;
    r->attention_factor =
        r->is_yarn ? sl_field_f64(&inner, "attention_factor", natural, 1e-6, 1e6) : 1;
    f->rc = inner.rc;
}

/* layer_types as a list of "full_attention" and "sliding_attention", or every n-th layer global. */
static void read_layer_types(struct sl_model_config *c, struct sl_fields *f, uint32_t every,
                             uint32_t first_global)
{
    sl_json_ref types = sl_field(f, "layer_types");
    for (uint32_t i = 0; i < c->n_layers; i++)
        c->is_local[i] = every && i % every != first_global;
    if (f->rc || types == SL_JSON_NONE)
        return;
    if (sl_json_type(f->j, types) != SL_JSON_ARRAY || sl_json_count(f->j, types) != c->n_layers) {
        f->rc = sl_err_set(f->err, SL_INVALID, "layer_types: expected a list of %u, one a layer",
                           c->n_layers);
        return;
    }
    uint32_t i = 0;
    for (sl_json_ref r = sl_json_first(f->j, types); r != SL_JSON_NONE;
         r = sl_json_after(f->j, types, r)) {
        c->is_local[i] = sl_json_is_str(f->j, r, SL_STR("sliding_attention"));
        if (!c->is_local[i] && !sl_json_is_str(f->j, r, SL_STR("full_attention"))) {
            f->rc = sl_err_set(f->err, SL_INVALID,
                               "layer_types[%u]: expected \"full_attention\" or "
                               "\"sliding_attention\"",
                               i);
            return;
        }
        i++;
    }
}

static sl_json_ref rope_object(const struct sl_fields *f, const char *layer_type)
{
    sl_json_ref all = sl_field(f, "rope_parameters");
    if (all == SL_JSON_NONE)
        return SL_JSON_NONE;
    sl_json_ref one = sl_json_get(f->j, all, sl_str_from(layer_type));
    return one != SL_JSON_NONE && sl_json_type(f->j, one) == SL_JSON_OBJECT ? one : SL_JSON_NONE;
}

/*
 * Global: global_rope_theta, else the full attention's parameters, else the sliding one's, else
 * 160000. Local: local_rope_theta, else the sliding attention's parameters, else what the library
 * that left the field out meant: 10000 for ModernBERT, the global one for mmBERT (known by its
 * vocabulary). The pooling is "cls" where the library left it out, for the same reason.
 */
static void read_modernbert(struct sl_model_config *c, struct sl_fields *f)
{
    double epsilon = sl_field_f64(f, "layer_norm_eps", 1e-5, 0, 1);
    c->norm_epsilon = (float)sl_field_f64(f, "norm_eps", epsilon, 0, 1);
    c->act = act_field(f, "hidden_activation", SL_ACT_GELU);
    c->head_act = act_field(f, "classifier_activation", SL_ACT_GELU);
    c->window = sl_field_u32(f, "local_attention", 128, 2, MAX_POSITIONS) / 2;
    uint32_t every = sl_field_u32(f, "global_attn_every_n_layers", 3, 1, SL_MAX_LAYERS);
    read_layer_types(c, f, every, 0);
    sl_json_ref full = rope_object(f, "full_attention");
    sl_json_ref sliding = rope_object(f, "sliding_attention");
    c->rope[0].theta = 160000;
    read_rope(&c->rope[0], f, full != SL_JSON_NONE ? full : sliding, c->max_positions);
    c->rope[0].theta = sl_field_f64(f, "global_rope_theta", c->rope[0].theta, 1, 1e12);
    if (sliding == SL_JSON_NONE)
        c->rope[1] = c->rope[0];
    if (sliding == SL_JSON_NONE && c->vocab_size < MULTILINGUAL_VOCAB)
        c->rope[1].theta = 10000;
    else
        c->rope[1].theta = c->rope[0].theta;
    read_rope(&c->rope[1], f, sliding, c->max_positions);
    c->rope[1].theta = sl_field_f64(f, "local_rope_theta", c->rope[1].theta, 1, 1e12);
    sl_str pooling = sl_field_str(f, "classifier_pooling");
    c->pools_mean = sl_str_eq(pooling, SL_STR("mean"));
    if (!f->rc && pooling.n && !c->pools_mean && !sl_str_eq(pooling, SL_STR("cls")))
        f->rc = sl_err_set(f->err, SL_INVALID,
                           "classifier_pooling: expected \"cls\" or \"mean\", found \"%.*s\"",
                           SL_FMT(sl_str_sub(pooling, 0, 60)));
}

static void read_kv_heads(struct sl_model_config *c, struct sl_fields *f, uint32_t fallback)
{
    c->kv_heads = sl_field_u32(f, "num_key_value_heads", fallback, 1, MAX_SIZE);
    if (!f->rc && (c->kv_heads > c->heads || c->heads % c->kv_heads != 0))
        f->rc = sl_err_set(f->err, SL_INVALID,
                           "num_attention_heads %u is not a multiple of num_key_value_heads %u",
                           c->heads, c->kv_heads);
}

static void read_qwen3(struct sl_model_config *c, struct sl_fields *f)
{
    c->norm_epsilon = (float)sl_field_f64(f, "rms_norm_eps", 1e-6, 0, 1);
    c->act = act_field(f, "hidden_act", SL_ACT_SILU);
    c->is_causal = true;
    read_kv_heads(c, f, c->heads);
    c->rope[0].theta = sl_field_f64(f, "rope_theta", 1e6, 1, 1e12);
    read_rope(&c->rope[0], f, sl_field(f, "rope_scaling"), c->max_positions);
    read_rope(&c->rope[0], f, sl_field(f, "rope_parameters"), c->max_positions);
    if (!f->rc && sl_field_bool(f, "use_sliding_window", false))
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED,
                           "use_sliding_window: true is not implemented for qwen3");
}

static void read_gemma3(struct sl_model_config *c, struct sl_fields *f)
{
    c->norm_epsilon = (float)sl_field_f64(f, "rms_norm_eps", 1e-6, 0, 1);
    c->act = act_field(f, "hidden_activation", SL_ACT_GELU_TANH);
    read_kv_heads(c, f, 4);
    c->is_causal = !sl_field_bool(f, "use_bidirectional_attention", false);
    uint32_t sliding = sl_field_u32(f, "sliding_window", 4096, 2, MAX_POSITIONS);
    c->window = c->is_causal ? sliding - 1 : sliding / 2;
    uint32_t every = sl_field_u32(f, "sliding_window_pattern", 6, 1, SL_MAX_LAYERS);
    every = sl_field_u32(f, "_sliding_window_pattern", every, 1, SL_MAX_LAYERS);
    read_layer_types(c, f, every, every - 1);
    c->attention_scale =
        (float)(1 / sqrt(sl_field_f64(f, "query_pre_attn_scalar", 256, 1e-3, 1e6)));
    c->rope[0].theta = sl_field_f64(f, "rope_theta", 1e6, 1, 1e12);
    read_rope(&c->rope[0], f, sl_field(f, "rope_scaling"), c->max_positions);
    read_rope(&c->rope[0], f, rope_object(f, "full_attention"), c->max_positions);
    c->rope[1].theta = sl_field_f64(f, "rope_local_base_freq", 1e4, 1, 1e12);
    read_rope(&c->rope[1], f, rope_object(f, "sliding_attention"), c->max_positions);
    if (!f->rc && (sl_field(f, "attn_logit_softcapping") != SL_JSON_NONE))
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED, "attn_logit_softcapping is not implemented");
}

/* pos_att_type is "c2p|p2c" or a list of the two. */
static bool names_attention(struct sl_fields *f, const char *kind)
{
    sl_json_ref v = sl_field(f, "pos_att_type");
    if (v == SL_JSON_NONE)
        return false;
    if (sl_json_type(f->j, v) == SL_JSON_STRING)
        return sl_str_find(sl_field_str(f, "pos_att_type"), sl_str_from(kind)) != SIZE_MAX;
    if (sl_json_type(f->j, v) != SL_JSON_ARRAY)
        return false;
    for (sl_json_ref r = sl_json_first(f->j, v); r != SL_JSON_NONE; r = sl_json_after(f->j, v, r)) {
        if (sl_json_is_str(f->j, r, sl_str_from(kind)))
            return true;
    }
    return false;
}

static void read_deberta(struct sl_model_config *c, struct sl_fields *f)
{
    c->norm_epsilon = (float)sl_field_f64(f, "layer_norm_eps", 1e-7, 0, 1);
    c->act = act_field(f, "hidden_act", SL_ACT_GELU);
    c->head_act = act_field(f, "pooler_hidden_act", SL_ACT_GELU);
    c->type_vocab = sl_field_u32(f, "type_vocab_size", 0, 0, MAX_SIZE);
    c->has_positions = sl_field_bool(f, "position_biased_input", true);
    c->embedding_size = sl_field_u32(f, "embedding_size", c->hidden, 1, MAX_SIZE);
    struct sl_relative_config *r = &c->relative;
    r->is_on = sl_field_bool(f, "relative_attention", false);
    r->c2p = r->is_on && names_attention(f, "c2p");
    r->p2c = r->is_on && names_attention(f, "p2c");
    r->shares_keys = sl_field_bool(f, "share_att_key", false);
    r->normalises_table =
        sl_str_find(sl_field_str(f, "norm_rel_ebd"), SL_STR("layer_norm")) != SIZE_MAX;
    /* Negative values mean "not set" in these two. */
    int64_t value;
    sl_json_ref v = sl_field(f, "position_buckets");
    if (v != SL_JSON_NONE && sl_json_i64(f->j, v, &value) && value > 0)
        r->buckets = sl_field_u32(f, "position_buckets", 0, 2, MAX_SIZE);
    v = sl_field(f, "max_relative_positions");
    r->max_distance = c->max_positions;
    if (v != SL_JSON_NONE && sl_json_i64(f->j, v, &value) && value > 0)
        r->max_distance = sl_field_u32(f, "max_relative_positions", 0, 1, MAX_POSITIONS);
    c->attention_scale =
        1 / sqrtf((float)c->head_dim * (float)(1 + (unsigned)r->c2p + (unsigned)r->p2c));
    if (!f->rc && sl_field_u32(f, "conv_kernel_size", 0, 0, 64) > 0)
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED,
                           "conv_kernel_size: convolution layers are not implemented");
    if (!f->rc && r->buckets && r->max_distance <= r->buckets / 2 + 1)
        f->rc = sl_err_set(f->err, SL_INVALID,
                           "position_buckets %u is too large for max_relative_positions %u",
                           r->buckets, r->max_distance);
}

static void read_task(struct sl_model_config *c, struct sl_fields *f)
{
    sl_json_ref list = sl_field(f, "architectures");
    sl_json_ref first = list == SL_JSON_NONE || sl_json_type(f->j, list) != SL_JSON_ARRAY
                            ? SL_JSON_NONE
                            : sl_json_at(f->j, list, 0);
    if (first != SL_JSON_NONE) {
        sl_str name = sl_json_str(f->j, first, f->arena);
        c->is_token_classifier = sl_str_find(name, SL_STR("ForTokenClassification")) != SIZE_MAX;
        c->is_sequence_classifier =
            sl_str_find(name, SL_STR("ForSequenceClassification")) != SIZE_MAX;
        c->has_architecture = name.n > 0;
    }
    sl_str problem = sl_field_str(f, "problem_type");
    if (sl_str_eq(problem, SL_STR("multi_label_classification")))
        c->problem = SL_PROBLEM_MULTI;
    else if (sl_str_eq(problem, SL_STR("regression")))
        c->problem = SL_PROBLEM_REGRESSION;
    c->n_labels = sl_field_u32(f, "num_labels", 0, 0, SL_MAX_LABELS);
    if (f->rc)
        return;
    enum sl_rc rc = sl_labels_read(&c->labels, f->arena, f->j, f->object, f->err);
    if (rc == SL_OK)
        c->n_labels = c->labels.n;
    else if (rc != SL_NOTFOUND)
        f->rc = rc;
}

static bool find_family(struct sl_model_config *c, struct sl_fields *f)
{
    c->model_type = sl_field_str(f, "model_type");
    for (size_t i = 0; i < SL_COUNT(families); i++) {
        if (sl_str_eq(c->model_type, sl_str_from(families[i].model_type))) {
            c->family = families[i].family;
            return true;
        }
    }
    const char *names[SL_COUNT(families) + 1] = {NULL};
    for (size_t i = 0; i < SL_COUNT(families); i++)
        names[i] = families[i].model_type;
    const char *nearest = sl_str_nearest(c->model_type, names);
    if (!f->rc)
        f->rc = sl_err_set(f->err, SL_UNSUPPORTED,
                           "model_type \"%.*s\" is not implemented (bert, roberta, modernbert, "
                           "qwen3, gemma3_text, deberta-v2)%s%s",
                           SL_FMT(sl_str_sub(c->model_type, 0, 60)), nearest ? "; nearest: " : "",
                           nearest ? nearest : "");
    return false;
}

enum sl_rc sl_model_config_parse(struct sl_model_config *out, struct sl_arena *arena, sl_str text,
                                 struct sl_err *err)
{
    static void (*const readers[])(struct sl_model_config *, struct sl_fields *) = {
        [SL_FAMILY_BERT] = read_bert,
        [SL_FAMILY_ROBERTA] = read_bert,
        [SL_FAMILY_MODERNBERT] = read_modernbert,
        [SL_FAMILY_QWEN3] = read_qwen3,
        [SL_FAMILY_GEMMA3] = read_gemma3,
        [SL_FAMILY_DEBERTA] = read_deberta,
    };
    *out = (struct sl_model_config){.rope = {{.theta = 1e4, .factor = 1, .attention_factor = 1},
                                             {.theta = 1e4, .factor = 1, .attention_factor = 1}}};
    struct sl_json j;
    struct sl_json_limits limits = {.max_depth = 32, .max_bytes = 16 << 20};
    struct sl_err inner = {0};
    enum sl_rc rc = sl_json_parse(&j, arena, text, &limits, &inner);
    if (rc)
        return sl_err_set(err, rc, "config.json: %.200s", inner.message);
    struct sl_fields f = {&j, arena, 0, &inner, SL_OK};
    if (sl_json_type(&j, 0) != SL_JSON_OBJECT)
        f.rc = sl_err_set(&inner, SL_INVALID, "expected an object, found %s",
                          sl_json_type_name(&j, 0));
    if (!f.rc && find_family(out, &f)) {
        read_sizes(out, &f);
        if (!f.rc)
            readers[out->family](out, &f);
        if (!f.rc)
            read_task(out, &f);
    }
    return f.rc ? sl_err_set(err, f.rc, "config.json: %.200s", inner.message) : SL_OK;
}
