/*
 * Older shapes to the canonical tree, in memory: the flat v0.1 format and the router format before
 * it. Mostly a table of moves; models and categories need more and have files of their own. A
 * destination that is there wins. A canonical file is left alone.
 */
#include "config/migrate.h"

#include <stdio.h>

bool sl_yaml_is_empty(const struct sl_yaml *node)
{
    return !node || node->kind == SL_YAML_NULL ||
           (node->kind == SL_YAML_SCALAR ? node->text.n == 0 : node->n == 0);
}

void sl_migrate_note(struct sl_migration *m, const struct sl_yaml *place, const char *from,
                     const char *to)
{
    m->is_changed = true;
    sl_diags_add(m->diags, SL_WARNING, place ? place->line : 0, place ? place->column : 0,
                 sl_str_from(from),
                 "an older shape, read as %s; `sluice migrate` rewrites the file", to);
}

struct sl_yaml *sl_migrate_make(struct sl_migration *m, struct sl_yaml *from, const char *path,
                                enum sl_yaml_kind kind, const struct sl_yaml *place)
{
    sl_str rest = sl_str_from(path);
    sl_str key;
    while (from && sl_str_split(&rest, '.', &key)) {
        bool is_last = rest.p == NULL;
        enum sl_yaml_kind wanted = is_last ? kind : SL_YAML_MAP;
        struct sl_yaml *child = sl_yaml_get(from, key);
        if (!child || child->kind == SL_YAML_NULL) {
            child = sl_yaml_new(m->arena, wanted, place);
            if (sl_yaml_set(m->arena, from, key, child) != SL_OK)
                return NULL;
        }
        from = child->kind == wanted ? child : NULL;
    }
    return from;
}

void sl_migrate_put(struct sl_migration *m, struct sl_yaml *map, const char *key,
                    struct sl_yaml *value)
{
    if (!map || map->kind != SL_YAML_MAP || sl_yaml_is_empty(value) ||
        !sl_yaml_is_empty(sl_yaml_get(map, sl_str_from(key))))
        return;
    if (sl_yaml_set(m->arena, map, sl_str_from(key), value) != SL_OK)
        m->is_changed = true; /* out of memory shows where the value is missed */
}

bool sl_migrate_move(struct sl_migration *m, struct sl_yaml *from, const char *key,
                     struct sl_yaml *to, const char *new_key)
{
    struct sl_yaml *value = sl_yaml_get(from, sl_str_from(key));
    if (!value)
        return false;
    sl_migrate_put(m, to, new_key, value);
    sl_yaml_remove(from, sl_str_from(key));
    return true;
}

/* ---- moves of whole blocks ----------------------------------------------------------------- */

struct move {
    const char *from; /* top-level key, or "providers.<key>" */
    const char *to;   /* dotted */
};

#define SIGNALS  "routing.signals."
#define ROUTER   "global.router."
#define SERVICES "global.services."
#define STORES   "global.stores."
#define TOGETHER "global.integrations."
#define CATALOG  "global.model_catalog."
#define MODULES  "global.model_catalog.modules."
#define SEMANTIC "global.model_catalog.embeddings.semantic"
#define DEFAULTS "providers.defaults."

