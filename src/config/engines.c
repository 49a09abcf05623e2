/*
 * What signals that need a model get from global.model_catalog: where vectors come from, the
 * knowledge bases in use; and which rules stay inactive because theirs is not there.
 */
#include "config/load.h"

#include <unistd.h>

/* ---- embeddings ---------------------------------------------------------------------------- */

static sl_str embedding_folder(const struct sl_catalog_cfg *c)
{
    sl_str type = sl_str_trim(c->embedding.model_type);
    if (sl_str_eq_nocase(type, SL_STR("qwen3")))
        return c->folders.qwen3;
    if (sl_str_eq_nocase(type, SL_STR("gemma")))
        return c->folders.gemma;
    if (sl_str_eq_nocase(type, SL_STR("bert")))
        return c->folders.bert;
    if (sl_str_eq_nocase(type, SL_STR("multimodal")))
        return c->folders.multimodal;
    return c->folders.mmbert;
}

/* The folder as it is, or below that of the configuration; empty: it holds no model. */
static sl_str find_folder(struct sl_load *l, sl_str folder)
{
    if (!folder.n || l->options->is_reading_only)
        return SL_STR("");
    for (int below = 0; below < 2; below++) {
        sl_str found =
            below ? sl_arena_printf(l->arena, "%.*s/%.*s", SL_FMT(l->base_dir), SL_FMT(folder))
                  : sl_arena_dup(l->arena, folder);
        sl_str config = sl_arena_printf(l->arena, "%.*s/config.json", SL_FMT(found));
        if (config.p && access(config.p, R_OK) == 0)
            return found;
        if (folder.p[0] == '/' || !l->base_dir.n)
            break;
    }
    return SL_STR("");
}

static const char *lacks_embedding(struct sl_load *l, const struct sl_embedding_cfg *e,
                                   sl_str named)
{
    if (e->is_remote)
        return e->remote.base_url.n ? NULL : "no embedding model: endpoint.base_url is empty";
    if (e->folder.n)
        return NULL;
    if (!named.n)
        return "no embedding model: the folder of embedding_config.model_type is not named";
    return sl_arena_printf(l->arena, "no embedding model: there is none in %.*s", SL_FMT(named)).p;
}

static void fill_embedding(struct sl_load *l, struct sl_embedding_cfg *out)
{
    const struct sl_catalog_cfg *c = &l->global.catalog;
    sl_str named = embedding_folder(c);
    *out = (struct sl_embedding_cfg){
        .is_remote =
            sl_str_eq_nocase(sl_str_trim(c->embedding.backend), SL_STR("openai_compatible")),
        .model_type = sl_str_trim(c->embedding.model_type),
        .dimension = (uint32_t)c->embedding.target_dimension,
        .layer = (uint32_t)c->embedding.target_layer,
        .has_soft_matching = c->embedding.soft_matching != SL_NO,
        .top_k = c->embedding.top_k.is_set ? (uint32_t)c->embedding.top_k.value : 1,
        .min_score = c->embedding.min_score_threshold > 0 ? c->embedding.min_score_threshold : 0.5,
        .prototypes = c->embedding.prototypes,
        .remote = {.base_url = sl_str_trim(c->endpoint.base_url),
                   .model = c->endpoint.model,
                   .api_key_env = c->endpoint.api_key_env,
                   .timeout_seconds = c->endpoint.timeout_seconds,
                   .max_retries = c->endpoint.max_retries,
                   .dimensions = c->endpoint.dimensions},
    };
    if (!out->is_remote)
        out->folder = find_folder(l, named);
    out->lacks = lacks_embedding(l, out, named);
}

/* ---- knowledge bases ----------------------------------------------------------------------- */

static uint32_t index_of(const struct sl_strs *names, sl_str name)
{
    for (uint32_t i = 0; i < names->n; i++)
        if (sl_str_eq(names->items[i], name))
            return i;
    return SL_NO_INDEX;
}

static double threshold_of(const struct sl_kb_cfg *cfg, sl_str label)
{
    const struct sl_kb_label_threshold *own = cfg->label_thresholds.items;
    for (uint32_t i = 0; i < cfg->label_thresholds.n; i++)
        if (sl_str_eq(own[i].label, label))
            return own[i].threshold;
    return cfg->threshold;
}

static void fill_labels(struct sl_load *l, const struct sl_kb_cfg *cfg, struct sl_kb *out)
{
    struct sl_kb_label *labels = SL_LOAD_ARRAY(l, struct sl_kb_label, cfg->labels.n);
    for (uint32_t i = 0; labels && i < cfg->labels.n; i++)
        labels[i] = (struct sl_kb_label){.name = cfg->labels.items[i],
                                         .exemplars = cfg->exemplars[i],
                                         .threshold = threshold_of(cfg, cfg->labels.items[i])};
    out->labels = labels;
    out->n_labels = labels ? cfg->labels.n : 0;
}

