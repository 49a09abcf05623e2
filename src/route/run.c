/*
 * The run plan at work, see run.h. Signals run in classes of cost. In lazy mode the decision
 * program is asked between two classes which unknown slots can still change the outcome; what
 * cannot is never computed. That a slot stays out once it was out is sound: the outcome was shown
 * to be the same for all its values.
 */
#include "route/run.h"

#include "route/window.h"

/* Asking costs about 10 ns a node: beyond this many, running cheap signals is cheaper. */
#define MAX_NODES_TO_ASK 1024

enum mode { ALL, FAMILIES, LAZY };

static enum mode mode_of(const struct sl_run *run)
{
    return run->options->evaluates_all ? ALL : run->options->needs_families ? FAMILIES : LAZY;
}

static struct sl_trace *full_trace(const struct sl_run *run)
{
    struct sl_trace *trace = run->options->trace;
    return trace && !trace->is_brief ? trace : NULL;
}

/* ---- memory ------------------------------------------------------------------------------- */

/* One block for all result arrays; conf starts at 1, what a missing entry means. */
static enum sl_rc make_slots(struct sl_run *run)
{
    uint32_t n_words = run->plan->program.n_words, n_bits = n_words * 64;
    uint32_t n_scores = run->plan->projection.n_scores;
    size_t n_u64 = 7 * (size_t)n_words + n_scores / 64 + 1;
    uint64_t *words = SL_NEW_ARRAY(run->arena, uint64_t, n_u64);
    double *numbers = sl_arena_alloc(run->arena, (2 * (size_t)n_bits + n_scores) * sizeof(double));
    sl_slot *order = sl_arena_alloc(run->arena, (size_t)n_bits * sizeof(sl_slot));
    if (!words || !numbers || !order)
        return SL_NOMEM;
    run->slots = (struct sl_slots){
        .matched = words,
        .has_conf = words + n_words,
        .has_value = words + 2 * (size_t)n_words,
        .has_error = words + 3 * (size_t)n_words,
        .conf = numbers,
        .value = numbers + n_bits,
        .order = order,
        .n_slots = run->plan->table.n,
    };
    run->unknown = words + 4 * (size_t)n_words;
    run->wanted = words + 5 * (size_t)n_words;
    run->narrowed = words + 6 * (size_t)n_words;
    run->scores_done = words + 7 * (size_t)n_words;
    run->totals = numbers + 2 * (size_t)n_bits;
    for (uint32_t i = 0; i < n_bits; i++)
        run->slots.conf[i] = 1;
    memset(run->slots.value, 0, ((size_t)n_bits + n_scores) * sizeof(double));
    return SL_OK;
}

/* ---- one family --------------------------------------------------------------------------- */

static bool is_skipped(const struct sl_strs *skipped, const char *type)
{
    for (uint32_t i = 0; i < skipped->n; i++)
        if (sl_str_eq_nocase(sl_str_trim(skipped->items[i]), sl_str_from(type)))
            return true;
    return false;
}

/* Which text this family reads; *out stays with the run. */
static enum sl_rc get_text(struct sl_run *run, const char *type, struct sl_run_text **out)
{
    const struct sl_compression_cfg *c = run->plan->compression;
    sl_str eval = run->facts->eval;
    run->whole.full = eval;
    *out = &run->whole;
    if (!c || eval.n <= c->min_bytes || is_skipped(&c->skip_signals, type))
        return SL_OK;
    *out = &run->compressed;
    if (run->compressed.is_made)
        return SL_OK;
    run->compressed.is_made = true;
    return sl_compress(eval, c->max_tok, &c->profile, run->arena, &run->compressed.full);
}

static enum sl_rc get_window(struct sl_run *run, struct sl_run_text *text)
{
    if (text->has_window)
        return SL_OK;
    text->window = sl_window(text->full, run->arena);
    text->has_window = text->window.p || !text->full.n;
    return text->has_window ? SL_OK : SL_NOMEM;
}

