/*
 * Compiler of decisions, see program.h. Method: flatten each tree to preorder with an explicit
 * stack; give every node a yes and a no continuation (an AND's child continues with its sibling,
 * a NOT swaps the two); emit one test a leaf; then fuse tests of one word that can only be
 * reached from one another.
 */
#include "route/program.h"

#include "codec/yaml.h"

#include <math.h>
#include <stdlib.h>

struct pending {
    const struct sl_rule_node *cfg;
    uint32_t parent;
};

struct build {
    struct sl_program *out;
    struct sl_slot_table *table;
    const struct sl_recipe_cfg *recipe;
    struct sl_arena *arena;
    struct sl_arena temporary; /* of one decision */
    struct pending *stack;
    uint32_t n_stack, cap_stack;
    struct sl_prog_node *nodes;
    uint32_t *parents;
    uint32_t n_nodes, cap_nodes;
    struct sl_derived *derived;
    uint32_t n_derived, cap_derived;
    struct sl_test *tests;
    uint32_t n_tests, cap_tests;
};

#define DERIVED_BIT 0x80000000u /* a bit number that still wants first_derived */

static bool reserve(struct sl_arena *arena, void *array_of_pointer, uint32_t n, uint32_t *cap,
                    size_t size)
{
    void **array = array_of_pointer;
    if (n < *cap)
        return true;
    uint32_t bigger = *cap ? 2 * *cap : 32;
    void *p = sl_arena_zero(arena, bigger, size);
    if (!p)
        return false;
    if (n)
        memcpy(p, *array, n * size);
    *array = p;
    *cap = bigger;
    return true;
}

static bool push(struct build *b, const struct sl_rule_node *cfg, uint32_t parent)
{
    if (!reserve(b->arena, &b->stack, b->n_stack, &b->cap_stack, sizeof(*b->stack)))
        return false;
    b->stack[b->n_stack++] = (struct pending){cfg, parent};
    return true;
}

/* ---- leaves ------------------------------------------------------------------------------- */

static const struct sl_signal_type *signal_of(uint32_t family)
{
    if (family == SL_FAMILY_NONE)
        return NULL;
    return SL_CONTAINER(sl_signal_features[family], struct sl_signal_type, feature);
}

static sl_slot leaf_slot(struct build *b, const struct sl_rule_node *cfg, sl_str name)
{
    uint32_t family = sl_family_find(cfg->type);
    return sl_slot_table_get(b->table, cfg->type, name, family, signal_of(family));
}

static bool add_derived(struct build *b, const struct sl_derived *d, uint32_t *bit)
{
    if (!reserve(b->arena, &b->derived, b->n_derived, &b->cap_derived, sizeof(*b->derived)))
        return false;
    *bit = DERIVED_BIT | b->n_derived;
    b->derived[b->n_derived++] = *d;
    return true;
}

/* A domain's leaf also matches when one of its mmlu_categories is reported. */
static bool add_domain_aliases(struct build *b, const struct sl_rule_node *cfg, sl_slot slot,
                               struct sl_prog_node *node)
{
    uint32_t family = sl_family_find(SL_STR("domain"));
    if (family == SL_FAMILY_NONE || sl_family_find(cfg->type) != family || !b->recipe->signals)
        return true;
    const struct sl_signal_cfg *domains = &b->recipe->signals[family];
    for (uint32_t i = 0; i < domains->n_rules; i++) {
        if (!sl_str_eq(domains->rules[i].name, cfg->name))
            continue;
        const struct sl_yaml *list = sl_yaml_get(domains->rules[i].node, SL_STR("mmlu_categories"));
        if (!list || list->kind != SL_YAML_LIST || !list->n)
            return true;
        sl_slot *aliases = SL_NEW_ARRAY(b->arena, sl_slot, list->n);
        if (!aliases)
            return false;
        for (uint32_t k = 0; k < list->n; k++)
            aliases[k] = leaf_slot(b, cfg, list->items[k]->text);
        struct sl_derived d = {
            .kind = SL_DERIVED_ALIAS, .slot = slot, .aliases = aliases, .n_aliases = list->n};
        return add_derived(b, &d, &node->bit);
    }
    return true;
}

