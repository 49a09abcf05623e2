/*
 * Knowledge bases: labels with example texts, put into groups, with metrics over groups. The
 * labels come from a manifest file; those of the two built-in bases are known here, so that a
 * file that uses them loads where the files are not installed.
 */
#include "config/global/kbs.h"

#include "config/field.h"
#include "config/global/kb_manifest.h"
#include "config/global/tables.h"
#include "config/scalar.h"

/* ---- decoding ------------------------------------------------------------------------------ */

static const struct sl_field source_fields[] = {
    {"path", SL_F_STR, SL_WITHIN(sl_kb_cfg, source, path),
     .help = "Folder, relative to the configuration file."},
    {"manifest", SL_F_STR, SL_WITHIN(sl_kb_cfg, source, manifest), .fallback = "labels.json",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .help = "File with the labels in it."},
    SL_FIELD_END,
};

static const struct sl_field metric_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_kb_metric_cfg, name), .help = "Name that projections use."},
    {"type", SL_F_STR, SL_AT(sl_kb_metric_cfg, type),
     .help = "`group_margin`: the score of one group less that of another."},
    {"positive_group", SL_F_STR, SL_AT(sl_kb_metric_cfg, positive_group), .help = "The one."},
    {"negative_group", SL_F_STR, SL_AT(sl_kb_metric_cfg, negative_group), .help = "The other."},
    SL_FIELD_END,
};

static bool is_map(struct sl_check *c, const struct sl_yaml *node, const char *expected)
{
    if (node && node->kind != SL_YAML_NULL && node->kind != SL_YAML_MAP)
        sl_check_error(c, node, "expected %s", expected);
    return node && node->kind == SL_YAML_MAP;
}

static void decode_thresholds(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    struct sl_list *out = at;
    if (!is_map(c, node, "a map of label to threshold"))
        return;
    struct sl_kb_label_threshold *items =
        SL_NEW_ARRAY(c->arena, struct sl_kb_label_threshold, node->n);
    for (uint32_t i = 0; items && i < node->n; i++) {
        size_t length = sl_check_push(c, node->keys[i]->text);
        items[i] = (struct sl_kb_label_threshold){node->keys[i]->text, 0, node->items[i]};
        if (!sl_scalar_float(node->items[i], &items[i].threshold) || items[i].threshold < 0 ||
            items[i].threshold > 1)
            sl_check_error(c, node->items[i], "expected a number between 0 and 1");
        sl_check_pop(c, length);
    }
    if (items && out)
        *out = (struct sl_list){items, node->n};
}

static struct sl_strs decode_labels(struct sl_check *c, const struct sl_yaml *node)
{
    if (node->kind != SL_YAML_LIST) {
        if (node->kind != SL_YAML_NULL)
            sl_check_error(c, node, "expected a list of labels");
        return (struct sl_strs){NULL, 0};
    }
    sl_str *items = SL_NEW_ARRAY(c->arena, sl_str, node->n);
    for (uint32_t i = 0; items && i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        items[i] = SL_STR("");
        if (node->items[i]->kind == SL_YAML_SCALAR)
            items[i] = node->items[i]->text;
        else if (node->items[i]->kind != SL_YAML_NULL)
            sl_check_error(c, node->items[i], "expected a label");
        sl_check_pop(c, length);
    }
    return (struct sl_strs){items, items ? node->n : 0};
}

static void decode_groups(struct sl_check *c, const struct sl_yaml *node, void *at)
{
    struct sl_list *out = at;
    if (!is_map(c, node, "a map of group to labels"))
        return;
    struct sl_kb_group_cfg *items = SL_NEW_ARRAY(c->arena, struct sl_kb_group_cfg, node->n);
    for (uint32_t i = 0; items && i < node->n; i++) {
        size_t length = sl_check_push(c, node->keys[i]->text);
        items[i].name = node->keys[i]->text;
        items[i].labels = decode_labels(c, node->items[i]);
        sl_check_pop(c, length);
    }
    if (items && out)
        *out = (struct sl_list){items, node->n};
}

