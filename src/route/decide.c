/*
 * The decision engine, see decide.h. Matching runs jump code over bit sets; confidences are
 * computed from the preorder nodes, last to first, only for decisions that match. What may still
 * change is found by the same walk over three-valued bits with confidence intervals; every
 * operation on them is monotone, in floating point too, so an interval always holds the value
 * that full evaluation would find.
 */
#include "route/decide.h"

#include "route/predicate.h"

#include <math.h>
#include <stdlib.h>

static inline bool bit_at(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static inline void set_bit(uint64_t *bits, uint32_t i)
{
    bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

enum sl_rc sl_decide_memory_fit(struct sl_decide_memory *m, const struct sl_program *p)
{
    if (m->cap_nodes < p->max_nodes) {
        void *bigger = realloc(m->nodes, p->max_nodes * sizeof(*m->nodes));
        if (!bigger)
            return SL_NOMEM;
        m->nodes = bigger;
        m->cap_nodes = p->max_nodes;
    }
    if (m->cap_roots < p->n_decisions) {
        void *bigger = realloc(m->roots, p->n_decisions * sizeof(*m->roots));
        if (!bigger)
            return SL_NOMEM;
        m->roots = bigger;
        m->cap_roots = p->n_decisions;
    }
    return SL_OK;
}

void sl_decide_memory_free(struct sl_decide_memory *m)
{
    free(m->nodes);
    free(m->roots);
    *m = (struct sl_decide_memory){0};
}

/* ---- derived facts ------------------------------------------------------------------------ */

static bool derived_holds(const struct sl_derived *d, const struct sl_slots *s)
{
    if (d->kind == SL_DERIVED_ALIAS) {
        if (bit_at(s->matched, d->slot))
            return true;
        for (uint32_t i = 0; i < d->n_aliases; i++)
            if (bit_at(s->matched, d->aliases[i]))
                return true;
        return false;
    }
    if (bit_at(s->has_value, d->slot))
        return sl_predicate_holds(&d->bounds, s->value[d->slot]);
    if (bit_at(s->has_conf, d->slot))
        return sl_predicate_holds(&d->bounds, s->conf[d->slot]);
    return d->is_match_on_error && bit_at(s->has_error, d->error_slot);
}

void sl_program_derive(const struct sl_program *p, struct sl_slots *s)
{
    for (uint32_t w = p->first_derived / 64; w < p->n_words; w++)
        s->matched[w] = 0;
    for (uint32_t i = 0; i < p->n_derived; i++)
        if (derived_holds(&p->derived[i], s))
            set_bit(s->matched, p->first_derived + i);
}

/* ---- matching ----------------------------------------------------------------------------- */

static inline bool test_matches(const struct sl_program *p, uint32_t at, const uint64_t *bits)
{
    while (at < SL_REJECT) {
        const struct sl_test *t = &p->tests[at];
        at = ((bits[t->word] ^ t->flip) & t->mask) == t->mask ? t->yes : t->no;
    }
    return at == SL_ACCEPT;
}

static inline double flat_confidence(const struct sl_prog_node *nodes, const struct sl_slots *s)
{
    uint32_t n = nodes[0].n_children;
    if (nodes[0].op == SL_PROG_LEAF)
        return s->conf[nodes[0].conf];
    if (nodes[0].op == SL_PROG_AND) {
        double sum = 0;
        for (uint32_t i = 1; i <= n; i++)
            sum += s->conf[nodes[i].conf];
        return sum / n;
    }
    double best = -INFINITY;
    for (uint32_t i = 1; i <= n; i++)
        if (bit_at(s->matched, nodes[i].bit) && s->conf[nodes[i].conf] > best)
            best = s->conf[nodes[i].conf];
    return best;
}

/* ---- node states -------------------------------------------------------------------------- */

static void leaf_state(const struct sl_prog_node *node, const struct sl_slots *s,
                       const uint64_t *unknown, struct sl_node_state *out)
{
    if (unknown && bit_at(unknown, node->bit)) {
        *out = (struct sl_node_state){.lo = -1, .hi = node->max_conf, .may = true};
        return;
    }
    bool matched = bit_at(s->matched, node->bit);
    double conf = s->conf[node->conf];
    *out = (struct sl_node_state){.lo = conf, .hi = conf, .may = matched, .must = matched};
}

static void and_state(const struct sl_prog_node *nodes, struct sl_node_state *states, uint32_t i)
{
    struct sl_node_state out = {.may = true, .must = true};
    uint32_t n = nodes[i].n_children;
    for (uint32_t k = 0, c = i + 1; k < n; k++, c += nodes[c].n_nodes) {
        out.may &= states[c].may;
        out.must &= states[c].must;
        out.lo += states[c].lo;
        out.hi += states[c].hi;
    }
    if (n) {
        out.lo /= n;
        out.hi /= n;
    }
    states[i] = out;
}

static void or_state(const struct sl_prog_node *nodes, struct sl_node_state *states, uint32_t i)
{
    struct sl_node_state out = {0};
    double least = INFINITY, surest = -INFINITY;
    for (uint32_t k = 0, c = i + 1; k < nodes[i].n_children; k++, c += nodes[c].n_nodes) {
        if (!states[c].may)
            continue;
        if (!out.may || states[c].hi > out.hi)
            out.hi = states[c].hi;
        out.may = true;
        out.must |= states[c].must;
        if (states[c].lo < least)
            least = states[c].lo;
        if (states[c].must && states[c].lo > surest)
            surest = states[c].lo;
    }
    out.lo = out.must ? surest : out.may ? least : 0;
    states[i] = out;
}

void sl_program_states(const struct sl_program *p, const struct sl_prog_decision *d,
                       const struct sl_slots *s, const uint64_t *unknown,
                       struct sl_decide_memory *m)
{
    const struct sl_prog_node *nodes = p->nodes + d->first_node;
    struct sl_node_state *states = m->nodes;
    for (uint32_t i = d->n_nodes; i-- > 0;) {
        switch ((enum sl_prog_op)nodes[i].op) {
        case SL_PROG_LEAF:
            leaf_state(&nodes[i], s, unknown, &states[i]);
            break;
        case SL_PROG_AND:
            and_state(nodes, states, i);
            break;
        case SL_PROG_OR:
            or_state(nodes, states, i);
            break;
        case SL_PROG_NOT:
            states[i] = (struct sl_node_state){
                .lo = 1, .hi = 1, .may = !states[i + 1].must, .must = !states[i + 1].may};
            break;
        case SL_PROG_NEVER:
            states[i] = (struct sl_node_state){0};
            break;
        case SL_PROG_FALLBACK:
            states[i] = (struct sl_node_state){.may = true, .must = true};
            break;
        }
    }
}

/* ---- the winner --------------------------------------------------------------------------- */

static inline double confidence_of(const struct sl_program *p, const struct sl_prog_decision *d,
                                   const struct sl_slots *s, struct sl_decide_memory *m)
{
    if (SL_LIKELY(d->is_flat))
        return flat_confidence(p->nodes + d->first_node, s);
    sl_program_states(p, d, s, NULL, m);
    return m->nodes[0].lo;
}

struct candidate {
    const struct sl_prog_decision *d;
    double conf;
};

enum order { BY_PRIORITY, BY_CONFIDENCE, BY_TIER };

/* Whether a comes before b; names are distinct, so this is a total order. */
static inline bool is_before(enum order order, struct candidate a, struct candidate b)
{
    if (order == BY_TIER && a.d->tier != b.d->tier)
        return a.d->tier < b.d->tier;
    if (order == BY_PRIORITY && a.d->priority != b.d->priority)
        return a.d->priority > b.d->priority;
    if (a.conf != b.conf)
        return a.conf > b.conf;
    if (a.d->priority != b.d->priority)
        return a.d->priority > b.d->priority;
    return a.d->name_rank < b.d->name_rank;
}

static inline void take_better(enum order order, struct candidate *best, struct candidate c)
{
    if (!best->d || is_before(order, c, *best))
        *best = c;
}

const struct sl_prog_decision *sl_program_decide(const struct sl_program *p,
                                                 const struct sl_slots *s,
                                                 struct sl_decide_memory *m, bool is_full,
                                                 double *confidence)
{
    enum order order = p->strategy == SL_STRATEGY_CONFIDENCE ? BY_CONFIDENCE : BY_PRIORITY;
    bool can_stop = order == BY_PRIORITY && !p->has_tiers && !is_full;
    struct candidate best = {0}, best_tiered = {0};
    bool is_tiered = false;
    for (uint32_t i = 0; i < p->n_decisions; i++) {
        const struct sl_prog_decision *d = &p->decisions[i];
        if (can_stop && best.d && d->priority < best.d->priority)
            break;
        if (!test_matches(p, d->first_test, s->matched))
            continue;
        struct candidate c = {d, confidence_of(p, d, s, m)};
        take_better(order, &best, c);
        if (p->has_tiers) {
            is_tiered |= d->tier > 0;
            take_better(BY_TIER, &best_tiered, c);
        }
    }
    if (is_tiered)
        best = best_tiered;
    *confidence = best.d ? best.conf : 0;
    return best.d;
}

/* ---- matched rules ------------------------------------------------------------------------ */

enum need { NEED_NOTHING, NEED_MATCH, NEED_ALL };

/* The first child with the highest confidence among those that match. */
static uint32_t winning_child(const struct sl_prog_node *nodes, const struct sl_node_state *states,
                              uint32_t i)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t k = 0, c = i + 1; k < nodes[i].n_children; k++, c += nodes[c].n_nodes)
        if (states[c].must && (best == UINT32_MAX || states[c].lo > states[best].lo))
            best = c;
    return best;
}