static bool compile_leaf(struct build *b, const struct sl_rule_node *cfg, struct sl_prog_node *node)
{
    sl_str full = cfg->name;
    if (cfg->label.n)
        full = sl_arena_printf(b->arena, "%.*s:%.*s", SL_FMT(cfg->name), SL_FMT(cfg->label));
    node->rule = sl_arena_printf(b->arena, "%.*s:%.*s", SL_FMT(cfg->type), SL_FMT(full));
    if (!node->rule.p || (cfg->label.n && !full.p))
        return false;
    sl_slot slot = leaf_slot(b, cfg, full);
    node->op = SL_PROG_LEAF;
    node->bit = node->conf = slot;
    node->max_conf = sl_str_eq_nocase(sl_str_trim(cfg->type), SL_STR("complexity")) ? INFINITY : 1;
    if (!cfg->has_predicate)
        return add_domain_aliases(b, cfg, slot, node);
    struct sl_derived d = {.kind = SL_DERIVED_PREDICATE,
                           .slot = slot,
                           .error_slot = leaf_slot(b, cfg, cfg->name),
                           .is_match_on_error = cfg->is_match_on_error,
                           .bounds = cfg->predicate};
    if (!add_derived(b, &d, &node->bit))
        return false;
    node->conf = node->bit; /* conf[] of a derived fact stays 1.0 */
    node->max_conf = 1;
    return true;
}

/* ---- flattening --------------------------------------------------------------------------- */

static uint8_t op_of(const struct sl_rule_node *cfg)
{
    switch (cfg->op) {
    case SL_OP_LEAF:
        return SL_PROG_LEAF;
    case SL_OP_AND:
        return SL_PROG_AND;
    case SL_OP_NOT:
        return cfg->n_children == 1 ? SL_PROG_NOT : SL_PROG_NEVER;
    case SL_OP_OR:
        break;
    }
    return SL_PROG_OR;
}

static bool add_node(struct build *b, const struct sl_rule_node *cfg, uint32_t parent)
{
    uint32_t cap = b->cap_nodes;
    if (!reserve(b->arena, &b->nodes, b->n_nodes, &cap, sizeof(*b->nodes)) ||
        !reserve(b->arena, &b->parents, b->n_nodes, &b->cap_nodes, sizeof(*b->parents)))
        return false;
    struct sl_prog_node *node = &b->nodes[b->n_nodes];
    *node = (struct sl_prog_node){.op = op_of(cfg), .n_nodes = 1, .cfg = cfg};
    b->parents[b->n_nodes++] = parent;
    if (node->op == SL_PROG_LEAF)
        return compile_leaf(b, cfg, node);
    if (node->op == SL_PROG_NEVER)
        return true;
    node->n_children = cfg->n_children;
    for (uint32_t i = cfg->n_children; i-- > 0;)
        if (!push(b, &cfg->children[i], b->n_nodes - 1))
            return false;
    return true;
}

static bool flatten(struct build *b, const struct sl_decision_cfg *cfg, struct sl_prog_decision *d)
{
    static const struct sl_rule_node always = {.op = SL_OP_AND};
    d->first_node = b->n_nodes;
    b->n_stack = 0;
    if (!push(b, cfg->has_rules ? &cfg->rules : &always, UINT32_MAX))
        return false;
    while (b->n_stack) {
        struct pending next = b->stack[--b->n_stack];
        if (!add_node(b, next.cfg, next.parent))
            return false;
    }
    if (!cfg->has_rules)
        b->nodes[d->first_node].op = SL_PROG_FALLBACK;
    for (uint32_t i = b->n_nodes; i-- > d->first_node + 1;)
        b->nodes[b->parents[i]].n_nodes += b->nodes[i].n_nodes;
    d->n_nodes = b->n_nodes - d->first_node;
    const struct sl_prog_node *root = &b->nodes[d->first_node];
    d->is_flat = root->op == SL_PROG_LEAF ||
                 (root->n_children && (root->op == SL_PROG_AND || root->op == SL_PROG_OR));
    for (uint32_t i = 1; i < d->n_nodes; i++)
        d->is_flat &= root[i].op == SL_PROG_LEAF;
    return true;
}