const struct sl_field sl_kb_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_kb_cfg, name), .flags = SL_REQUIRED,
     .help = "Name that kb rules use."},
    {"source", SL_F_STRUCT, SL_AT(sl_kb_cfg, source), .sub = source_fields,
     .help = "Where the labels are."},
    {"threshold", SL_F_FLOAT, SL_AT(sl_kb_cfg, threshold), SL_BETWEEN(0, 1),
     .help = "Score from which a label matches."},
    {"prototype_scoring", SL_F_STRUCT, SL_AT(sl_kb_cfg, prototypes), .sub = sl_prototype_fields,
     .help = "How many examples become one score."},
    {"label_thresholds", SL_F_CUSTOM, SL_AT(sl_kb_cfg, label_thresholds),
     .decode = decode_thresholds, .help = "Thresholds of single labels, 0 to 1."},
    {"groups", SL_F_CUSTOM, SL_AT(sl_kb_cfg, groups), .decode = decode_groups,
     .help = "Group and its labels."},
    {"metrics", SL_F_LIST, SL_AT(sl_kb_cfg, metrics), SL_SUB(metric_fields, sl_kb_metric_cfg),
     .help = "Figures for projections; best_score and best_matched_score are always there."},
    SL_FIELD_END,
};

/* ---- the built-in bases -------------------------------------------------------------------- */

static const char built_in[] =
    "- name: privacy_kb\n"
    "  source: {path: knowledge_bases/privacy/, manifest: labels.json}\n"
    "  threshold: 0.55\n"
    "  label_thresholds: {prompt_injection: 0.7}\n"
    "  groups:\n"
    "    security_containment: [prompt_injection, credential_exfiltration,\n"
    "      jailbreak_role, system_prompt_extraction]\n"
    "    privacy_policy: [proprietary_code, internal_document, pii, business_strategy,\n"
    "      trade_secret_ip, operational_infrastructure, locality_directive, customer_data]\n"
    "    frontier_reasoning: [architecture_analysis, root_cause_analysis, multi_step_tradeoffs]\n"
    "    local_standard: [generic_coding, simple_task, general_knowledge]\n"
    "    private: [prompt_injection, credential_exfiltration, jailbreak_role,\n"
    "      system_prompt_extraction, proprietary_code, internal_document, pii,\n"
    "      business_strategy, trade_secret_ip, operational_infrastructure, locality_directive,\n"
    "      customer_data]\n"
    "    public: [architecture_analysis, root_cause_analysis, multi_step_tradeoffs,\n"
    "      generic_coding, simple_task, general_knowledge]\n"
    "  metrics:\n"
    "    - {name: private_vs_public, type: group_margin, positive_group: private,\n"
    "       negative_group: public}\n"
    "- name: mmlu_kb\n"
    "  source: {path: knowledge_bases/mmlu/, manifest: labels.json}\n"
    "  threshold: 0.25\n"
    "  groups:\n"
    "    escalate: [biology, business, computer science, economics, history, math, other,\n"
    "      philosophy, psychology]\n"
    "    keep: [chemistry, engineering, health, law, physics]\n"
    "  metrics:\n"
    "    - {name: escalate_vs_keep, type: group_margin, positive_group: escalate,\n"
    "       negative_group: keep}\n";

void sl_global_complete_catalog(struct sl_check *c, struct sl_catalog_cfg *catalog,
                                const struct sl_yaml *node)
{
    if (sl_yaml_get(node, SL_STR("kbs")))
        return;
    struct sl_yaml *list = NULL;
    if (sl_yaml_parse(&list, c->arena, sl_str_from(built_in), NULL, NULL) != SL_OK)
        return;
    struct sl_kb_cfg *items = SL_NEW_ARRAY(c->arena, struct sl_kb_cfg, list->n);
    for (uint32_t i = 0; items && i < list->n; i++)
        sl_schema_decode(c, sl_kb_fields, list->items[i], &items[i]);
    catalog->kbs = (struct sl_list){items, items ? list->n : 0};
}