static enum sl_rc get_hits(struct sl_run *run, struct sl_run_text *text, sl_str read,
                           const struct sl_scan_hits **out)
{
    bool is_full = read.p == text->full.p;
    struct sl_scan_hits *hits = is_full ? &text->full_hits : &text->window_hits;
    bool *has = is_full ? &text->has_full_hits : &text->has_window_hits;
    *out = hits;
    if (*has || !run->plan->scan)
        return SL_OK;
    *has = true;
    return sl_scan_run(run->plan->scan, read, run->scratch->scan, run->arena, hits);
}

/* No engine but complexity reports more than 1; the early stop relies on it. */
static void clamp_confidences(struct sl_run *run, const struct sl_plan_family *family)
{
    if (family->type->cost != SL_COST_MODEL || !strcmp(family->type->feature.name, "complexity"))
        return;
    for (uint32_t i = 0; i < run->slots.n_slots; i++)
        if (sl_bit(family->slots, i) && run->slots.conf[i] > 1)
            run->slots.conf[i] = 1;
}

static void post_process(struct sl_run *run, const struct sl_plan_family *family)
{
    const struct sl_plan *plan = run->plan;
    for (uint32_t i = 0; i < plan->n_partitions; i++)
        if (plan->partitions[i].family == family->family)
            sl_partition_apply(&plan->partitions[i], &run->slots, full_trace(run));
    if (!strcmp(family->type->feature.name, "embedding"))
        sl_top_k(&run->slots, family->slots, plan->top_k, plan->table.infos);
}

/* Families whose rules decide among each other are evaluated whole. */
static const uint64_t *wanted_of(const struct sl_run *run, const struct sl_plan_family *family)
{
    if (mode_of(run) == ALL)
        return NULL;
    if (family->type->is_per_rule || (mode_of(run) == LAZY && family->type->cost != SL_COST_MODEL))
        return run->wanted;
    return NULL;
}

static enum sl_rc eval_family(struct sl_run *run, const struct sl_plan_family *family)
{
    struct sl_run_text *text;
    enum sl_rc rc = get_text(run, family->type->feature.name, &text);
    if (rc != SL_OK)
        return rc;
    struct sl_signal_run r = {.facts = run->facts,
                              .text = text->full,
                              .out = &run->slots,
                              .scratch = run->scratch,
                              .arena = run->arena,
                              .wanted = wanted_of(run, family),
                              .infer = run->options->infer,
                              .evidence = full_trace(run)};
    if (family->type->reads_window) {
        rc = get_window(run, text);
        r.text = text->window;
    }
    if (rc == SL_OK && family->type->cost == SL_COST_SCAN)
        rc = get_hits(run, text, r.text, &r.hits);
    if (rc != SL_OK)
        return rc;
    family->type->eval(family->state, &r);
    if (r.is_waiting)
        return SL_AGAIN;
    if (r.error && !run->error)
        run->error = r.error;
    clamp_confidences(run, family);
    return SL_OK;
}

static uint64_t now(const struct sl_run *run)
{
    const struct sl_trace *trace = run->options->trace;
    return trace && run->options->now_ns ? run->options->now_ns() : 0;
}

static enum sl_rc run_family(struct sl_run *run, uint32_t i)
{
    const struct sl_plan_family *family = &run->plan->families[i];
    uint64_t from = now(run);
    enum sl_rc rc = family->state ? eval_family(run, family) : SL_OK;
    struct sl_trace_signal *trace = run->options->trace ? &run->options->trace->signals[i] : NULL;
    if (trace)
        trace->cost_ns += now(run) - from;
    if (rc == SL_AGAIN) {
        if (!run->is_waiting)
            run->next = i;
        run->is_waiting = true;
        return SL_OK;
    }
    post_process(run, family);
    run->families_run |= (uint64_t)(family->state != NULL) << family->family;
    run->families_done |= (uint64_t)1 << family->family;
    for (uint32_t w = 0; w < run->plan->program.n_words; w++)
        run->unknown[w] &= ~family->slots[w];
    if (trace) {
        trace->was_run = family->state != NULL;
        trace->skip_reason = family->state ? NULL : "it has no model";
    }
    return rc;
}