/* ---- tests -------------------------------------------------------------------------------- */

/* Continuations are node indices relative to the decision, or SL_ACCEPT / SL_REJECT. */
struct flow {
    uint32_t yes, no;
    uint32_t entry; /* composite: the child to begin with */
    bool is_negated;
    uint32_t test; /* leaf: its test */
};

struct child_order {
    uint64_t key;
    uint32_t node;
};

static int by_key(const void *a, const void *b)
{
    const struct child_order *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : 1;
}

/* Leaves first and by word, so that fusing finds neighbours; a match does not depend on order. */
static void order_children(const struct sl_prog_node *nodes, uint32_t i, struct child_order *out)
{
    uint32_t child = i + 1;
    for (uint32_t k = 0; k < nodes[i].n_children; k++, child += nodes[child].n_nodes) {
        bool is_leaf = nodes[child].op == SL_PROG_LEAF;
        out[k].key = is_leaf ? nodes[child].bit >> 6 : UINT64_MAX;
        out[k].node = child;
    }
    qsort(out, nodes[i].n_children, sizeof(*out), by_key);
}

static void connect_children(const struct sl_prog_node *nodes, struct flow *flow, uint32_t i,
                             struct child_order *order)
{
    const struct sl_prog_node *node = &nodes[i];
    if (node->op == SL_PROG_NOT) {
        flow[i].entry = i + 1;
        flow[i + 1] =
            (struct flow){.yes = flow[i].no, .no = flow[i].yes, .is_negated = !flow[i].is_negated};
        return;
    }
    order_children(nodes, i, order);
    flow[i].entry = order[0].node;
    for (uint32_t k = 0; k < node->n_children; k++) {
        struct flow *f = &flow[order[k].node];
        uint32_t next = k + 1 < node->n_children ? order[k + 1].node : UINT32_MAX;
        *f = (struct flow){.yes = flow[i].yes, .no = flow[i].no, .is_negated = flow[i].is_negated};
        if (next != UINT32_MAX && node->op == SL_PROG_AND)
            f->yes = next;
        else if (next != UINT32_MAX)
            f->no = next;
    }
}

/* The test, or end, that a continuation leads to. */
static uint32_t resolve(const struct sl_prog_node *nodes, const struct flow *flow, uint32_t to)
{
    while (to < SL_REJECT) {
        const struct sl_prog_node *node = &nodes[to];
        if (node->op == SL_PROG_LEAF)
            return flow[to].test;
        if (node->op == SL_PROG_FALLBACK || (node->op == SL_PROG_AND && !node->n_children))
            to = flow[to].yes;
        else if (node->op == SL_PROG_NEVER || !node->n_children)
            to = flow[to].no;
        else
            to = flow[to].entry;
    }
    return to;
}

/* Takes in the next test while it is of the same word, fails alike, and has no other way in. */
static void fuse_chain(struct sl_test *tests, uint32_t *n_in, struct sl_test *t)
{
    while (t->yes < SL_REJECT) {
        struct sl_test *u = &tests[t->yes];
        if (u == t || u->word != t->word || u->no != t->no || u->is_any != t->is_any ||
            n_in[t->yes] != 1 || (u->mask & t->mask))
            return;
        if (t->no < SL_REJECT)
            n_in[t->no]--;
        n_in[t->yes] = 0;
        t->mask |= u->mask;
        t->flip |= u->flip;
        t->yes = u->yes;
    }
}