uint32_t sl_program_rules(const struct sl_program *p, const struct sl_prog_decision *d,
                          const struct sl_slots *s, struct sl_decide_memory *m, sl_str *out)
{
    const struct sl_prog_node *nodes = p->nodes + d->first_node;
    struct sl_node_state *states = m->nodes;
    sl_program_states(p, d, s, NULL, m); /* leaves every need at NEED_NOTHING */
    states[0].need = NEED_ALL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->n_nodes; i++) {
        if (states[i].need == NEED_NOTHING)
            continue;
        if (nodes[i].op == SL_PROG_LEAF)
            out[n++] = nodes[i].rule;
        uint32_t only = nodes[i].op == SL_PROG_OR ? winning_child(nodes, states, i) : 0;
        if (nodes[i].op != SL_PROG_AND && nodes[i].op != SL_PROG_OR)
            continue;
        for (uint32_t k = 0, c = i + 1; k < nodes[i].n_children; k++, c += nodes[c].n_nodes)
            if (nodes[i].op == SL_PROG_AND || c == only)
                states[c].need = NEED_ALL;
    }
    return n;
}

/* ---- what is still worth knowing ---------------------------------------------------------- */

/* Whether root a comes before root b for every value of what is unknown, both matching. */
static bool is_surely_before(enum order order, const struct sl_prog_decision *a,
                             const struct sl_node_state *sa, const struct sl_prog_decision *b,
                             const struct sl_node_state *sb)
{
    if (order == BY_TIER && a->tier != b->tier)
        return a->tier < b->tier;
    if (order == BY_PRIORITY && a->priority != b->priority)
        return a->priority > b->priority;
    if (sa->lo > sb->hi)
        return true;
    if (!(sa->lo >= sb->hi))
        return false;
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->name_rank < b->name_rank;
}

