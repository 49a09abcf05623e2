/* y = W x + (alpha / r) B (A x), for each targeted matrix; heads that were trained whole come with
 * the adapter. The factor is folded into B. */
#include "ml/encoder/adapter.h"

#include "ml/encoder/heads.h"
#include "ml/weights/config_reader.h"
#include "ml/weights/mapped.h"

#include <math.h>
#include <stdio.h>

#define MAX_JSON_BYTES ((size_t)4 << 20)

struct scale {
    uint32_t rank;
    double alpha;
    bool is_root;           /* alpha / sqrt(r) */
    enum sl_head_kind head; /* of task_type; NONE: it says nothing of a head */
};

static enum sl_rc read_config(struct scale *to, struct sl_encoder *e, const char *folder,
                              struct sl_err *err)
{
    struct sl_mapped file;
    struct sl_json j;
    struct sl_err inner = {0};
    enum sl_rc rc = sl_map_in(&file, folder, "adapter_config.json", MAX_JSON_BYTES, err);
    if (rc)
        return rc;
    rc = sl_json_parse(&j, &e->arena, file.bytes, NULL, &inner);
    struct sl_fields f = {&j, &e->arena, 0, &inner, rc};
    if (!rc) {
        sl_str kind = sl_field_str(&f, "peft_type"), bias = sl_field_str(&f, "bias");
        to->rank = sl_field_u32(&f, "r", SL_REQUIRED, 1, 4096);
        to->alpha = sl_field_f64(&f, "lora_alpha", to->rank, -1e6, 1e6);
        to->is_root = sl_field_bool(&f, "use_rslora", false);
        sl_str task = sl_field_str(&f, "task_type");
        if (sl_str_eq(task, SL_STR("SEQ_CLS")))
            to->head = SL_HEAD_SEQUENCE;
        else if (sl_str_eq(task, SL_STR("TOKEN_CLS")))
            to->head = SL_HEAD_TOKENS;
        if (!f.rc && kind.n && !sl_str_eq(kind, SL_STR("LORA")))
            f.rc = sl_err_set(&inner, SL_UNSUPPORTED, "peft_type: \"%.*s\", expected LORA",
                              SL_FMT(sl_str_sub(kind, 0, 40)));
        if (!f.rc && bias.n && !sl_str_eq(bias, SL_STR("none")))
            f.rc = sl_err_set(&inner, SL_UNSUPPORTED, "bias: only \"none\" is implemented");
        if (!f.rc && sl_field_bool(&f, "use_dora", false))
            f.rc = sl_err_set(&inner, SL_UNSUPPORTED, "use_dora is not implemented");
        sl_json_ref alphas = sl_field(&f, "alpha_pattern");
        if (!f.rc && alphas != SL_JSON_NONE && sl_json_count(&j, alphas) > 0)
            f.rc = sl_err_set(&inner, SL_UNSUPPORTED, "alpha_pattern is not implemented");
    }
    sl_unmap_file(&file);
    return f.rc ? sl_err_set(err, f.rc, "%.100s/adapter_config.json: %.130s", folder, inner.message)
                : SL_OK;
}

/* Where an adapter keeps the pair of a matrix: under the base's own prefix or another. */
static const char *pair_name(struct sl_loader *l, const char *name, const char *which)
{
    static const char *const prefixes[] = {"", "model.", "bert.", "roberta.", "deberta."};
    for (size_t i = 0; i < SL_COUNT(prefixes); i++) {
        char at[256];
        for (size_t k = 0; k < 2; k++) {
            int n = k == 0 ? snprintf(at, sizeof(at), "%s%s.%s", prefixes[i], name, which)
                           : snprintf(at, sizeof(at), "%s%s.%s.default", prefixes[i], name, which);
            if (n < (int)sizeof(at) && sl_tensor_named(l, at, ".weight"))
                return sl_name(l, "%s", at);
        }
    }
    return NULL;
}

static void want_pair(struct sl_loader *l, struct sl_adapter *to, struct sl_lora *lora, uint32_t p,
                      const struct sl_linear *w, const struct scale *scale, uint32_t *n_used)
{
    const char *a = pair_name(l, w->names[p], "lora_A"), *b = pair_name(l, w->names[p], "lora_B");
    if (!a || !b || l->rc)
        return;
    const struct sl_tensor *t = sl_tensor_named(l, a, ".weight");
    uint64_t rank = t->n_dims == 2 ? t->shape[0] : 0;
    if (rank == 0 || rank > 4096) {
        l->rc = sl_err_set(l->err, SL_INVALID, "%s: expected [r, %u] with r up to 4096", a, w->w.k);
        return;
    }
    to->rank = rank > to->rank ? (uint32_t)rank : to->rank;
    sl_want_linear(l, &lora->a[p], a, (uint32_t)rank, w->w.k);
    double divisor = scale->is_root ? sqrt((double)rank) : (double)rank;
    l->weight_scale = (float)(scale->alpha / divisor);
    sl_want_linear(l, &lora->b[p], b, w->rows[p], (uint32_t)rank);
    l->weight_scale = 1;
    lora->exists = true;
    *n_used += 2;
}

static void want_lora(struct sl_loader *l, struct sl_adapter *to, struct sl_lora *lora,
                      const struct sl_linear *w, const struct scale *scale, uint32_t *n_used)
{
    for (uint32_t p = 0; p < w->n_parts; p++)
        want_pair(l, to, lora, p, w, scale, n_used);
}