/* A single literal written as "none of these is true": what an OR needs to fuse. */
static void turn(struct sl_test *t)
{
    uint32_t yes = t->yes;
    t->yes = t->no;
    t->no = yes;
    t->flip ^= t->mask;
    t->is_any = !t->is_any;
}

/* ANDs fuse as they stand; what is still a single literal is then tried as a link of an OR. */
static void fuse(struct sl_test *tests, uint32_t n, uint32_t *n_in)
{
    for (uint32_t i = 0; i < n; i++)
        if (n_in[i])
            fuse_chain(tests, n_in, &tests[i]);
    for (uint32_t i = 0; i < n; i++)
        if (n_in[i] && !(tests[i].mask & (tests[i].mask - 1)))
            turn(&tests[i]);
    for (uint32_t i = 0; i < n; i++)
        if (n_in[i] && tests[i].is_any)
            fuse_chain(tests, n_in, &tests[i]);
}

/* Copies what is still reachable behind out->tests, entry first; returns the entry. */
static uint32_t compact(struct build *b, const struct sl_test *tests, const uint32_t *n_in,
                        uint32_t n, uint32_t entry, uint32_t *place)
{
    if (entry >= SL_REJECT)
        return entry;
    uint32_t first = b->n_tests, at = first;
    place[entry] = at++;
    for (uint32_t i = 0; i < n; i++)
        if (i != entry && n_in[i])
            place[i] = at++;
    for (uint32_t i = 0; i < n; i++) {
        if (!n_in[i])
            continue;
        struct sl_test t = tests[i];
        t.yes = t.yes < SL_REJECT ? place[t.yes] : t.yes;
        t.no = t.no < SL_REJECT ? place[t.no] : t.no;
        b->tests[place[i]] = t;
    }
    b->n_tests = at;
    return first;
}

static uint32_t emit_tests(const struct sl_prog_node *nodes, uint32_t n, struct flow *flow,
                           struct sl_test *tests)
{
    uint32_t n_tests = 0;
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i].op == SL_PROG_LEAF)
            flow[i].test = n_tests++;
    for (uint32_t i = 0; i < n; i++) {
        if (nodes[i].op != SL_PROG_LEAF)
            continue;
        const struct flow *f = &flow[i];
        uint64_t mask = (uint64_t)1 << (nodes[i].bit & 63);
        tests[f->test] = (struct sl_test){
            .mask = mask,
            .flip = f->is_negated ? mask : 0,
            .word = nodes[i].bit >> 6,
            .yes = resolve(nodes, flow, f->is_negated ? f->no : f->yes),
            .no = resolve(nodes, flow, f->is_negated ? f->yes : f->no),
        };
    }
    return n_tests;
}

static bool compile_tests(struct build *b, struct sl_prog_decision *d)
{
    const struct sl_prog_node *nodes = b->nodes + d->first_node;
    uint32_t n = d->n_nodes;
    struct flow *flow = SL_NEW_ARRAY(&b->temporary, struct flow, n);
    struct child_order *order = SL_NEW_ARRAY(&b->temporary, struct child_order, n);
    struct sl_test *tests = SL_NEW_ARRAY(&b->temporary, struct sl_test, n);
    uint32_t *counts = SL_NEW_ARRAY(&b->temporary, uint32_t, 2 * (size_t)n);
    if (!flow || !order || !tests || !counts)
        return false;
    flow[0] = (struct flow){.yes = SL_ACCEPT, .no = SL_REJECT};
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i].n_children)
            connect_children(nodes, flow, i, order);
    uint32_t n_tests = emit_tests(nodes, n, flow, tests);
    uint32_t entry = resolve(nodes, flow, 0);
    if (entry < SL_REJECT)
        counts[entry]++;
    for (uint32_t i = 0; i < n_tests; i++) {
        if (tests[i].yes < SL_REJECT)
            counts[tests[i].yes]++;
        if (tests[i].no < SL_REJECT)
            counts[tests[i].no]++;
    }
    fuse(tests, n_tests, counts);
    d->first_test = compact(b, tests, counts, n_tests, entry, counts + n);
    sl_arena_reset(&b->temporary);
    return true;
}