static const struct move moves[] = {
    {"signals", "routing.signals"},
    {"decisions", "routing.decisions"},
    {"keyword_rules", SIGNALS "keywords"},
    {"embedding_rules", SIGNALS "embeddings"},
    {"fact_check_rules", SIGNALS "fact_check"},
    {"user_feedback_rules", SIGNALS "user_feedbacks"},
    {"reask_rules", SIGNALS "reasks"},
    {"preference_rules", SIGNALS "preferences"},
    {"language_rules", SIGNALS "language"},
    {"context_rules", SIGNALS "context"},
    {"structure_rules", SIGNALS "structure"},
    {"complexity_rules", SIGNALS "complexity"},
    {"modality_rules", SIGNALS "modality"},
    {"role_bindings", SIGNALS "role_bindings"},
    {"jailbreak", SIGNALS "jailbreak"},
    {"pii", SIGNALS "pii"},
    {"kb", SIGNALS "kb"},
    {"conversation", SIGNALS "conversation"},
    {"events", SIGNALS "events"},
    {"metadata", SIGNALS "metadata"},
    {"classifiers", SIGNALS "classifiers"},
    {"projections", "routing.projections"},
    {"default_model", DEFAULTS "default_model"},
    {"reasoning_families", DEFAULTS "reasoning_families"},
    {"default_reasoning_effort", DEFAULTS "default_reasoning_effort"},
    {"providers.default_model", DEFAULTS "default_model"},
    {"providers.reasoning_families", DEFAULTS "reasoning_families"},
    {"providers.default_reasoning_effort", DEFAULTS "default_reasoning_effort"},
    {"providers.external_models", CATALOG "external"},
    {"strategy", ROUTER "strategy"},
    {"config_source", ROUTER "config_source"},
    {"auto_model_name", ROUTER "auto_model_name"},
    {"auto_model_names", ROUTER "auto_model_names"},
    {"include_config_models_in_list", ROUTER "include_config_models_in_list"},
    {"clear_route_cache", ROUTER "clear_route_cache"},
    {"model_selection", ROUTER "model_selection"},
    {"streamed_body_mode", ROUTER "streamed_body.enabled"},
    {"max_streamed_body_bytes", ROUTER "streamed_body.max_bytes"},
    {"streamed_body_timeout_sec", ROUTER "streamed_body.timeout_sec"},
    {"response_api", SERVICES "response_api"},
    {"router_replay", SERVICES "router_replay"},
    {"api", SERVICES "api"},
    {"observability", SERVICES "observability"},
    {"authz", SERVICES "authz"},
    {"ratelimit", SERVICES "ratelimit"},
    {"semantic_cache", STORES "response_cache"},
    {"response_cache", STORES "response_cache"},
    {"memory", STORES "memory"},
    {"vector_store", STORES "vector_store"},
    {"tools", TOGETHER "tools"},
    {"looper", TOGETHER "looper"},
    {"embedding_models", SEMANTIC},
    {"system_models", CATALOG "system"},
    {"external_models", CATALOG "external"},
    {"prompt_guard", MODULES "prompt_guard"},
    {"feedback_detector", MODULES "feedback_detector"},
    {"prompt_compression", MODULES "prompt_compression"},
    {"modality_detector", MODULES "modality_detector"},
};

/* Blocks whose members move one by one. */
struct part {
    const char *block;
    const char *key;
    const char *to;        /* dotted map that receives it */
    const char *new_key;   /* NULL: the map itself */
    const char *model_ref; /* added when the block names a model of its own */
};

static const struct part parts[] = {
    {"bert_model", "model_id", SEMANTIC, "bert_model_path", NULL},
    {"bert_model", "use_cpu", SEMANTIC, "use_cpu", NULL},
    {"bert_model", "threshold", SEMANTIC ".embedding_config", "min_score_threshold", NULL},
    {"classifier", "category_model", MODULES "classifier", "domain", "domain_classifier"},
    {"classifier", "pii_model", MODULES "classifier", "pii", "pii_classifier"},
    {"classifier", "mcp_category_model", MODULES "classifier", "mcp", NULL},
    {"classifier", "preference_model", MODULES "classifier", "preference", NULL},
    {"hallucination_mitigation", "fact_check_model", MODULES "hallucination_mitigation",
     "fact_check", "fact_check_classifier"},
    {"hallucination_mitigation", "hallucination_model", MODULES "hallucination_mitigation",
     "detector", "hallucination_detector"},
    {"hallucination_mitigation", "nli_model", MODULES "hallucination_mitigation", "explainer",
     "hallucination_explainer"},
    {"hallucination_mitigation", "enabled", MODULES "hallucination_mitigation", "enabled", NULL},
    {"hallucination_mitigation", "on_hallucination_detected", MODULES "hallucination_mitigation",
     "on_hallucination_detected", NULL},
};

/* "a.b.c" -> the map at "a.b" (made) and "c". */
static struct sl_yaml *make_parent(struct sl_migration *m, const char *path,
                                   const struct sl_yaml *place, const char **key)
{
    const char *dot = strrchr(path, '.');
    *key = dot + 1;
    sl_str parent = sl_arena_dup(m->arena, sl_str_of(path, (size_t)(dot - path)));
    return parent.p ? sl_migrate_make(m, m->root, parent.p, SL_YAML_MAP, place) : NULL;
}

static void merge_maps(struct sl_migration *m, struct sl_yaml *into, const struct sl_yaml *from)
{
    for (uint32_t i = 0; i < from->n; i++)
        if (sl_yaml_is_empty(sl_yaml_get(into, from->keys[i]->text)) &&
            !sl_yaml_is_empty(from->items[i]) &&
            sl_yaml_set(m->arena, into, from->keys[i]->text, from->items[i]) != SL_OK)
            return;
}

