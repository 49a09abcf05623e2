/*
 * `categories` of the router format: each becomes a domain, and each that had model_scores also a
 * decision, which is what such a file meant: this domain goes to these models, best score first.
 */
#include "config/migrate.h"

#include <stdlib.h>

struct scored {
    struct sl_yaml *node;
    double score;
    uint32_t index;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static struct sl_yaml *text(struct sl_migration *m, const char *value, const struct sl_yaml *place)
{
    return sl_yaml_new_str(m->arena, sl_str_from(value), place);
}

static struct sl_yaml *make_ref(struct sl_migration *m, const struct sl_yaml *score,
                                const struct sl_yaml *category)
{
    static const char *const keys[] = {"model", "lora_name", "use_reasoning", "reasoning_effort",
                                       "reasoning_description"};
    struct sl_yaml *ref = sl_yaml_new(m->arena, SL_YAML_MAP, score);
    for (size_t i = 0; ref && i < SL_COUNT(keys); i++) {
        struct sl_yaml *value = sl_yaml_get(score, sl_str_from(keys[i]));
        if (!value && i >= 2)
            value = sl_yaml_get(category, sl_str_from(keys[i]));
        sl_migrate_put(m, ref, keys[i], value);
    }
    return ref;
}

static struct sl_yaml *make_refs(struct sl_migration *m, const struct sl_yaml *scores,
                                 const struct sl_yaml *category)
{
    struct scored *sorted = SL_NEW_ARRAY(m->arena, struct scored, scores->n);
    struct sl_yaml *refs = sl_yaml_new(m->arena, SL_YAML_LIST, scores);
    if (!sorted || !refs)
        return NULL;
    for (uint32_t i = 0; i < scores->n; i++) {
        const struct sl_yaml *score = sl_yaml_get(scores->items[i], SL_STR("score"));
        sorted[i] = (struct scored){.node = scores->items[i], .index = i};
        if (score)
            (void)sl_str_to_f64(score->text, &sorted[i].score);
    }
    qsort(sorted, scores->n, sizeof *sorted, by_score);
    for (uint32_t i = 0; i < scores->n; i++)
        if (sl_yaml_push(m->arena, refs, make_ref(m, sorted[i].node, category)) != SL_OK)
            return NULL;
    return refs;
}

static struct sl_yaml *make_rules(struct sl_migration *m, struct sl_yaml *name)
{
    struct sl_yaml *rules = sl_yaml_new(m->arena, SL_YAML_MAP, name);
    struct sl_yaml *list = sl_yaml_new(m->arena, SL_YAML_LIST, name);
    struct sl_yaml *leaf = sl_yaml_new(m->arena, SL_YAML_MAP, name);
    if (!rules || !list || !leaf)
        return NULL;
    sl_migrate_put(m, leaf, "type", text(m, "domain", name));
    sl_migrate_put(m, leaf, "name", name);
    if (sl_yaml_push(m->arena, list, leaf) != SL_OK)
        return NULL;
    sl_migrate_put(m, rules, "operator", text(m, "AND", name));
    sl_migrate_put(m, rules, "conditions", list);
    return rules;
}

static void add_prompt(struct sl_migration *m, struct sl_yaml *decision, struct sl_yaml *prompt)
{
    if (sl_yaml_is_empty(prompt))
        return;
    struct sl_yaml *plugins = sl_yaml_new(m->arena, SL_YAML_LIST, prompt);
    struct sl_yaml *plugin = sl_yaml_new(m->arena, SL_YAML_MAP, prompt);
    struct sl_yaml *configuration = sl_yaml_new(m->arena, SL_YAML_MAP, prompt);
    if (!plugins || !plugin || !configuration)
        return;
    sl_migrate_put(m, configuration, "system_prompt", prompt);
    sl_migrate_put(m, plugin, "type", text(m, "system_prompt", prompt));
    sl_migrate_put(m, plugin, "configuration", configuration);
    if (sl_yaml_push(m->arena, plugins, plugin) == SL_OK)
        sl_migrate_put(m, decision, "plugins", plugins);
}

static struct sl_yaml *make_decision(struct sl_migration *m, const struct sl_yaml *category,
                                     const struct sl_yaml *scores)
{
    struct sl_yaml *name = sl_yaml_get(category, SL_STR("name"));
    struct sl_yaml *decision = sl_yaml_new(m->arena, SL_YAML_MAP, category);
    if (!name || !decision)
        return NULL;
    sl_migrate_put(m, decision, "name", name);
    sl_migrate_put(m, decision, "description", sl_yaml_get(category, SL_STR("description")));
    sl_migrate_put(m, decision, "priority", text(m, "100", category));
    sl_migrate_put(m, decision, "rules", make_rules(m, name));
    sl_migrate_put(m, decision, "modelRefs", make_refs(m, scores, category));
    add_prompt(m, decision, sl_yaml_get(category, SL_STR("system_prompt")));
    return decision;
}

static struct sl_yaml *make_domain(struct sl_migration *m, const struct sl_yaml *category)
{
    static const char *const keys[] = {"name", "description", "mmlu_categories"};
    struct sl_yaml *domain = sl_yaml_new(m->arena, SL_YAML_MAP, category);
    for (size_t i = 0; domain && i < SL_COUNT(keys); i++)
        sl_migrate_put(m, domain, keys[i], sl_yaml_get(category, sl_str_from(keys[i])));
    return domain;
}

void sl_migrate_categories(struct sl_migration *m)
{
    struct sl_yaml *categories = sl_yaml_get(m->root, SL_STR("categories"));
    if (!categories)
        return;
    sl_migrate_note(m, categories, "categories",
                    "routing.signals.domains, and a decision for each with model_scores");
    struct sl_yaml *domains = sl_yaml_new(m->arena, SL_YAML_LIST, categories);
    struct sl_yaml *decisions = sl_yaml_new(m->arena, SL_YAML_LIST, categories);
    if (!domains || !decisions)
        return;
    for (uint32_t i = 0; categories->kind == SL_YAML_LIST && i < categories->n; i++) {
        const struct sl_yaml *category = categories->items[i];
        const struct sl_yaml *scores = sl_yaml_get(category, SL_STR("model_scores"));
        if (category->kind != SL_YAML_MAP ||
            sl_yaml_push(m->arena, domains, make_domain(m, category)) != SL_OK)
            continue;
        if (scores && scores->kind == SL_YAML_LIST && scores->n &&
            sl_yaml_push(m->arena, decisions, make_decision(m, category, scores)) != SL_OK)
            continue;
    }
    sl_migrate_put(m, sl_migrate_make(m, m->root, "routing.signals", SL_YAML_MAP, categories),
                   "domains", domains);
    sl_migrate_put(m, sl_migrate_make(m, m->root, "routing", SL_YAML_MAP, categories), "decisions",
                   decisions);
    sl_yaml_remove(m->root, SL_STR("categories"));
}
