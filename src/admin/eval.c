/* The eval answer, see eval.h: one request routed with every rule evaluated, and told as JSON. */
#include "admin/eval.h"

#include "admin/envelope.h"
#include "admin/eval_parts.h"
#include "codec/json.h"
#include "dialect/openai/chat.h"
#include "route/infer.h"
#include "route/trace.h"

#include <stdio.h>

#define MAX_LEAVES 4096 /* slots listed in used_signals */

struct sl_eval {
    const struct sl_config *config;
    struct sl_eval_options options;
    struct sl_arena *arena;
    struct sl_json body;
    sl_str model; /* as requested; may be empty */
    struct sl_facts facts;
    bool wants_trace;
    struct sl_trace trace;
    struct sl_infer infer;
    struct sl_route_options route_options;
    struct sl_verdict verdict;
};

static int fail(const struct sl_eval_options *options, struct sl_buf *out, int status,
                const char *code, const char *message)
{
    sl_admin_error(out, options->unix_s, code, message);
    return status;
}

/* ---- parts of the answer ------------------------------------------------------------------ */

static bool has_bit(const uint64_t *bits, sl_slot slot)
{
    return bits[slot >> 6] >> (slot & 63) & 1;
}

static const struct sl_slot_info *info_of(const struct sl_eval *e, sl_slot slot)
{
    return sl_policy_slot(e->config, e->verdict.recipe, slot);
}

static const char *key_of(const struct sl_slot_info *info)
{
    if (!info->signal)
        return info->type.n == 10 && info->type.p[0] == 'p' ? "projection" : NULL;
    return info->signal->matched_key;
}

/* {"keywords": ["a", "b"], "structure": ["c"]}: names of slots by family, in their order. */
static void put_names(struct sl_json_writer *w, const char *key, const struct sl_eval *e,
                      const sl_slot *slots, uint32_t n)
{
    bool *is_done = SL_NEW_ARRAY(e->arena, bool, n);
    sl_json_key(w, sl_str_from(key));
    sl_json_open(w, '{');
    for (uint32_t i = 0; is_done && i < n; i++) {
        const char *family = key_of(info_of(e, slots[i]));
        if (is_done[i] || !family)
            continue;
        sl_json_key(w, sl_str_from(family));
        sl_json_open(w, '[');
        for (uint32_t k = i; k < n; k++) {
            const struct sl_slot_info *info = info_of(e, slots[k]);
            const char *other = key_of(info);
            if (is_done[k] || !other || strcmp(other, family) != 0)
                continue;
            is_done[k] = true;
            sl_json_put_str(w, info->name);
        }
        sl_json_close(w, ']');
    }
    sl_json_close(w, '}');
}

static void put_signals(struct sl_json_writer *w, const struct sl_eval *e)
{
    const struct sl_verdict *v = &e->verdict;
    sl_slot *used = SL_NEW_ARRAY(e->arena, sl_slot, 2 * (size_t)MAX_LEAVES);
    uint32_t n_unmatched = 0;
    if (!used)
        return;
    uint32_t n = sl_policy_leaves(e->config, v->recipe, v->decision, used, MAX_LEAVES);
    for (uint32_t i = 0; i < n; i++)
        if (!v->slots.n_slots || !sl_slot_is_matched(&v->slots, used[i]))
            used[MAX_LEAVES + n_unmatched++] = used[i];
    put_names(w, "used_signals", e, used, n);
    put_names(w, "matched_signals", e, v->slots.order, v->slots.n_order);
    put_names(w, "unmatched_signals", e, used + MAX_LEAVES, n_unmatched);
}

static void put_decision(struct sl_json_writer *w, const struct sl_eval *e)
{
    const struct sl_decision_cfg *d = e->verdict.decision;
    sl_json_key(w, SL_STR("decision_result"));
    sl_json_open(w, '{');
    sl_json_add_str(w, "decision_name", d ? d->name : SL_STR(""));
    sl_json_add_str(w, "algorithm",
                    d && d->algorithm ? sl_str_from(d->algorithm->name) : SL_STR("static"));
    if (d && d->n_plugins) {
        sl_json_key(w, SL_STR("plugins"));
        sl_json_open(w, '[');
        for (uint32_t i = 0; i < d->n_plugins; i++)
            sl_json_put_str(w, sl_str_from(d->plugins[i].feature->name));
        sl_json_close(w, ']');
    }
    if (d) {
        sl_json_key(w, SL_STR("confidence"));
        sl_json_put_f64(w, e->verdict.confidence);
        sl_json_key(w, SL_STR("matched_rules"));
        sl_json_open(w, '[');
        for (uint32_t i = 0; i < e->verdict.n_matched_rules; i++)
            sl_json_put_str(w, e->verdict.matched_rules[i]);
        sl_json_close(w, ']');
    }
    put_signals(w, e);
    sl_json_close(w, '}');
}