static void run_move(struct sl_migration *m, const struct move *move)
{
    struct sl_yaml *from = m->root;
    const char *key = move->from;
    if (!strncmp(key, "providers.", 10)) {
        from = sl_yaml_get(m->root, SL_STR("providers"));
        key += 10;
    }
    struct sl_yaml *value = sl_yaml_get(from, sl_str_from(key));
    if (!value)
        return;
    const char *last;
    struct sl_yaml *to = make_parent(m, move->to, value, &last);
    struct sl_yaml *there = to ? sl_yaml_get(to, sl_str_from(last)) : NULL;
    if (there && there->kind == SL_YAML_MAP && value->kind == SL_YAML_MAP)
        merge_maps(m, there, value);
    else if (!sl_yaml_is_empty(there) && !sl_yaml_is_empty(value))
        sl_diags_add(m->diags, SL_WARNING, value->line, value->column, sl_str_from(move->from),
                     "ignored: %s is given too, and it wins", move->to);
    else
        sl_migrate_put(m, to, last, value);
    sl_yaml_remove(from, sl_str_from(key));
    sl_migrate_note(m, value, move->from, move->to);
}

static void run_part(struct sl_migration *m, const struct part *part)
{
    struct sl_yaml *block = sl_yaml_get(m->root, sl_str_from(part->block));
    struct sl_yaml *value = sl_yaml_get(block, sl_str_from(part->key));
    if (!value)
        return;
    struct sl_yaml *to = sl_migrate_make(m, m->root, part->to, SL_YAML_MAP, value);
    if (part->model_ref && !sl_yaml_is_empty(sl_yaml_get(value, SL_STR("model_id"))))
        sl_migrate_put(m, value, "model_ref",
                       sl_yaml_new_str(m->arena, sl_str_from(part->model_ref), value));
    (void)sl_migrate_move(m, block, part->key, to, part->new_key);
    char from[128];
    char name[128];
    snprintf(from, sizeof from, "%s.%s", part->block, part->key);
    snprintf(name, sizeof name, "%s.%s", part->to, part->new_key);
    sl_migrate_note(m, value, from, name);
    if (!block->n)
        sl_yaml_remove(m->root, sl_str_from(part->block));
}

static void add_model_refs(struct sl_migration *m)
{
    static const char *const modules[] = {"prompt_guard", "feedback_detector"};
    const struct sl_yaml *catalog =
        sl_yaml_get(sl_yaml_get(m->root, SL_STR("global")), SL_STR("model_catalog"));
    for (size_t i = 0; i < SL_COUNT(modules); i++) {
        struct sl_yaml *module =
            sl_yaml_get(sl_yaml_get(catalog, SL_STR("modules")), sl_str_from(modules[i]));
        if (!sl_yaml_is_empty(sl_yaml_get(module, SL_STR("model_id"))))
            sl_migrate_put(m, module, "model_ref",
                           sl_yaml_new_str(m->arena, sl_str_from(modules[i]), module));
    }
}

/* The version is what the tree now is. */
static void set_version(struct sl_migration *m)
{
    struct sl_yaml *version = sl_yaml_get(m->root, SL_STR("version"));
    if (version && version->kind == SL_YAML_SCALAR)
        version->text = SL_STR("v0.3");
    else if (sl_yaml_set(m->arena, m->root, SL_STR("version"),
                         sl_yaml_new_str(m->arena, SL_STR("v0.3"), m->root)) != SL_OK)
        return;
}

bool sl_config_migrate(struct sl_arena *arena, struct sl_yaml *document, struct sl_diags *diags)
{
    static const char *const marks[] = {"signals",        "decisions",    "categories",
                                        "vllm_endpoints", "model_config", "keyword_rules"};
    struct sl_migration m = {.arena = arena, .diags = diags, .root = document};
    if (!document || document->kind != SL_YAML_MAP)
        return false;
    for (size_t i = 0; i < SL_COUNT(marks); i++)
        m.is_old |= sl_yaml_get(document, sl_str_from(marks[i])) != NULL;
    for (size_t i = 0; i < SL_COUNT(moves); i++)
        run_move(&m, &moves[i]);
    for (size_t i = 0; i < SL_COUNT(parts); i++)
        run_part(&m, &parts[i]);
    if (m.is_changed)
        add_model_refs(&m);
    sl_migrate_categories(&m);
    sl_migrate_models(&m);
    if (m.is_changed) {
        (void)sl_migrate_make(&m, document, "routing", SL_YAML_MAP, document);
        set_version(&m);
    }
    return m.is_changed;
}
