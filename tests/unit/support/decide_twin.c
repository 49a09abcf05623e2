/* See decide_twin.h. Plain on purpose: every lookup compares strings, every list is allocated. */
#include "decide_twin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct outcome {
    bool matched;
    double conf;
    sl_str *rules;
    uint32_t n;
};

static void drop(struct outcome *o)
{
    for (uint32_t i = 0; i < o->n; i++)
        free((char *)o->rules[i].p);
    free(o->rules);
    *o = (struct outcome){0};
}

static void append(struct outcome *to, struct outcome *from)
{
    if (!from->n)
        return;
    to->rules = realloc(to->rules, (to->n + from->n) * sizeof(*to->rules));
    memcpy(to->rules + to->n, from->rules, from->n * sizeof(*to->rules));
    to->n += from->n;
    free(from->rules);
    *from = (struct outcome){0};
}

static char *text_of(sl_str a, sl_str b, sl_str c, bool lower)
{
    char *p = malloc(a.n + b.n + c.n + 3);
    int n = sprintf(p, "%.*s:%.*s", SL_FMT(a), SL_FMT(b));
    if (c.n)
        sprintf(p + n, ":%.*s", SL_FMT(c));
    for (size_t i = 0; lower && i < a.n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 32);
    return p;
}

static bool in_bounds(const struct sl_predicate *p, double v)
{
    if (isnan(v) || isinf(v))
        return false;
    if (p->gt.is_set && v <= p->gt.value)
        return false;
    if (p->gte.is_set && v < p->gte.value)
        return false;
    if (p->lt.is_set && v >= p->lt.value)
        return false;
    return !(p->lte.is_set && v > p->lte.value);
}

static struct outcome leaf(const struct sl_rule_node *node, const struct twin_signals *s)
{
    struct outcome out = {.conf = 1};
    sl_str none = {NULL, 0};
    char *key = text_of(node->type, node->name, node->label, true);
    char *plain = text_of(node->type, node->name, none, true);
    bool has = false, has_error = false;
    double value = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        has_error |= s->items[i].has_error && !strcmp(plain, s->items[i].name);
        if (strcmp(key, s->items[i].name))
            continue;
        out.matched = s->items[i].matched;
        if (!node->has_predicate && s->items[i].has_conf)
            out.conf = s->items[i].conf;
        has = s->items[i].has_value || s->items[i].has_conf;
        value = s->items[i].has_value ? s->items[i].value : s->items[i].conf;
    }
    if (node->has_predicate)
        out.matched =
            has ? in_bounds(&node->predicate, value) : node->is_match_on_error && has_error;
    free(key);
    free(plain);
    if (!out.matched)
        return (struct outcome){0};
    out.rules = malloc(sizeof(*out.rules));
    out.rules[0] = sl_str_from(text_of(node->type, node->name, node->label, false));
    out.n = 1;
    return out;
}

static struct outcome eval(const struct sl_rule_node *node, const struct twin_signals *s);

static struct outcome all_of(const struct sl_rule_node *node, const struct twin_signals *s)
{
    struct outcome out = {.matched = true};
    for (uint32_t i = 0; i < node->n_children; i++) {
        struct outcome c = eval(&node->children[i], s);
        if (!c.matched) {
            drop(&out);
            drop(&c);
            return out;
        }
        out.conf += c.conf;
        append(&out, &c);
    }
    if (node->n_children)
        out.conf /= node->n_children;
    return out;
}

static struct outcome any_of(const struct sl_rule_node *node, const struct twin_signals *s)
{
    struct outcome best = {0};
    for (uint32_t i = 0; i < node->n_children; i++) {
        struct outcome c = eval(&node->children[i], s);
        if (c.matched && (!best.matched || c.conf > best.conf)) {
            drop(&best);
            best = c;
        } else {
            drop(&c);
        }
    }
    return best;
}

static struct outcome eval(const struct sl_rule_node *node, const struct twin_signals *s)
{
    switch (node->op) {
    case SL_OP_LEAF:
        return leaf(node, s);
    case SL_OP_AND:
        return all_of(node, s);
    case SL_OP_OR:
        return any_of(node, s);
    case SL_OP_NOT:
        break;
    }
    struct outcome out = {0};
    if (node->n_children != 1)
        return out;
    struct outcome c = eval(&node->children[0], s);
    out.matched = !c.matched;
    out.conf = out.matched ? 1 : 0;
    drop(&c);
    return out;
}

struct match {
    const struct sl_decision_cfg *d;
    struct outcome o;
};

static int mode; /* 0 priority, 1 confidence, 2 tiers: of the sort that runs */

static int compare(const void *a, const void *b)
{
    const struct match *x = a, *y = b;
    if (mode == 2 && x->d->tier != y->d->tier)
        return x->d->tier < y->d->tier ? -1 : 1;
    if (mode == 0 && x->d->priority != y->d->priority)
        return x->d->priority > y->d->priority ? -1 : 1;
    if (x->o.conf != y->o.conf)
        return x->o.conf > y->o.conf ? -1 : 1;
    if (x->d->priority != y->d->priority)
        return x->d->priority > y->d->priority ? -1 : 1;
    return sl_str_cmp(x->d->name, y->d->name);
}

void twin_decide(const struct sl_recipe_cfg *recipe, const struct twin_signals *signals,
                 struct twin_result *out)
{
    struct match *matches = calloc(recipe->n_decisions + 1, sizeof(*matches));
    uint32_t n = 0;
    mode = recipe->strategy == SL_STRATEGY_CONFIDENCE;
    for (uint32_t i = 0; i < recipe->n_decisions; i++) {
        const struct sl_decision_cfg *d = &recipe->decisions[i];
        struct outcome o = {.matched = true};
        if (d->has_rules)
            o = eval(&d->rules, signals);
        if (!o.matched)
            continue;
        if (d->tier > 0)
            mode = 2;
        matches[n++] = (struct match){d, o};
    }
    qsort(matches, n, sizeof(*matches), compare);
    *out = (struct twin_result){0};
    if (n)
        *out = (struct twin_result){matches[0].d, matches[0].o.conf, matches[0].o.rules,
                                    matches[0].o.n};
    for (uint32_t i = 1; i < n; i++)
        drop(&matches[i].o);
    free(matches);
}

void twin_free(struct twin_result *r)
{
    struct outcome o = {.rules = r->rules, .n = r->n_rules};
    drop(&o);
}