const struct sl_kb_cfg *sl_catalog_kb(const struct sl_catalog_cfg *catalog, sl_str name)
{
    const struct sl_kb_cfg *all = catalog->kbs.items;
    for (uint32_t i = 0; i < catalog->kbs.n; i++) {
        if (sl_str_eq(all[i].name, name))
            return &all[i];
    }
    return NULL;
}

/* ---- checks -------------------------------------------------------------------------------- */

static bool has_label(const struct sl_kb_cfg *kb, sl_str label)
{
    for (uint32_t i = 0; i < kb->labels.n; i++) {
        if (sl_str_eq(kb->labels.items[i], label))
            return true;
    }
    return !kb->is_loaded;
}

static bool has_group(const struct sl_kb_cfg *kb, sl_str name)
{
    const struct sl_kb_group_cfg *groups = kb->groups.items;
    for (uint32_t i = 0; i < kb->groups.n; i++) {
        if (sl_str_eq(groups[i].name, name))
            return true;
    }
    return false;
}

static void check_group(struct sl_check *c, const struct sl_kb_cfg *kb,
                        const struct sl_kb_group_cfg *group, const struct sl_yaml *node)
{
    if (!sl_str_trim(group->name).n)
        sl_check_error(c, node, "groups: a group's name cannot be empty");
    if (!group->labels.n)
        sl_check_error(c, node, "groups[\"%.*s\"] must include at least one label",
                       SL_FMT(group->name));
    for (uint32_t i = 0; i < group->labels.n; i++) {
        sl_str label = group->labels.items[i];
        const struct sl_yaml *at = node && i < node->n ? node->items[i] : node;
        size_t length = sl_check_push(c, SL_STR("groups"));
        sl_check_push(c, group->name);
        sl_check_push_index(c, i);
        if (!has_label(kb, label))
            sl_check_error(c, at, "groups[\"%.*s\"] references unknown label \"%.*s\"",
                           SL_FMT(group->name), SL_FMT(label));
        for (uint32_t k = 0; k < i; k++) {
            if (sl_str_eq(group->labels.items[k], label))
                sl_check_error(c, at, "groups[\"%.*s\"] lists label \"%.*s\" twice",
                               SL_FMT(group->name), SL_FMT(label));
        }
        sl_check_pop(c, length);
    }
}

static void check_metric(struct sl_check *c, const struct sl_kb_cfg *kb, uint32_t index,
                         const struct sl_yaml *at)
{
    const struct sl_kb_metric_cfg *all = kb->metrics.items;
    const struct sl_kb_metric_cfg *metric = &all[index];
    if (!sl_str_trim(metric->name).n) {
        sl_check_error(c, at, "metrics.name cannot be empty");
        return;
    }
    if (sl_str_eq(metric->name, SL_STR("best_score")) ||
        sl_str_eq(metric->name, SL_STR("best_matched_score")))
        sl_check_error(c, at, "metric name \"%.*s\" is reserved", SL_FMT(metric->name));
    for (uint32_t k = 0; k < index; k++) {
        if (sl_str_eq(all[k].name, metric->name))
            sl_check_error(c, at, "duplicate metric name \"%.*s\"", SL_FMT(metric->name));
    }
    if (!sl_str_eq(metric->type, SL_STR("group_margin")))
        sl_check_error(c, at,
                       "metrics[\"%.*s\"] has unsupported type \"%.*s\" (supported: "
                       "group_margin)",
                       SL_FMT(metric->name), SL_FMT(metric->type));
    if (!has_group(kb, metric->positive_group))
        sl_check_error(c, at, "metrics[\"%.*s\"] references unknown positive_group \"%.*s\"",
                       SL_FMT(metric->name), SL_FMT(metric->positive_group));
    if (!has_group(kb, metric->negative_group))
        sl_check_error(c, at, "metrics[\"%.*s\"] references unknown negative_group \"%.*s\"",
                       SL_FMT(metric->name), SL_FMT(metric->negative_group));
}

