/*
 * Edits that make a body fit the model it was routed to: its name there, usage in streams, and the
 * reasoning switch in the spelling of the backend. Each touches only the bytes it must.
 */
#include "dialect/openai/chat.h"

static const sl_str effort_key = SL_STR_INIT("reasoning_effort");
static const sl_str kwargs_key = SL_STR_INIT("chat_template_kwargs");
static const sl_str options_key = SL_STR_INIT("stream_options");
static const sl_str usage_key = SL_STR_INIT("include_usage");

/* Sets <outer>.<key> of the body, making the outer object when there is none. */
static enum sl_rc set_inner(struct sl_rewrite *r, sl_str outer, sl_str key, sl_str value)
{
    if (!value.p)
        return SL_NOMEM;
    sl_json_ref object = sl_json_get(r->body, 0, outer);
    if (object != SL_JSON_NONE && sl_json_type(r->body, object) == SL_JSON_OBJECT)
        return sl_splice_set(r->edits, object, key, value);
    sl_str name = sl_rewrite_quote(r, key);
    if (!name.p)
        return SL_NOMEM;
    sl_str whole = sl_arena_printf(r->arena, "{%.*s:%.*s}", SL_FMT(name), SL_FMT(value));
    return whole.p ? sl_splice_set(r->edits, 0, outer, whole) : SL_NOMEM;
}

static enum sl_rc set_top(struct sl_rewrite *r, sl_str key, sl_str value)
{
    return value.p ? sl_splice_set(r->edits, 0, key, value) : SL_NOMEM;
}

static enum sl_rc remove_top(struct sl_rewrite *r, sl_str key)
{
    return sl_splice_remove(r->edits, 0, key);
}

/* Removes chat_template_kwargs.<key>, and the object when that was all it held. */
static enum sl_rc remove_kwarg(struct sl_rewrite *r, sl_str key)
{
    sl_json_ref kwargs = sl_json_get(r->body, 0, kwargs_key);
    if (sl_json_get(r->body, kwargs, key) == SL_JSON_NONE)
        return SL_OK;
    if (sl_json_count(r->body, kwargs) == 1)
        return remove_top(r, kwargs_key);
    return sl_splice_remove(r->edits, kwargs, key);
}

/* ---- model and stream options ------------------------------------------------------------ */

static enum sl_rc rewrite_model(struct sl_rewrite *r, const struct sl_chat_request *request,
                                const struct sl_verdict *verdict,
                                const struct sl_backend_cfg *backend)
{
    sl_str id = verdict->model_name;
    bool is_lora = verdict->model && !sl_str_eq(id, verdict->model->name);
    if (!is_lora && backend && backend->model_id.n)
        id = backend->model_id;
    if (!id.n || sl_str_eq(id, request->model))
        return SL_OK;
    sl_str value = sl_rewrite_quote(r, id);
    return value.p ? sl_splice_replace(r->edits, request->model_ref, value) : SL_NOMEM;
}

bool sl_chat_adds_usage(const struct sl_chat_request *request, const struct sl_verdict *verdict)
{
    return verdict->status == SL_ROUTED && request->is_stream && !request->wants_usage;
}

/* ---- reasoning --------------------------------------------------------------------------- */

static bool is_top_level_dialect(enum sl_backend_dialect dialect)
{
    return dialect == SL_DIALECT_OPENAI || dialect == SL_DIALECT_DEEPSEEK ||
           dialect == SL_DIALECT_OPENROUTER;
}

static enum sl_rc rewrite_deepseek(struct sl_rewrite *r, bool is_on, sl_str effort)
{
    enum sl_rc rc = remove_top(r, kwargs_key);
    if (!rc)
        rc = set_top(r, SL_STR("thinking"),
                     is_on ? SL_STR("{\"type\":\"enabled\"}") : SL_STR("{\"type\":\"disabled\"}"));
    if (!rc)
        rc = is_on ? set_top(r, effort_key, effort) : remove_top(r, effort_key);
    return rc;
}

/* The effort that a client sent at top level, as JSON; "low" when it sent none. */
static sl_str client_effort(const struct sl_json *body)
{
    sl_json_ref sent = sl_json_get(body, 0, effort_key);
    if (sent != SL_JSON_NONE && sl_json_type(body, sent) == SL_JSON_STRING)
        return sl_json_raw(body, sent);
    return SL_STR("\"low\"");
}

/* Family reasoning_effort: at top level, or among the template's arguments. */
static enum sl_rc rewrite_effort(struct sl_rewrite *r, sl_str parameter, bool is_on, sl_str effort,
                                 enum sl_backend_dialect dialect)
{
    enum sl_rc rc = SL_OK;
    if (is_top_level_dialect(dialect)) {
        if (!is_on) /* the client's own value stays where it is */
            return SL_OK;
        if (!sl_str_eq(parameter, effort_key))
            rc = remove_top(r, effort_key);
        return rc ? rc : set_top(r, parameter, effort);
    }
    rc = remove_top(r, effort_key);
    return rc ? rc : set_inner(r, kwargs_key, parameter, is_on ? effort : client_effort(r->body));
}

static enum sl_rc rewrite_reasoning(struct sl_rewrite *r, const struct sl_config *config,
                                    const struct sl_verdict *verdict,
                                    const struct sl_backend_cfg *backend)
{
    const struct sl_model_cfg *model = verdict->model;
    if (!verdict->has_reasoning || !model || model->reasoning_family >= config->n_families)
        return SL_OK;
    const struct sl_reasoning_family *family = &config->families[model->reasoning_family];
    enum sl_backend_dialect dialect = backend ? backend->dialect : SL_DIALECT_VLLM;
    bool is_on = verdict->use_reasoning;
    sl_str effort =
        sl_rewrite_quote(r, verdict->effort.n ? verdict->effort : config->default_effort);
    if (!effort.p)
        return SL_NOMEM;
    if (dialect == SL_DIALECT_DEEPSEEK)
        r->reasoning_param = SL_STR("thinking");
    else if (is_on || (family->type != SL_REASONING_TOP_LEVEL &&
                       !(family->type == SL_REASONING_EFFORT && is_top_level_dialect(dialect))))
        r->reasoning_param = family->parameter;
    if (dialect == SL_DIALECT_DEEPSEEK)
        return rewrite_deepseek(r, is_on, effort);
    enum sl_rc rc = SL_OK;
    switch ((enum sl_reasoning_type)family->type) {
    case SL_REASONING_TEMPLATE_KWARGS:
        rc = remove_top(r, effort_key);
        return rc ? rc
                  : set_inner(r, kwargs_key, family->parameter,
                              is_on ? SL_STR("true") : SL_STR("false"));
    case SL_REASONING_EFFORT:
        return rewrite_effort(r, family->parameter, is_on, effort, dialect);
    case SL_REASONING_TOP_LEVEL:
        rc = remove_kwarg(r, family->parameter);
        return rc || !is_on ? rc : set_top(r, family->parameter, effort);
    }
    return SL_OK;
}

enum sl_rc sl_chat_rewrite(struct sl_rewrite *r, const struct sl_chat_request *request,
                           const struct sl_config *config, const struct sl_verdict *verdict,
                           const struct sl_backend_cfg *backend)
{
    enum sl_rc rc = rewrite_model(r, request, verdict, backend);
    if (!rc && sl_chat_adds_usage(request, verdict))
        rc = set_inner(r, options_key, usage_key, SL_STR("true"));
    return rc ? rc : rewrite_reasoning(r, config, verdict, backend);
}