/* ---- projections -------------------------------------------------------------------------- */

/* Of scores whose inputs have all been evaluated; `all`: of every score. */
static void compute_scores(struct sl_run *run, bool all)
{
    const struct sl_projection *p = &run->plan->projection;
    for (uint32_t i = 0; i < p->n_scores; i++) {
        const struct sl_proj_score *score = &p->scores[i];
        if (sl_bit(run->scores_done, i) || (!all && (score->families & ~run->families_done)))
            continue;
        sl_projection_eval(p, i, &run->slots, run->totals, full_trace(run));
        sl_bit_set(run->scores_done, i);
        for (uint32_t m = 0; m < score->n_mappings; m++)
            for (uint32_t k = 0; k < score->mappings[m].cfg->n_outputs; k++) {
                sl_slot slot = score->mappings[m].outputs[k];
                run->unknown[slot >> 6] &= ~((uint64_t)1 << (slot & 63));
            }
    }
}

/* ---- the early stop ----------------------------------------------------------------------- */

static void update_derived(struct sl_run *run)
{
    const struct sl_program *p = &run->plan->program;
    sl_program_derive(p, &run->slots);
    for (uint32_t i = 0; i < p->n_derived; i++) {
        const struct sl_derived *d = &p->derived[i];
        uint32_t bit = p->first_derived + i;
        bool is_unknown = sl_bit(run->unknown, d->slot);
        is_unknown |= d->kind == SL_DERIVED_PREDICATE && sl_bit(run->unknown, d->error_slot);
        for (uint32_t k = 0; k < d->n_aliases; k++)
            is_unknown |= sl_bit(run->unknown, d->aliases[k]);
        run->unknown[bit >> 6] &= ~((uint64_t)1 << (bit & 63));
        if (is_unknown)
            sl_bit_set(run->unknown, bit);
    }
}

static bool is_done(const struct sl_run *run, const struct sl_plan_family *family)
{
    return run->families_done >> family->family & 1;
}

static bool is_pending(const struct sl_run *run, const struct sl_plan_family *family)
{
    if (is_done(run, family))
        return false;
    for (uint32_t w = 0; w < run->plan->program.n_words; w++)
        if (family->slots[w] & run->wanted[w] & run->unknown[w])
            return true;
    return false;
}

/* Drops from `wanted` what can no longer change the outcome. */
static void narrow(struct sl_run *run)
{
    const struct sl_program *p = &run->plan->program;
    update_derived(run);
    sl_program_wanted(p, &run->slots, run->unknown, &run->scratch->decide, run->narrowed);
    sl_plan_close(run->plan, run->narrowed);
    for (uint32_t w = 0; w < p->n_words; w++)
        run->wanted[w] &= run->narrowed[w];
}

static bool is_worth_asking(const struct sl_run *run, uint32_t next)
{
    bool any = false;
    for (uint32_t i = next; i < run->plan->n_families; i++)
        any |= is_pending(run, &run->plan->families[i]);
    return any && (run->plan->program.n_nodes <= MAX_NODES_TO_ASK ||
                   run->plan->families[next].type->cost == SL_COST_MODEL);
}

static enum sl_rc run_lazily(struct sl_run *run)
{
    const struct sl_plan *plan = run->plan;
    for (uint32_t i = run->next; i < plan->n_families; i++) {
        const struct sl_plan_family *family = &plan->families[i];
        if (i > run->next && family->type->cost != plan->families[i - 1].type->cost) {
            compute_scores(run, false);
            if (is_worth_asking(run, i))
                narrow(run);
        }
        enum sl_rc rc = is_pending(run, family) ? run_family(run, i) : SL_OK;
        if (rc != SL_OK || run->error)
            return rc;
    }
    return SL_OK;
}