struct modes { /* orders that can still apply */
    enum order orders[2];
    struct {
        const struct sl_prog_decision *d;
        const struct sl_node_state *state;
    } champion[2]; /* surest decision that matches whatever comes; NULL: none */
    uint32_t n;
};

static void find_modes(const struct sl_program *p, const struct sl_node_state *roots,
                       struct modes *modes)
{
    bool may_tier = false, must_tier = false;
    for (uint32_t i = 0; p->has_tiers && i < p->n_decisions; i++) {
        may_tier |= p->decisions[i].tier > 0 && roots[i].may;
        must_tier |= p->decisions[i].tier > 0 && roots[i].must;
    }
    *modes = (struct modes){.n = 0};
    if (!must_tier)
        modes->orders[modes->n++] =
            p->strategy == SL_STRATEGY_CONFIDENCE ? BY_CONFIDENCE : BY_PRIORITY;
    if (may_tier)
        modes->orders[modes->n++] = BY_TIER;
    for (uint32_t k = 0; k < modes->n; k++)
        for (uint32_t i = 0; i < p->n_decisions; i++)
            if (roots[i].must &&
                (!modes->champion[k].d ||
                 is_surely_before(modes->orders[k], &p->decisions[i], &roots[i],
                                  modes->champion[k].d, modes->champion[k].state))) {
                modes->champion[k].d = &p->decisions[i];
                modes->champion[k].state = &roots[i];
            }
}