/* ---- decisions ---------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct sl_prog_decision *x = a, *y = b;
    return sl_str_cmp(x->cfg->name, y->cfg->name);
}

static int by_priority(const void *a, const void *b)
{
    const struct sl_prog_decision *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->name_rank < y->name_rank ? -1 : 1;
}

static struct sl_prog_decision *sorted_decisions(struct build *b)
{
    uint32_t n = b->recipe->n_decisions;
    struct sl_prog_decision *d = SL_NEW_ARRAY(b->arena, struct sl_prog_decision, n);
    if (!d)
        return NULL;
    for (uint32_t i = 0; i < n; i++) {
        const struct sl_decision_cfg *cfg = &b->recipe->decisions[i];
        d[i] = (struct sl_prog_decision){.cfg = cfg, .priority = cfg->priority, .tier = cfg->tier};
        if (cfg->tier > 0)
            b->out->has_tiers = true;
    }
    if (n)
        qsort(d, n, sizeof(*d), by_name);
    for (uint32_t i = 0; i < n; i++)
        d[i].name_rank = i;
    if (n)
        qsort(d, n, sizeof(*d), by_priority);
    return d;
}

/* Derived facts get their bits now that the number of slots is known. */
static void place_derived(struct build *b)
{
    b->out->n_slots = b->table->n;
    b->out->first_derived = (b->table->n + 63) & ~63u;
    b->out->n_words = (b->out->first_derived + b->n_derived + 63) / 64;
    for (uint32_t i = 0; i < b->n_nodes; i++) {
        struct sl_prog_node *node = &b->nodes[i];
        if (node->op != SL_PROG_LEAF)
            continue;
        if (node->bit & DERIVED_BIT)
            node->bit = b->out->first_derived + (node->bit & ~DERIVED_BIT);
        if (node->conf & DERIVED_BIT)
            node->conf = b->out->first_derived + (node->conf & ~DERIVED_BIT);
    }
}

static enum sl_rc compile(struct build *b)
{
    struct sl_program *out = b->out;
    struct sl_prog_decision *decisions = sorted_decisions(b);
    if (!decisions)
        return SL_NOMEM;
    for (uint32_t i = 0; i < out->n_decisions; i++)
        if (!flatten(b, decisions[i].cfg, &decisions[i]))
            return SL_NOMEM;
    if (b->table->is_full)
        return SL_NOMEM;
    place_derived(b);
    b->tests = SL_NEW_ARRAY(b->arena, struct sl_test, b->n_nodes);
    if (!b->tests)
        return SL_NOMEM;
    for (uint32_t i = 0; i < out->n_decisions; i++) {
        if (!compile_tests(b, &decisions[i]))
            return SL_NOMEM;
        if (decisions[i].n_nodes > out->max_nodes)
            out->max_nodes = decisions[i].n_nodes;
    }
    out->decisions = decisions;
    out->tests = b->tests;
    out->n_tests = b->n_tests;
    out->nodes = b->nodes;
    out->n_nodes = b->n_nodes;
    out->derived = b->derived;
    out->n_derived = b->n_derived;
    return SL_OK;
}

enum sl_rc sl_program_compile(struct sl_program *out, struct sl_slot_table *table,
                              const struct sl_recipe_cfg *recipe, struct sl_arena *arena)
{
    *out = (struct sl_program){.strategy = recipe->strategy, .n_decisions = recipe->n_decisions};
    struct build b = {.out = out, .table = table, .recipe = recipe, .arena = arena};
    sl_arena_init(&b.temporary, NULL, (size_t)1 << 28);
    enum sl_rc rc = compile(&b);
    sl_arena_reset(&b.temporary);
    return rc;
}