static bool should_run(const struct sl_run *run, const struct sl_plan_family *family)
{
    if (mode_of(run) == FAMILIES)
        return family->is_referenced;
    /* Identity is asked for only where a decision rests on it, or where there is one. */
    return family->is_referenced || run->facts->user_id.n ||
           strcmp(family->type->feature.name, "authz");
}

static enum sl_rc run_whole(struct sl_run *run)
{
    const struct sl_plan *plan = run->plan;
    for (uint32_t i = run->next; i < plan->n_families; i++) {
        const struct sl_plan_family *family = &plan->families[i];
        bool runs = should_run(run, family) && !is_done(run, family);
        enum sl_rc rc = runs ? run_family(run, i) : SL_OK;
        if (rc != SL_OK || run->error)
            return rc;
    }
    return SL_OK;
}

/* What rests on other signals; families that did not run have nothing to take back. */
static void finish_families(struct sl_run *run)
{
    for (uint32_t i = 0; i < run->plan->n_families; i++) {
        const struct sl_plan_family *family = &run->plan->families[i];
        if (family->state && family->type->finish && run->families_run >> family->family & 1)
            family->type->finish(family->state, &run->slots);
    }
}

/* Families without rules have nothing left to say. */
static void start_families(struct sl_run *run)
{
    run->families_done = ~(uint64_t)0;
    for (uint32_t i = 0; i < run->plan->n_families; i++)
        run->families_done &= ~((uint64_t)1 << run->plan->families[i].family);
}

static bool start_trace(struct sl_run *run)
{
    struct sl_trace *t = run->options->trace;
    const struct sl_plan *plan = run->plan;
    if (!t)
        return true;
    t->signals = SL_NEW_ARRAY(t->arena, struct sl_trace_signal, plan->n_families);
    t->scores = SL_NEW_ARRAY(t->arena, struct sl_trace_score, plan->projection.n_scores);
    t->mappings = SL_NEW_ARRAY(t->arena, struct sl_trace_mapping, plan->recipe->n_mappings);
    t->partitions = SL_NEW_ARRAY(t->arena, struct sl_trace_partition, plan->n_partitions);
    t->cap_partitions = plan->n_partitions;
    if (!t->signals || !t->scores || !t->mappings || !t->partitions)
        return false;
    t->n_signals = plan->n_families;
    for (uint32_t i = 0; i < plan->n_families; i++) {
        const struct sl_plan_family *family = &plan->families[i];
        t->signals[i].type = family->type;
        t->signals[i].skip_reason =
            family->is_referenced ? "the decision was settled" : "no decision asks for it";
    }
    return true;
}

enum sl_rc sl_run_signals(struct sl_run *run)
{
    enum sl_rc rc = make_slots(run);
    if (rc == SL_OK && !start_trace(run))
        rc = SL_NOMEM;
    if (rc != SL_OK)
        return rc;
    start_families(run);
    size_t bytes = run->plan->program.n_words * sizeof(uint64_t);
    memcpy(run->unknown, run->plan->reachable, bytes);
    memcpy(run->wanted, run->plan->reachable, bytes);
    return sl_run_resume(run);
}

enum sl_rc sl_run_resume(struct sl_run *run)
{
    run->is_waiting = false;
    enum sl_rc rc = sl_decide_memory_fit(&run->scratch->decide, &run->plan->program);
    if (rc == SL_OK)
        rc = mode_of(run) == LAZY ? run_lazily(run) : run_whole(run);
    if (rc == SL_OK && run->is_waiting)
        return SL_AGAIN;
    if (rc == SL_OK && !run->error) {
        finish_families(run);
        compute_scores(run, mode_of(run) != LAZY);
    }
    sl_program_derive(&run->plan->program, &run->slots);
    return rc;
}