/* A decision that can be neither the winner nor what switches to tiers. */
static bool is_out(const struct modes *modes, const struct sl_prog_decision *d,
                   const struct sl_node_state *root)
{
    if (!root->may)
        return true;
    if (modes->n > 1 && d->tier > 0)
        return false;
    for (uint32_t k = 0; k < modes->n; k++)
        if (!modes->champion[k].d || modes->champion[k].d == d ||
            !is_surely_before(modes->orders[k], modes->champion[k].d, modes->champion[k].state, d,
                              root))
            return false;
    return true;
}

/* Children of an OR that can neither win nor tie in front of a child that surely matches. */
static void need_of_or(const struct sl_prog_node *nodes, struct sl_node_state *states, uint32_t i)
{
    double before = -INFINITY, best = -INFINITY;
    uint32_t n = nodes[i].n_children;
    for (uint32_t k = 0, c = i + 1; k < n; k++, c += nodes[c].n_nodes)
        if (states[c].must && states[c].lo > best)
            best = states[c].lo;
    for (uint32_t k = 0, c = i + 1; k < n; k++, c += nodes[c].n_nodes) {
        bool loses = states[c].hi <= before || states[c].hi < best;
        states[c].need = loses ? NEED_NOTHING : NEED_ALL;
        if (states[c].must && states[c].lo > before)
            before = states[c].lo;
    }
}

static bool want_in(const struct sl_program *p, const struct sl_prog_decision *d,
                    const uint64_t *unknown, struct sl_decide_memory *m, uint64_t *wanted)
{
    const struct sl_prog_node *nodes = p->nodes + d->first_node;
    struct sl_node_state *states = m->nodes;
    bool any = false;
    states[0].need = NEED_ALL;
    for (uint32_t i = 0; i < d->n_nodes; i++) {
        uint8_t need = states[i].need;
        if (need == NEED_NOTHING || !states[i].may || (need == NEED_MATCH && states[i].must))
            continue;
        if (nodes[i].op == SL_PROG_LEAF && bit_at(unknown, nodes[i].bit)) {
            set_bit(wanted, nodes[i].bit);
            any = true;
        }
        if (nodes[i].op == SL_PROG_OR && need == NEED_ALL) {
            need_of_or(nodes, states, i);
            continue;
        }
        if (nodes[i].op == SL_PROG_NOT) {
            need = states[i].must ? NEED_NOTHING : NEED_MATCH;
            states[i + 1].need = need;
            continue;
        }
        for (uint32_t k = 0, c = i + 1; k < nodes[i].n_children; k++, c += nodes[c].n_nodes)
            states[c].need = need;
    }
    return any;
}

bool sl_program_wanted(const struct sl_program *p, const struct sl_slots *s,
                       const uint64_t *unknown, struct sl_decide_memory *m, uint64_t *wanted)
{
    struct modes modes;
    bool any = false;
    memset(wanted, 0, p->n_words * sizeof(*wanted));
    for (uint32_t i = 0; i < p->n_decisions; i++) {
        sl_program_states(p, &p->decisions[i], s, unknown, m);
        m->roots[i] = m->nodes[0];
    }
    find_modes(p, m->roots, &modes);
    for (uint32_t i = 0; i < p->n_decisions; i++) {
        const struct sl_prog_decision *d = &p->decisions[i];
        if (is_out(&modes, d, &m->roots[i]))
            continue;
        sl_program_states(p, d, s, unknown, m);
        any |= want_in(p, d, unknown, m, wanted);
    }
    return any;
}
