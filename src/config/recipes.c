/*
 * The routing profiles: the top-level one ("default") and recipes[]. Each is a namespace of
 * signals, projections and decisions; models are shared.
 */
#include "config/field.h"
#include "config/load.h"

#include <stdlib.h>

struct routing {
    int strategy; /* 0 unset, 1 priority, 2 confidence */
    const struct sl_yaml *cards, *signals, *projections, *decisions;
};

const struct sl_field sl_routing_fields[] = {
    {"strategy", SL_F_ENUM, SL_AT(routing, strategy), SL_CHOICES("", "priority", "confidence"),
     .flags = SL_EXACT, .help = "How matching decisions are ranked."},
    {"modelCards", SL_F_NODE, SL_AT(routing, cards), .help = "The models that decisions may name."},
    {"signals", SL_F_NODE, SL_AT(routing, signals), .help = "Rules by signal type."},
    {"projections", SL_F_NODE, SL_AT(routing, projections),
     .help = "Partitions, scores and mappings over signals."},
    {"decisions", SL_F_NODE, SL_AT(routing, decisions), .help = "What is done when what matches."},
    SL_FIELD_END,
};

struct recipe {
    sl_str name, description;
    const struct sl_yaml *routing;
};

const struct sl_field sl_recipe_fields[] = {
    {"name", SL_F_STR, SL_AT(recipe, name), .flags = SL_REQUIRED, .help = "Unique name."},
    {"description", SL_F_STR, SL_AT(recipe, description), .help = "What it is for."},
    {"routing", SL_F_NODE, SL_AT(recipe, routing),
     .help = "Like the top-level routing, without modelCards."},
    SL_FIELD_END,
};

/* ---- signals ------------------------------------------------------------------------------- */

static uint32_t count_features(void)
{
    uint32_t n = 0;
    while (sl_signal_features[n])
        n++;
    return n;
}

static void load_rule(struct sl_load *l, const struct sl_feature *feature,
                      const struct sl_yaml *node, struct sl_rule_cfg *out)
{
    void *decoded = sl_load_zero(l, 1, feature->size > sizeof(sl_str) ? feature->size : 64);
    if (!decoded)
        return;
    uint32_t n_errors = l->c.diags->n_errors;
    struct sl_yaml empty = {.kind = SL_YAML_MAP, .line = node->line, .column = node->column};
    sl_schema_decode(&l->c, feature->fields, node->kind == SL_YAML_NULL ? &empty : node, decoded);
    *out = (struct sl_rule_cfg){.name = *(sl_str *)decoded, .decoded = decoded, .node = node};
    if (feature->validate && l->c.diags->n_errors == n_errors)
        feature->validate(&l->c, node, decoded);
    if (!feature->is_active)
        sl_load_inactive(l, feature->name, out->name);
}

/* Names within one list are unique; long lists go through a map. */
static void check_names(struct sl_load *l, const struct sl_signal_cfg *signal)
{
    struct sl_map seen;
    sl_map_init(&seen, l->arena, 0);
    for (uint32_t i = 0; i < signal->n_rules; i++) {
        const struct sl_rule_cfg *rule = &signal->rules[i];
        sl_str trimmed = sl_str_trim(rule->name);
        uint64_t first;
        if (trimmed.n && sl_map_get(&seen, trimmed, &first)) {
            const struct sl_yaml *name = sl_yaml_get(rule->node, SL_STR("name"));
            size_t length = sl_check_push_index(&l->c, i);
            sl_check_push(&l->c, SL_STR("name"));
            sl_check_error(&l->c, name, "duplicate local name \"%.*s\"; first at index %u",
                           SL_FMT(rule->name), (unsigned)first);
            sl_check_pop(&l->c, length);
        } else if (trimmed.n && sl_map_put(&seen, trimmed, i) != SL_OK) {
            l->is_nomem = true;
        }
    }
}

static void load_signal(struct sl_load *l, const struct sl_feature *feature,
                        const struct sl_yaml *list, struct sl_signal_cfg *out)
{
    out->feature = feature;
    if (!list || list->kind == SL_YAML_NULL)
        return;
    if (list->kind != SL_YAML_LIST) {
        sl_check_error(&l->c, list, "expected a list of rules");
        return;
    }
    struct sl_rule_cfg *rules = SL_LOAD_ARRAY(l, struct sl_rule_cfg, list->n);
    for (uint32_t i = 0; rules && i < list->n; i++) {
        size_t length = sl_check_push_index(&l->c, i);
        load_rule(l, feature, list->items[i], &rules[i]);
        sl_check_pop(&l->c, length);
    }
    out->rules = rules;
    out->n_rules = rules ? list->n : 0;
    check_names(l, out);
}