static void put_selection(struct sl_json_writer *w, const struct sl_eval *e)
{
    const struct sl_verdict *v = &e->verdict;
    if (!v->decision || !v->decision->n_refs)
        return;
    sl_json_key(w, SL_STR("recommended_models"));
    sl_json_open(w, '[');
    for (uint32_t i = 0; i < v->decision->n_refs; i++) {
        const struct sl_model_ref *ref = &v->decision->refs[i];
        sl_json_put_str(w, ref->lora_name.n ? ref->lora_name : ref->name);
    }
    sl_json_close(w, ']');
    sl_json_add_str(w, "selected_model", v->model_name);
    sl_json_add_str(w, "selection_status",
                    v->fallback_reason ? SL_STR("fallback") : SL_STR("selected"));
    sl_json_add_str(w, "selection_method", sl_str_from(v->method));
    if (v->fallback_reason)
        sl_json_add_str(w, "selection_reason", sl_str_from(v->fallback_reason));
    else if (!strcmp(v->method, "single"))
        sl_json_add_str(w, "selection_reason", SL_STR("single candidate"));
    sl_json_add_str(w, "routing_decision", v->decision->name);
}

/* {"type:name": number} over the slots of a bit set. */
static void put_numbers(struct sl_json_writer *w, const char *key, const struct sl_eval *e,
                        const uint64_t *has, const double *values)
{
    bool any = false;
    for (sl_slot i = 0; i < e->verdict.slots.n_slots; i++) {
        if (!has_bit(has, i))
            continue;
        if (!any) {
            sl_json_key(w, sl_str_from(key));
            sl_json_open(w, '{');
            any = true;
        }
        sl_json_key(w, info_of(e, i)->full);
        sl_json_put_f64(w, values[i]);
    }
    if (any)
        sl_json_close(w, '}');
}

static void put_errors(struct sl_json_writer *w, const struct sl_eval *e)
{
    const struct sl_slots *s = &e->verdict.slots;
    bool any = false;
    for (sl_slot i = 0; i < s->n_slots; i++) {
        if (!has_bit(s->has_error, i))
            continue;
        if (!any) {
            sl_json_key(w, SL_STR("signal_errors"));
            sl_json_open(w, '{');
            any = true;
        }
        sl_json_add_str(w, info_of(e, i)->full.p, SL_STR("classifier_evaluation_failed"));
    }
    if (any)
        sl_json_close(w, '}');
}

/* Best confidence among a family's matches; 0 without any. */
static double best_confidence(const struct sl_eval *e, const struct sl_signal_type *type)
{
    const struct sl_slots *s = &e->verdict.slots;
    double best = 0;
    for (uint32_t i = 0; i < s->n_order; i++)
        if (info_of(e, s->order[i])->signal == type && s->conf[s->order[i]] > best)
            best = s->conf[s->order[i]];
    return best;
}

static void put_metrics(struct sl_json_writer *w, const struct sl_eval *e)
{
    sl_json_key(w, SL_STR("metrics"));
    sl_json_open(w, '{');
    for (uint32_t i = 0; i < e->trace.n_signals; i++) {
        const struct sl_trace_signal *t = &e->trace.signals[i];
        if (!t->was_run)
            continue;
        sl_json_key(w, sl_str_from(t->type->feature.name));
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("execution_time_ms"));
        sl_json_put_f64(w, (double)t->cost_ns / 1e6);
        sl_json_key(w, SL_STR("confidence"));
        sl_json_put_f64(w, best_confidence(e, t->type));
        sl_json_close(w, '}');
    }
    sl_json_close(w, '}');
}

static void write_answer(struct sl_buf *out, const struct sl_eval *e)
{
    const struct sl_verdict *v = &e->verdict;
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_add_str(&w, "original_text", e->facts.eval);
    if (e->model.n)
        sl_json_add_str(&w, "requested_model", e->model);
    sl_json_add_str(&w, "recipe", v->recipe->name);
    put_decision(&w, e);
    if (e->wants_trace) {
        sl_json_key(&w, SL_STR("eval_trace"));
        sl_eval_write_trace(&w, &e->trace, e->config, v->recipe);
    }
    put_selection(&w, e);
    put_metrics(&w, e);
    if (v->slots.n_slots) {
        put_numbers(&w, "signal_confidences", e, v->slots.has_conf, v->slots.conf);
        put_numbers(&w, "signal_values", e, v->slots.has_value, v->slots.value);
        put_errors(&w, e);
    }
    sl_json_close(&w, '}');
}

