/*
 * The x-vsr-* headers of an answer (specification 02 section 7): the default surface, and the
 * debug surface when a client asks with x-vsr-debug: true.
 */
#include "proxy/parts.h"

#include <string.h>

struct writer {
    struct sl_headers *out;
    struct sl_arena *arena;
    enum sl_rc rc;
};

static void put(struct writer *w, const char *name, sl_str value)
{
    if (w->rc == SL_OK && value.n)
        w->rc = sl_headers_add(w->out, w->arena, sl_str_from(name), value);
}

static void put_flag(struct writer *w, const char *name, enum sl_tri value)
{
    if (value != SL_UNSET)
        put(w, name, value == SL_YES ? SL_STR("true") : SL_STR("false"));
}

/* "a,b" of the matched slots of one header, in the order they were reported, each name once. */
static sl_str matched_list(const struct sl_px *px, const char *header, uint32_t from,
                           uint64_t *done)
{
    const struct sl_verdict *v = &px->verdict;
    size_t total = 0;
    char *text = NULL;
    for (int pass = 0; pass < 2; pass++) {
        size_t n = 0;
        sl_str last = {NULL, 0};
        for (uint32_t i = from; i < v->slots.n_order; i++) {
            const struct sl_slot_info *info =
                sl_policy_slot(px->lane->config, v->recipe, v->slots.order[i]);
            const char *of = info->signal ? info->signal->header : "x-vsr-matched-projections";
            if (!of || strcmp(of, header) != 0)
                continue;
            if (i < 64)
                *done |= (uint64_t)1 << i;
            sl_str name = info->name;
            if (last.p && sl_str_eq(name, last))
                continue;
            if (text && n)
                text[n] = ',';
            n += n != 0;
            if (text)
                memcpy(text + n, name.p, name.n);
            n += name.n;
            last = name;
        }
        total = n;
        if (!pass && !(text = sl_arena_alloc_aligned(px->x->arena, n + 1, 1)))
            return (sl_str){NULL, 0};
    }
    return sl_str_of(text, total);
}

static void put_matched(struct writer *w, const struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    uint64_t done = 0;
    for (uint32_t i = 0; v->recipe && i < v->slots.n_order && i < 64; i++) {
        if (done >> i & 1)
            continue;
        const struct sl_slot_info *info =
            sl_policy_slot(px->lane->config, v->recipe, v->slots.order[i]);
        const char *header = info->signal ? info->signal->header : "x-vsr-matched-projections";
        if (header)
            put(w, header, matched_list(px, header, i, &done));
    }
}

static void put_category(struct writer *w, const struct sl_verdict *v)
{
    for (uint32_t i = 0; i < v->n_matched_rules; i++) {
        if (sl_str_starts(v->matched_rules[i], SL_STR("domain:"))) {
            put(w, "x-vsr-selected-category", sl_str_sub(v->matched_rules[i], 7, SIZE_MAX));
            return;
        }
    }
}

static void put_retention(struct writer *w, const struct sl_decision_cfg *d)
{
    const struct sl_retention_cfg *r = &d->retention;
    if (!r->is_present)
        return;
    put_flag(w, "x-vsr-retention-drop", r->drop);
    if (r->ttl_turns.is_set)
        put(w, "x-vsr-retention-ttl-turns",
            sl_arena_printf(w->arena, "%lld", (long long)r->ttl_turns.value));
    put_flag(w, "x-vsr-retention-keep-current-model", r->keep_current_model);
    put_flag(w, "x-vsr-retention-prefer-prefix", r->prefer_prefix_retention);
}

static void put_debug(struct writer *w, const struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    put(w, "x-vsr-client-protocol", SL_STR("openai"));
    put(w, "x-vsr-upstream-protocol", SL_STR("openai"));
    put_category(w, v);
    put(w, "x-vsr-selected-reasoning",
        v->has_reasoning && v->use_reasoning ? SL_STR("on") : SL_STR("off"));
    put(w, "x-vsr-injected-system-prompt",
        px->has_injected_system_prompt ? SL_STR("true") : SL_STR("false"));
    if (v->decision)
        put_retention(w, v->decision);
    put_matched(w, px);
    if (v->context_tok)
        put(w, "x-vsr-context-token-count",
            sl_arena_printf(w->arena, "%llu", (unsigned long long)v->context_tok));
}

static sl_str confidence_text(struct sl_arena *arena, double confidence)
{
    if (confidence == 1.0)
        return SL_STR("1.0000");
    return sl_arena_printf(arena, "%.4f", confidence);
}

static void put_selection(struct writer *w, const struct sl_px *px)
{
    const struct sl_verdict *v = &px->verdict;
    bool is_fast = strcmp(px->path, "fast_response") == 0;
    if (v->recipe)
        put(w, "x-vsr-selected-recipe", v->recipe->name);
    if (v->decision)
        put(w, "x-vsr-selected-decision", v->decision->name);
    if (is_fast) {
        put(w, "x-vsr-fast-response", SL_STR("true"));
        return;
    }
    if (v->decision) {
        put(w, "x-vsr-selected-confidence", confidence_text(w->arena, v->confidence));
        if (v->method)
            put(w, "x-vsr-selected-algorithm", sl_str_from(v->method));
    }
    put(w, "x-vsr-selected-model", v->model_name);
    if (px->wants_debug)
        put_debug(w, px);
}

enum sl_rc sl_px_answer_headers(const struct sl_px *px, int status, struct sl_headers *out)
{
    struct writer w = {out, px->x->arena, SL_OK};
    if (px->skips)
        return SL_OK;
    put(&w, "x-vsr-schema-version", SL_STR("2"));
    put(&w, "x-vsr-response-path", sl_str_from(px->path));
    if (px->lane)
        put(&w, "x-vsr-config-generation", px->lane->generation.value);
    if (px->has_verdict && status >= 200 && status < 300)
        put_selection(&w, px);
    return w.rc;
}