/* The manifest's labels into kb. */
static void load_labels(struct sl_check *c, struct sl_kb_cfg *kb, const struct sl_yaml *at,
                        sl_str base_dir)
{
    if (!sl_str_trim(kb->source.path).n) {
        sl_check_error(c, at, "source.path cannot be empty");
        return;
    }
    struct sl_err err = {0};
    if (sl_kb_manifest_read(c->arena, base_dir, kb->source.path, kb->source.manifest, &kb->labels,
                            &kb->exemplars, &err) == SL_OK)
        kb->is_loaded = true;
    else
        sl_check_error(c, at, "failed to load labels manifest: %s", err.message);
}

static void check_kb(struct sl_check *c, struct sl_kb_cfg *kb, const struct sl_yaml *node,
                     sl_str base_dir)
{
    const struct sl_kb_group_cfg *groups = kb->groups.items;
    const struct sl_kb_label_threshold *thresholds = kb->label_thresholds.items;
    const struct sl_yaml *group_nodes = sl_yaml_get(node, SL_STR("groups"));
    const struct sl_yaml *metric_nodes = sl_yaml_get(node, SL_STR("metrics"));
    const struct sl_yaml *source = sl_yaml_get(node, SL_STR("source"));
    size_t length = sl_check_push(c, SL_STR("source.path"));
    load_labels(c, kb, source ? source : node, base_dir);
    sl_check_pop(c, length);
    for (uint32_t i = 0; i < kb->label_thresholds.n; i++) {
        if (!has_label(kb, thresholds[i].label))
            sl_check_error(c, thresholds[i].node,
                           "label_thresholds references unknown label \"%.*s\"",
                           SL_FMT(thresholds[i].label));
    }
    for (uint32_t i = 0; i < kb->groups.n; i++)
        check_group(c, kb, &groups[i],
                    group_nodes && i < group_nodes->n ? group_nodes->items[i] : node);
    for (uint32_t i = 0; i < kb->metrics.n; i++) {
        length = sl_check_push(c, SL_STR("metrics"));
        sl_check_push_index(c, i);
        check_metric(c, kb, i, metric_nodes && i < metric_nodes->n ? metric_nodes->items[i] : node);
        sl_check_pop(c, length);
    }
}

/* Where no file may be read, an absolute path must not even be named. */
static void check_is_relative(struct sl_check *c, const struct sl_kb_cfg *kb,
                              const struct sl_yaml *node)
{
    const struct sl_yaml *source = sl_yaml_get(node, SL_STR("source"));
    if (!kb->source.path.n || kb->source.path.p[0] != '/')
        return;
    size_t length = sl_check_push(c, SL_STR("source.path"));
    sl_check_error(c, source ? source : node, "found \"%.*s\", expected a relative path here",
                   SL_FMT(kb->source.path));
    sl_check_pop(c, length);
}

void sl_global_check_kbs(struct sl_check *c, struct sl_catalog_cfg *catalog,
                         const struct sl_yaml *node, sl_str base_dir,
                         bool (*is_used)(void *ctx, sl_str kb), void *ctx)
{
    struct sl_kb_cfg *all = catalog->kbs.items;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("kbs"));
    size_t length = sl_check_push(c, SL_STR("kbs"));
    for (uint32_t i = 0; i < catalog->kbs.n; i++) {
        const struct sl_yaml *at = list && i < list->n ? list->items[i] : list;
        size_t item = sl_check_push_index(c, i);
        for (uint32_t k = 0; k < i; k++) {
            if (all[i].name.n && sl_str_eq(all[k].name, all[i].name))
                sl_check_error(c, at, "duplicate name \"%.*s\"", SL_FMT(all[i].name));
        }
        if (c->is_reading_only)
            check_is_relative(c, &all[i], at);
        if (is_used && is_used(ctx, all[i].name))
            check_kb(c, &all[i], at, base_dir);
        sl_check_pop(c, item);
    }
    sl_check_pop(c, length);
}