/* ---- the request -------------------------------------------------------------------------- */

static bool asks_for_trace(const struct sl_json *body)
{
    bool wants = false;
    sl_json_ref options = sl_json_get(body, 0, SL_STR("options"));
    return sl_json_bool(body, sl_json_get(body, options, SL_STR("trace")), &wants) && wants;
}

/* The name that stands for the default recipe when the request names none. */
static sl_str default_name(const struct sl_config *config)
{
    for (uint32_t i = 0; i < config->n_names; i++)
        if (config->names[i].kind == SL_NAME_AUTO)
            return config->names[i].name;
    return SL_STR("auto");
}

/* Behind sl_route or sl_route_resume, which said rc. */
static int conclude(struct sl_eval *e, enum sl_rc rc, struct sl_buf *out)
{
    if (rc == SL_AGAIN)
        return 0;
    if (rc != SL_OK)
        return fail(&e->options, out, 500, "CLASSIFICATION_ERROR",
                    "out of memory for this request");
    if (e->verdict.status == SL_ROUTE_REFUSED)
        return fail(&e->options, out, 500, "CLASSIFICATION_ERROR", e->verdict.error);
    size_t length = out->n;
    write_answer(out, e);
    if (sl_buf_rc(out) == SL_OK)
        return 200;
    out->n = length;
    out->is_full = false;
    return fail(&e->options, out, 500, "JSON_ENCODE_ERROR", "failed to encode response");
}

static sl_str routed_name(const struct sl_eval *e)
{
    return e->model.n ? e->model : default_name(e->config);
}

static int route(struct sl_eval *e, struct sl_scratch *scratch, struct sl_buf *out)
{
    char message[320];
    sl_str model = routed_name(e);
    if (!sl_config_name(e->config, model)) {
        snprintf(message, sizeof(message), "unknown routing model \"%.*s\"",
                 (int)(model.n > 256 ? 256 : model.n), model.p);
        return fail(&e->options, out, 400, "INVALID_ROUTING_MODEL", message);
    }
    e->facts.user_id = e->options.user_id;
    e->facts.groups = e->options.groups;
    e->facts.n_groups = e->options.n_groups;
    e->trace = (struct sl_trace){
        .arena = e->arena, .now_ns = e->options.now_ns, .is_brief = !e->wants_trace};
    sl_infer_init(&e->infer, e->arena, SL_INFER_MAX_ASKS);
    e->route_options = (struct sl_route_options){.evaluates_all = true,
                                                 .random = e->options.random,
                                                 .now_ns = e->options.now_ns,
                                                 .trace = &e->trace,
                                                 .infer = e->options.can_ask ? &e->infer : NULL};
    return conclude(
        e, sl_route(e->config, model, &e->facts, &e->route_options, scratch, e->arena, &e->verdict),
        out);
}

struct sl_infer *sl_eval_asks(struct sl_eval *e)
{
    return &e->infer;
}

int sl_eval_resume(struct sl_eval *e, struct sl_scratch *scratch, struct sl_buf *out)
{
    return conclude(e, sl_route_resume(e->config, routed_name(e), scratch, &e->verdict), out);
}

int sl_eval_start(struct sl_eval **out_e, const struct sl_config *config, sl_str body,
                  const struct sl_eval_options *options, struct sl_scratch *scratch,
                  struct sl_arena *arena, struct sl_buf *out)
{
    struct sl_eval *e = *out_e = SL_NEW(arena, struct sl_eval);
    struct sl_err err = {0};
    char message[320];
    if (!e)
        return fail(options, out, 500, "CLASSIFICATION_ERROR", "out of memory for this request");
    *e = (struct sl_eval){.config = config, .options = *options, .arena = arena};
    enum sl_rc rc = sl_json_parse(&e->body, arena, body, NULL, &err);
    if (rc != SL_OK) {
        snprintf(message, sizeof(message), "failed to parse JSON: %s", err.message);
        return fail(options, out, 400, "INVALID_INPUT", message);
    }
    rc = sl_eval_facts(&e->body, arena, &e->facts, &err);
    if (rc == SL_NOMEM)
        return fail(options, out, 500, "CLASSIFICATION_ERROR", "out of memory for this request");
    if (rc != SL_OK)
        return fail(options, out, 400, "INVALID_INPUT", err.message);
    e->model = sl_str_trim(sl_json_str(&e->body, sl_json_get(&e->body, 0, SL_STR("model")), arena));
    e->wants_trace = options->wants_trace || asks_for_trace(&e->body);
    return route(e, scratch, out);
}