static void check_signal_keys(struct sl_load *l, const struct sl_yaml *signals)
{
    const char *keys[64];
    uint32_t n = 0;
    for (uint32_t i = 0; sl_signal_features[i] && n + 1 < SL_COUNT(keys); i++)
        keys[n++] = sl_signal_features[i]->list_key;
    keys[n] = NULL;
    for (uint32_t i = 0; i < signals->n; i++) {
        uint32_t k = 0;
        while (k < n && !sl_str_eq(signals->keys[i]->text, sl_str_from(keys[k])))
            k++;
        if (k < n)
            continue;
        const char *nearest = sl_str_nearest(signals->keys[i]->text, keys);
        size_t length = sl_check_push(&l->c, signals->keys[i]->text);
        sl_check_error(&l->c, signals->keys[i], "unknown signal list%s%s%s",
                       nearest ? "; did you mean \"" : "; see `sluice describe`",
                       nearest ? nearest : "", nearest ? "\"?" : "");
        sl_check_pop(&l->c, length);
    }
}

/* ---- domains that decisions name without declaring any ------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return sl_str_cmp(*(const sl_str *)a, *(const sl_str *)b);
}

/* Every `type: domain` leaf below `decisions`, with an explicit stack over the raw tree. */
static uint32_t collect_domains(const struct sl_yaml *decisions, sl_str *names, uint32_t max)
{
    enum { MAX_DEPTH = 256 };
    struct {
        const struct sl_yaml *node;
        uint32_t next;
    } stack[MAX_DEPTH];
    uint32_t depth = 1;
    uint32_t n = 0;
    stack[0].node = decisions;
    stack[0].next = 0;
    while (depth) {
        const struct sl_yaml *node = stack[depth - 1].node;
        if (stack[depth - 1].next == node->n) {
            depth--;
            continue;
        }
        const struct sl_yaml *child = node->items[stack[depth - 1].next++];
        const struct sl_yaml *type = sl_yaml_get(child, SL_STR("type"));
        const struct sl_yaml *name = sl_yaml_get(child, SL_STR("name"));
        if (type && name && sl_str_eq(sl_str_trim(type->text), SL_STR("domain")) &&
            sl_str_trim(name->text).n && n < max)
            names[n++] = sl_str_trim(name->text);
        if (child->n && depth < MAX_DEPTH) {
            stack[depth].node = child;
            stack[depth++].next = 0;
        }
    }
    return n;
}

static struct sl_yaml *make_domain(struct sl_load *l, const struct sl_yaml *place, sl_str name)
{
    struct sl_yaml *rule = sl_yaml_new(l->arena, SL_YAML_MAP, place);
    struct sl_yaml *labels = sl_yaml_new(l->arena, SL_YAML_LIST, place);
    if (!rule || !labels ||
        sl_yaml_set(l->arena, rule, SL_STR("name"), sl_yaml_new_str(l->arena, name, place)) ||
        sl_yaml_set(l->arena, rule, SL_STR("description"),
                    sl_yaml_new_str(l->arena, name, place)) ||
        sl_yaml_push(l->arena, labels, sl_yaml_new_str(l->arena, SL_STR("other"), place)) ||
        sl_yaml_set(l->arena, rule, SL_STR("mmlu_categories"), labels))
        return NULL;
    return rule;
}

static const struct sl_yaml *implied_domains(struct sl_load *l, const struct sl_yaml *decisions)
{
    enum { MAX_DOMAINS = 4096 };
    if (!decisions || decisions->kind != SL_YAML_LIST || !decisions->n)
        return NULL;
    sl_str *names = SL_LOAD_ARRAY(l, sl_str, MAX_DOMAINS);
    uint32_t n = names ? collect_domains(decisions, names, MAX_DOMAINS) : 0;
    struct sl_yaml *list = n ? sl_yaml_new(l->arena, SL_YAML_LIST, decisions) : NULL;
    if (!list)
        return NULL;
    qsort(names, n, sizeof *names, by_name);
    for (uint32_t i = 0; i < n; i++) {
        if (i && sl_str_eq(names[i], names[i - 1]))
            continue;
        struct sl_yaml *rule = make_domain(l, decisions, names[i]);
        if (!rule || sl_yaml_push(l->arena, list, rule) != SL_OK)
            l->is_nomem = true;
    }
    return list;
}

static void load_signals(struct sl_load *l, const struct routing *routing,
                         struct sl_recipe_cfg *recipe)
{
    struct sl_signal_cfg *signals = SL_LOAD_ARRAY(l, struct sl_signal_cfg, count_features());
    recipe->signals = signals;
    const struct sl_yaml *node = routing->signals;
    size_t length = sl_check_push(&l->c, SL_STR("signals"));
    if (node && node->kind == SL_YAML_MAP)
        check_signal_keys(l, node);
    else if (node && node->kind != SL_YAML_NULL)
        sl_check_error(&l->c, node, "expected a map of signal lists");
    for (uint32_t i = 0; signals && sl_signal_features[i]; i++) {
        const struct sl_feature *feature = sl_signal_features[i];
        const struct sl_yaml *list = sl_yaml_get(node, sl_str_from(feature->list_key));
        if ((!list || !list->n) && sl_str_eq(sl_str_from(feature->name), SL_STR("domain"))) {
            const struct sl_yaml *implied = implied_domains(l, routing->decisions);
            list = implied ? implied : list;
        }
        size_t at = sl_check_push(&l->c, sl_str_from(feature->list_key));
        load_signal(l, feature, list, &signals[i]);
        sl_check_pop(&l->c, at);
    }
    sl_check_pop(&l->c, length);
}

