/* Partitions and the top_k cut; see partition.h. */
#include "route/partition.h"

#include <math.h>

static bool declares(const struct sl_signal_cfg *signal, sl_str name)
{
    for (uint32_t i = 0; i < signal->n_rules; i++)
        if (sl_str_eq(signal->rules[i].name, name))
            return true;
    return false;
}

/* All members are of one type (validated): domain if the first is one, else embedding. */
static uint32_t family_of(const struct sl_recipe_cfg *recipe, const struct sl_partition_cfg *cfg)
{
    uint32_t domain = sl_family_find(SL_STR("domain"));
    if (domain != SL_FAMILY_NONE && recipe->signals)
        for (uint32_t i = 0; i < cfg->members.n; i++)
            if (declares(&recipe->signals[domain], cfg->members.items[i]))
                return domain;
    return sl_family_find(SL_STR("embedding"));
}

static bool compile_one(struct sl_partition *p, struct sl_slot_table *table,
                        const struct sl_recipe_cfg *recipe, const struct sl_partition_cfg *cfg,
                        struct sl_arena *arena)
{
    *p = (struct sl_partition){.cfg = cfg, .fallback = SL_NO_INDEX};
    p->family = family_of(recipe, cfg);
    if (p->family == SL_FAMILY_NONE)
        return true;
    const struct sl_feature *feature = sl_signal_features[p->family];
    sl_slot *members = SL_NEW_ARRAY(arena, sl_slot, cfg->members.n);
    if (!members)
        return false;
    p->members = members;
    for (uint32_t i = 0; i < cfg->members.n; i++) {
        if (!declares(&recipe->signals[p->family], cfg->members.items[i]))
            continue;
        members[p->n_members] =
            sl_slot_table_get(table, sl_str_from(feature->name), cfg->members.items[i], p->family,
                              SL_CONTAINER(feature, struct sl_signal_type, feature));
        if (sl_str_eq(cfg->members.items[i], cfg->fallback))
            p->fallback = members[p->n_members];
        p->n_members++;
    }
    return true;
}

enum sl_rc sl_partitions_compile(struct sl_partition **out, struct sl_slot_table *table,
                                 const struct sl_recipe_cfg *recipe, struct sl_arena *arena)
{
    *out = SL_NEW_ARRAY(arena, struct sl_partition, recipe->n_partitions);
    if (!*out)
        return SL_NOMEM;
    for (uint32_t i = 0; i < recipe->n_partitions; i++)
        if (!compile_one(&(*out)[i], table, recipe, &recipe->partitions[i], arena))
            return SL_NOMEM;
    return table->is_full ? SL_NOMEM : SL_OK;
}

/* ---- evaluation --------------------------------------------------------------------------- */

static bool is_member(const struct sl_partition *p, sl_slot slot)
{
    for (uint32_t i = 0; i < p->n_members; i++)
        if (p->members[i] == slot)
            return true;
    return false;
}

static bool has_conf(const struct sl_slots *s, sl_slot slot)
{
    return s->has_conf[slot >> 6] >> (slot & 63) & 1;
}

static void drop_conf(struct sl_slots *s, sl_slot slot)
{
    s->has_conf[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
    s->conf[slot] = 1;
}

/* Only `winner` stays of the members; the order of the others is kept. */
static void keep_only(const struct sl_partition *p, struct sl_slots *s, sl_slot winner)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_order; i++) {
        sl_slot slot = s->order[i];
        if (slot != winner && is_member(p, slot)) {
            s->matched[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
            drop_conf(s, slot);
            continue;
        }
        s->order[n++] = slot;
    }
    s->n_order = n;
}

struct contest {
    uint32_t n;
    sl_slot winner;
    double best, second; /* raw */
    double sum;          /* of exp((s - best) / T) */
};