static uint32_t group_index(const struct sl_kb_cfg *cfg, sl_str name)
{
    const struct sl_kb_group_cfg *groups = cfg->groups.items;
    for (uint32_t i = 0; i < cfg->groups.n; i++)
        if (sl_str_eq(groups[i].name, name))
            return i;
    return SL_NO_INDEX;
}

static void fill_groups(struct sl_load *l, const struct sl_kb_cfg *cfg, struct sl_kb *out)
{
    const struct sl_kb_group_cfg *from = cfg->groups.items;
    const struct sl_kb_metric_cfg *metrics = cfg->metrics.items;
    struct sl_kb_group *groups = SL_LOAD_ARRAY(l, struct sl_kb_group, cfg->groups.n);
    struct sl_kb_metric *margins = SL_LOAD_ARRAY(l, struct sl_kb_metric, cfg->metrics.n);
    if (!groups || !margins)
        return;
    for (uint32_t i = 0; i < cfg->groups.n; i++) {
        uint32_t *labels = SL_LOAD_ARRAY(l, uint32_t, from[i].labels.n);
        groups[i] = (struct sl_kb_group){.name = from[i].name, .labels = labels};
        for (uint32_t k = 0; labels && k < from[i].labels.n; k++) {
            uint32_t at = index_of(&cfg->labels, from[i].labels.items[k]);
            if (at != SL_NO_INDEX)
                labels[groups[i].n_labels++] = at;
        }
    }
    out->groups = groups;
    out->n_groups = cfg->groups.n;
    for (uint32_t i = 0; i < cfg->metrics.n; i++) {
        uint32_t positive = group_index(cfg, metrics[i].positive_group);
        uint32_t negative = group_index(cfg, metrics[i].negative_group);
        if (positive != SL_NO_INDEX && negative != SL_NO_INDEX)
            margins[out->n_metrics++] = (struct sl_kb_metric){metrics[i].name, positive, negative};
    }
    out->metrics = margins;
}

static void fill_kbs(struct sl_load *l, struct sl_global_cfg *out)
{
    const struct sl_kb_cfg *from = l->global.catalog.kbs.items;
    struct sl_kb *kbs = SL_LOAD_ARRAY(l, struct sl_kb, l->global.catalog.kbs.n);
    for (uint32_t i = 0; kbs && i < l->global.catalog.kbs.n; i++) {
        if (!from[i].is_loaded || !from[i].exemplars)
            continue;
        struct sl_kb *kb = &kbs[out->n_kbs++];
        *kb = (struct sl_kb){.name = from[i].name, .prototypes = from[i].prototypes};
        fill_labels(l, &from[i], kb);
        fill_groups(l, &from[i], kb);
    }
    out->kbs = kbs;
}

const struct sl_kb *sl_config_kb(const struct sl_config *config, sl_str name)
{
    for (uint32_t i = 0; i < config->global.n_kbs; i++)
        if (sl_str_eq(config->global.kbs[i].name, name))
            return &config->global.kbs[i];
    return NULL;
}

/* ---- rules without an engine --------------------------------------------------------------- */

static void note_rule(struct sl_load *l, const struct sl_feature *feature,
                      const struct sl_rule_cfg *rule, uint32_t index)
{
    const char *why = feature->lacks(l->config, rule->decoded);
    if (!why)
        return;
    size_t length = sl_check_push(&l->c, sl_str_from(feature->list_key));
    sl_check_push_index(&l->c, index);
    sl_load_inactive_because(l, feature->name, rule->name, why);
    sl_check_pop(&l->c, length);
}

void sl_load_engines(struct sl_load *l)
{
    const struct sl_catalog_cfg *catalog = &l->global.catalog;
    struct sl_global_cfg *global = &l->config->global;
    if (l->is_nomem || l->c.diags->n_errors)
        return; /* what was decoded may have holes; nobody gets this snapshot */
    fill_embedding(l, &global->embedding);
    global->complexity_prototypes = catalog->complexity_prototypes;
    global->preference_prototypes = catalog->preference.prototypes;
    global->asks_for_preference = catalog->preference.is_contrastive == SL_NO;
    global->guard_is_off = !catalog->prompt_guard.enabled;
    global->guard_threshold = catalog->prompt_guard.threshold;
    global->guard_fails_open =
        sl_str_eq_nocase(sl_str_trim(catalog->prompt_guard.on_error), SL_STR("allow"));
    fill_kbs(l, global);
    for (uint32_t r = 0; r < l->config->n_recipes; r++) {
        const struct sl_recipe_cfg *recipe = &l->config->recipes[r];
        size_t length = sl_check_push(&l->c, l->places[r].path);
        sl_check_push(&l->c, SL_STR("signals"));
        for (uint32_t f = 0; recipe->signals && sl_signal_features[f]; f++)
            for (uint32_t i = 0; sl_signal_features[f]->lacks && i < recipe->signals[f].n_rules;
                 i++)
                note_rule(l, sl_signal_features[f], &recipe->signals[f].rules[i], i);
        sl_check_pop(&l->c, length);
    }
}