/* ---- recipes ------------------------------------------------------------------------------- */

/* `node` is the routing block; the check's path is at it. */
static void load_recipe(struct sl_load *l, const struct sl_yaml *node, struct sl_recipe_cfg *out)
{
    struct sl_recipe_place *place = &l->places[out - l->config->recipes];
    place->routing = node;
    place->path = sl_arena_dup(l->arena, sl_buf_str(&l->c.path));
    struct routing routing = {.strategy = 0};
    sl_schema_decode(&l->c, sl_routing_fields, node, &routing);
    out->strategy = l->config->global.strategy;
    if (routing.strategy)
        out->strategy = routing.strategy == 2 ? SL_STRATEGY_CONFIDENCE : SL_STRATEGY_PRIORITY;
    load_signals(l, &routing, out);
    sl_load_projections(l, node, out);
    sl_load_decisions(l, node, out);
}

static bool has_content(const struct sl_yaml *routing)
{
    static const char *const keys[] = {"strategy", "decisions", "projections", "signals"};
    for (size_t i = 0; i < SL_COUNT(keys); i++) {
        const struct sl_yaml *value = sl_yaml_get(routing, sl_str_from(keys[i]));
        if (value && (value->n || (value->kind == SL_YAML_SCALAR && value->text.n)))
            return true;
    }
    return false;
}

/* recipes[0] is the default one: taken from the start, and free for the first of that name. */
static void check_recipe_name(struct sl_load *l, const struct sl_yaml *node, bool is_default,
                              sl_str name)
{
    const struct sl_recipe_cfg *recipes = l->config->recipes;
    const struct sl_yaml *place = sl_yaml_get(node, SL_STR("name"));
    size_t length = sl_check_push(&l->c, SL_STR("name"));
    if (sl_str_trim(name).n != name.n)
        sl_check_error(&l->c, place, "a recipe name must not contain surrounding whitespace");
    for (uint32_t i = 0; name.n && !is_default && i < l->config->n_recipes; i++)
        if (sl_str_eq(recipes[i].name, name))
            sl_check_error(&l->c, place, "duplicate recipe name \"%.*s\"", SL_FMT(name));
    sl_check_pop(&l->c, length);
}

static void check_shared_cards(struct sl_load *l, const struct sl_yaml *routing)
{
    const struct sl_yaml *cards = sl_yaml_get(routing, SL_STR("modelCards"));
    if (!cards)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("modelCards"));
    sl_check_error(&l->c, cards,
                   "the model catalog is shared; put the cards into the top-level routing");
    sl_check_pop(&l->c, length);
}

void sl_load_recipes(struct sl_load *l)
{
    const struct sl_yaml *node = sl_yaml_get(l->root, SL_STR("recipes"));
    const struct sl_yaml *top = sl_yaml_get(l->root, SL_STR("routing"));
    struct sl_list list = {NULL, 0};
    size_t length = sl_check_push(&l->c, SL_STR("recipes"));
    sl_schema_decode_list(&l->c, sl_recipe_fields, sizeof(struct recipe), node, &list);
    struct sl_recipe_cfg *recipes = SL_LOAD_ARRAY(l, struct sl_recipe_cfg, (size_t)list.n + 1);
    l->config->recipes = recipes;
    l->places = SL_LOAD_ARRAY(l, struct sl_recipe_place, (size_t)list.n + 1);
    if (!recipes || !l->places)
        return;
    recipes[0].name = SL_STR("default");
    recipes[0].description = SL_STR("");
    l->config->n_recipes = 1;
    bool is_default_replaced = false;
    for (uint32_t i = 0; i < list.n; i++) {
        const struct recipe *from = &((const struct recipe *)list.items)[i];
        size_t item = sl_check_push_index(&l->c, i);
        bool is_default = sl_str_eq(from->name, SL_STR("default")) && !is_default_replaced;
        check_recipe_name(l, node->items[i], is_default, from->name);
        if (is_default && has_content(top))
            sl_check_error(&l->c, node->items[i],
                           "conflicts with the top-level routing profile, which is the recipe "
                           "\"default\"; keep one of them");
        is_default_replaced |= is_default;
        struct sl_recipe_cfg *out = is_default ? &recipes[0] : &recipes[l->config->n_recipes++];
        out->name = from->name;
        out->description = from->description;
        sl_check_push(&l->c, SL_STR("routing"));
        check_shared_cards(l, from->routing);
        load_recipe(l, from->routing, out);
        sl_check_pop(&l->c, item);
    }
    sl_check_pop(&l->c, length);
    if (!is_default_replaced) {
        length = sl_check_push(&l->c, SL_STR("routing"));
        load_recipe(l, top, &recipes[0]);
        sl_check_pop(&l->c, length);
    }
}