static struct contest find_winner(const struct sl_partition *p, const struct sl_slots *s)
{
    struct contest c = {.second = -INFINITY};
    double temperature = p->cfg->temperature > 0 ? p->cfg->temperature : 1;
    for (uint32_t i = 0; i < s->n_order; i++) {
        sl_slot slot = s->order[i];
        if (!is_member(p, slot) || !has_conf(s, slot))
            continue;
        double conf = s->conf[slot];
        if (c.n++ == 0 || conf > c.best) {
            c.second = c.n > 1 ? c.best : c.second;
            c.best = conf;
            c.winner = slot;
        } else if (conf > c.second) {
            c.second = conf;
        }
    }
    for (uint32_t i = 0; i < s->n_order; i++)
        if (is_member(p, s->order[i]) && has_conf(s, s->order[i]))
            c.sum += exp((s->conf[s->order[i]] - c.best) / temperature);
    return c;
}

static void trace_partition(struct sl_trace *trace, const struct sl_partition *p, sl_slot winner,
                            const struct contest *c, double score, double margin)
{
    if (!trace || trace->n_partitions == trace->cap_partitions)
        return;
    for (uint32_t i = 0; i < p->n_members; i++)
        if (p->members[i] == winner)
            trace->partitions[trace->n_partitions++] = (struct sl_trace_partition){
                .cfg = p->cfg,
                .type = sl_str_from(sl_signal_features[p->family]->name),
                .winner = winner,
                .n_contenders = c->n,
                .score = score,
                .raw_score = c->best,
                .margin = margin,
                .was_default = c->n == 0,
            };
}

void sl_partition_apply(const struct sl_partition *p, struct sl_slots *s, struct sl_trace *trace)
{
    if (p->n_members < 2)
        return;
    struct contest c = find_winner(p, s);
    if (c.n == 1)
        return;
    if (c.n == 0) {
        if (p->fallback == SL_NO_INDEX || sl_slot_is_matched(s, p->fallback))
            return;
        sl_slot_match(s, p->fallback);
        sl_slot_conf(s, p->fallback, 0);
        trace_partition(trace, p, p->fallback, &c, 0, 0);
        return;
    }
    double temperature = p->cfg->temperature > 0 ? p->cfg->temperature : 1;
    double score = c.best, margin = c.best - c.second;
    if (p->cfg->is_softmax) {
        score = 1 / c.sum;
        margin = score - exp((c.second - c.best) / temperature) / c.sum;
        s->conf[c.winner] = score;
    }
    keep_only(p, s, c.winner);
    trace_partition(trace, p, c.winner, &c, score, margin);
}

static bool in_set(const uint64_t *bits, sl_slot slot)
{
    return bits[slot >> 6] >> (slot & 63) & 1;
}

static bool is_better(const struct sl_slots *s, const struct sl_slot_info *infos, sl_slot a,
                      sl_slot b)
{
    if (s->conf[a] != s->conf[b])
        return s->conf[a] > s->conf[b];
    return sl_str_cmp(infos[a].name, infos[b].name) < 0;
}

/* Insertion sort of the family's matches among their own places: they are few. */
static uint32_t sort_family(struct sl_slots *s, const uint64_t *family, uint32_t *places,
                            uint32_t max, const struct sl_slot_info *infos)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_order && n < max; i++) {
        if (!in_set(family, s->order[i]))
            continue;
        places[n++] = i;
        for (uint32_t k = n - 1; k > 0; k--) {
            sl_slot *a = &s->order[places[k - 1]], *b = &s->order[places[k]];
            if (!is_better(s, infos, *b, *a))
                break;
            sl_slot t = *a;
            *a = *b;
            *b = t;
        }
    }
    return n;
}

#define MAX_SORTED 256 /* matches beyond this many keep their place behind the sorted ones */

void sl_top_k(struct sl_slots *s, const uint64_t *family_slots, uint32_t k,
              const struct sl_slot_info *infos)
{
    uint32_t places[MAX_SORTED];
    if (k == 0)
        return;
    sort_family(s, family_slots, places, MAX_SORTED, infos);
    uint32_t n = 0, kept = 0;
    for (uint32_t i = 0; i < s->n_order; i++) {
        sl_slot slot = s->order[i];
        if (in_set(family_slots, slot) && kept++ >= k) {
            s->matched[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
            drop_conf(s, slot);
            continue;
        }
        s->order[n++] = slot;
    }
    s->n_order = n;
}