/* Every low-rank tensor of the file must have found its place. */
static enum sl_rc check_all_used(const struct sl_checkpoint *weights, uint32_t n_used,
                                 const char *folder, struct sl_err *err)
{
    uint32_t n = 0;
    const struct sl_tensor *t, *last = NULL;
    for (uint32_t i = 0; (t = sl_checkpoint_at(weights, i)); i++) {
        if (sl_str_find(t->name, SL_STR(".lora_")) != SIZE_MAX) {
            n++;
            last = t;
        }
    }
    if (n == n_used && n > 0)
        return SL_OK;
    if (n == 0)
        return sl_err_set(err, SL_INVALID, "%.120s: the adapter has no lora_A and lora_B", folder);
    return sl_err_set(err, SL_INVALID,
                      "%.80s: %u of %u low-rank tensors fit no matrix of the base, one is named "
                      "like %.*s",
                      folder, n - n_used, n, SL_FMT(sl_str_sub(last->name, 0, 90)));
}

/* The adapter's labels, from its config.json or a mapping file beside it; without one they stay as
 * they are. */
static enum sl_rc read_labels(struct sl_encoder *e, struct sl_head *to, const char *folder,
                              struct sl_err *err)
{
    static const char *const files[] = {"config.json", "label_mapping.json",
                                        "category_mapping.json", "jailbreak_type_mapping.json",
                                        "pii_type_mapping.json"};
    for (size_t i = 0; i < SL_COUNT(files); i++) {
        struct sl_mapped file = {.bytes = {NULL, 0}};
        struct sl_labels labels;
        struct sl_err inner = {0};
        enum sl_rc rc = sl_map_in(&file, folder, files[i], MAX_JSON_BYTES, &inner);
        if (rc == SL_OK)
            rc = sl_labels_parse(&labels, &e->arena, file.bytes, &inner);
        sl_unmap_file(&file);
        if (rc == SL_NOTFOUND)
            continue;
        if (rc == SL_OK && labels.n != to->classifier.w.n)
            rc = sl_err_set(&inner, SL_INVALID, "%u labels, the classifier has %u rows", labels.n,
                            to->classifier.w.n);
        if (rc)
            return sl_err_set(err, rc, "%.100s/%s: %.110s", folder, files[i], inner.message);
        to->labels = labels;
        return SL_OK;
    }
    return SL_OK;
}

bool sl_adapter_splits_glu(const struct sl_encoder *e, const struct sl_checkpoint *weights)
{
    const struct sl_tensor *t;
    for (uint32_t i = 0; e->is_gated && (t = sl_checkpoint_at(weights, i)); i++) {
        if (sl_str_find(t->name, SL_STR("mlp.Wi.lora_")) != SIZE_MAX ||
            sl_str_find(t->name, SL_STR("gate_proj.lora_")) != SIZE_MAX ||
            sl_str_find(t->name, SL_STR("up_proj.lora_")) != SIZE_MAX)
            return true;
    }
    return false;
}

enum sl_rc sl_adapter_load(struct sl_encoder *e, struct sl_adapter *to, const char *folder,
                           const struct sl_checkpoint *weights, enum sl_head_kind head,
                           struct sl_err *err)
{
    struct scale scale = {0};
    enum sl_rc rc = read_config(&scale, e, folder, err);
    if (rc)
        return rc;
    to->layers = SL_NEW_ARRAY(&e->arena, struct sl_layer_lora, e->config.n_layers);
    if (!to->layers)
        return sl_err_set(err, SL_NOMEM, "out of memory");
    struct sl_loader l;
    uint32_t n_used = 0;
    sl_loader_init(&l, e, weights, err);
    l.prefix = "base_model.model.";
    l.matrix_type = e->precision == SL_DTYPE_F32 ? SL_DTYPE_F32 : SL_DTYPE_BF16;
    for (uint32_t i = 0; i < e->config.n_layers && !l.rc; i++) {
        const struct sl_layer *w = &e->layers[i];
        want_lora(&l, to, &to->layers[i].qkv, &w->qkv, &scale, &n_used);
        want_lora(&l, to, &to->layers[i].o, &w->o, &scale, &n_used);
        want_lora(&l, to, &to->layers[i].wi, &w->wi, &scale, &n_used);
        want_lora(&l, to, &to->layers[i].wo, &w->wo, &scale, &n_used);
    }
    want_lora(&l, to, &to->head.lora, &e->head.dense, &scale, &n_used);
    if (!l.rc)
        l.rc = check_all_used(weights, n_used, folder, err);
    sl_want_head(&l, &to->head, scale.head ? scale.head : head, &e->head);
    bool has_own_head = to->head.kind != SL_HEAD_NONE;
    rc = sl_loader_pack(&l, &to->pack, SL_STR("adapter"), NULL);
    sl_loader_free(&l);
    if (rc == SL_OK && !sl_head_inherit(&to->head, &e->head, &e->config))
        rc = sl_err_set(err, SL_INVALID,
                        "%.120s: neither the adapter nor its base has the dense layer before the "
                        "classifier",
                        folder);
    return rc == SL_OK && has_own_head ? read_labels(e, &to->head, folder, err) : rc;
}

void sl_adapter_free(struct sl_adapter *a)
{
    sl_pack_close(a->pack);
}
