/*
 * Plugin "request_params": bounds what a client may ask of the model. It judges the client's own
 * fields; what the router set (model, stream options, reasoning) is left alone, whichever ran
 * first.
 */
#include "config/field.h"
#include "route/plugin.h"

struct request_params {
    struct sl_strs blocked;
    struct sl_opt_int max_tokens_limit;
    struct sl_opt_int max_n;
    bool strips_unknown;
};

static const struct sl_field fields[] = {
    {"blocked_params", SL_F_STRS, SL_AT(request_params, blocked),
     .help = "Top-level fields to remove from the request."},
    {"max_tokens_limit", SL_F_OPT_INT, SL_AT(request_params, max_tokens_limit),
     SL_BETWEEN(1, SL_MAX_TOKENS),
     .help = "Most that `max_tokens` and `max_completion_tokens` may ask for; larger values "
             "become this one."},
    {"max_n", SL_F_OPT_INT, SL_AT(request_params, max_n), SL_BETWEEN(1, SL_MAX_COUNT),
     .help = "Most choices (`n`) that may be asked for."},
    {"strip_unknown", SL_F_BOOL, SL_AT(request_params, strips_unknown), .fallback = "false",
     .help = "Removes every top-level field that the chat API does not know."},
    SL_FIELD_END,
};

static const sl_str known[] = {
    SL_STR_INIT("model"),
    SL_STR_INIT("messages"),
    SL_STR_INIT("frequency_penalty"),
    SL_STR_INIT("logit_bias"),
    SL_STR_INIT("logprobs"),
    SL_STR_INIT("max_tokens"),
    SL_STR_INIT("max_completion_tokens"),
    SL_STR_INIT("n"),
    SL_STR_INIT("presence_penalty"),
    SL_STR_INIT("response_format"),
    SL_STR_INIT("seed"),
    SL_STR_INIT("stop"),
    SL_STR_INIT("stream"),
    SL_STR_INIT("stream_options"),
    SL_STR_INIT("temperature"),
    SL_STR_INIT("top_logprobs"),
    SL_STR_INIT("top_p"),
    SL_STR_INIT("tools"),
    SL_STR_INIT("tool_choice"),
    SL_STR_INIT("user"),
    SL_STR_INIT("reasoning_effort"),
};

static bool is_needed(sl_str key)
{
    return sl_str_eq(key, SL_STR("model")) || sl_str_eq(key, SL_STR("messages"));
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct request_params *cfg = decoded;
    const struct sl_yaml *names = sl_yaml_get(node, SL_STR("blocked_params"));
    size_t length = sl_check_push(c, SL_STR("blocked_params"));
    for (uint32_t i = 0; i < cfg->blocked.n; i++) {
        if (!is_needed(cfg->blocked.items[i]))
            continue;
        size_t index = sl_check_push_index(c, i);
        sl_check_warn(c, names && i < names->n ? names->items[i] : names,
                      "\"%.*s\" cannot be blocked: no request works without it",
                      SL_FMT(cfg->blocked.items[i]));
        sl_check_pop(c, index);
    }
    sl_check_pop(c, length);
}

static enum sl_rc note(struct sl_rewrite *r, enum sl_param_edit_kind kind, sl_str name)
{
    struct sl_param_edit *e = SL_NEW(r->arena, struct sl_param_edit);
    if (!e)
        return SL_NOMEM;
    *e = (struct sl_param_edit){kind, name, r->param_edits};
    r->param_edits = e;
    return SL_OK;
}

/* Removes the client's field, but for what the router put into it. */
static enum sl_rc drop(struct sl_rewrite *r, sl_json_ref key)
{
    sl_json_ref value = key + 1;
    if (!sl_splice_is_edited(r->edits, value))
        return sl_splice_remove_member(r->edits, 0, key);
    if (sl_json_type(r->body, value) != SL_JSON_OBJECT)
        return SL_OK;
    enum sl_rc rc = SL_OK;
    for (sl_json_ref k = sl_json_first(r->body, value); k != SL_JSON_NONE && !rc;
         k = sl_json_after(r->body, value, k))
        if (!sl_splice_is_edited(r->edits, k + 1))
            rc = sl_splice_remove_member(r->edits, value, k);
    return rc;
}

static bool is_blocked(const struct request_params *cfg, sl_str name)
{
    for (uint32_t i = 0; i < cfg->blocked.n; i++)
        if (sl_str_eq(cfg->blocked.items[i], name))
            return true;
    return false;
}

static enum sl_rc drop_named(struct sl_rewrite *r, sl_str name)
{
    sl_json_ref value = sl_json_get(r->body, 0, name);
    if (value == SL_JSON_NONE || is_needed(name))
        return SL_OK;
    enum sl_rc rc = note(r, SL_PARAM_BLOCKED, name);
    return rc ? rc : drop(r, value - 1);
}

/* A number above the limit becomes the limit; a fraction of a token is removed. */
static enum sl_rc cap(const struct request_params *cfg, struct sl_rewrite *r, sl_str name,
                      struct sl_opt_int bound, enum sl_param_edit_kind kind)
{
    sl_json_ref value = sl_json_get(r->body, 0, name);
    if (!bound.is_set || value == SL_JSON_NONE || sl_json_type(r->body, value) != SL_JSON_NUMBER ||
        is_blocked(cfg, name))
        return SL_OK;
    int64_t limit = bound.value;
    int64_t whole;
    double real;
    bool is_whole = sl_json_i64(r->body, value, &whole);
    if (is_whole && whole <= limit)
        return SL_OK;
    if (!is_whole && sl_json_f64(r->body, value, &real)) {
        /* From 2^53 on a double has no fraction: a huge integer, not a broken one. */
        if (kind == SL_PARAM_MAX_TOKENS && real < 9007199254740992.0 && real > -9007199254740992.0)
            return sl_splice_remove_member(r->edits, 0, value - 1);
        if (real <= (double)limit)
            return SL_OK;
    } else if (!is_whole && sl_json_raw(r->body, value).p[0] == '-') {
        return SL_OK; /* beyond a double, and negative */
    }
    if (note(r, kind, SL_STR("")) != SL_OK)
        return SL_NOMEM;
    sl_str text = sl_arena_printf(r->arena, "%lld", (long long)limit);
    return text.p ? sl_splice_replace(r->edits, value, text) : SL_NOMEM;
}

static bool is_known(const struct sl_json *body, sl_json_ref key)
{
    for (size_t i = 0; i < SL_COUNT(known); i++)
        if (sl_json_is_str(body, key, known[i]))
            return true;
    return false;
}

static enum sl_rc strip(struct sl_rewrite *r)
{
    enum sl_rc rc = SL_OK;
    for (sl_json_ref k = sl_json_first(r->body, 0); k != SL_JSON_NONE && !rc;
         k = sl_json_after(r->body, 0, k))
        if (!is_known(r->body, k)) {
            rc = note(r, SL_PARAM_STRIPPED, sl_json_str(r->body, k, r->arena));
            rc = rc ? rc : drop(r, k);
        }
    return rc;
}

static enum sl_rc apply(const void *decoded, struct sl_rewrite *r)
{
    const struct request_params *cfg = decoded;
    enum sl_rc rc = SL_OK;
    for (uint32_t i = 0; i < cfg->blocked.n && !rc; i++)
        rc = drop_named(r, cfg->blocked.items[i]);
    if (!rc)
        rc = cap(cfg, r, SL_STR("max_tokens"), cfg->max_tokens_limit, SL_PARAM_MAX_TOKENS);
    if (!rc)
        rc = cap(cfg, r, SL_STR("max_completion_tokens"), cfg->max_tokens_limit,
                 SL_PARAM_MAX_TOKENS);
    if (!rc)
        rc = cap(cfg, r, SL_STR("n"), cfg->max_n, SL_PARAM_MAX_N);
    return rc || !cfg->strips_unknown ? rc : strip(r);
}

const struct sl_plugin_type sl_plugin_request_params = {
    .feature = {.name = "request_params",
                .summary = "Caps and removes parameters of the request",
                .help = "Caps `max_tokens`, `max_completion_tokens` and `n`, removes fields by "
                        "name, or every field that the chat API does not know. A fractional "
                        "token count is removed; a count that is no number is left for the "
                        "backend to judge. Fields that the router sets for its own work stay. "
                        "Bytes that are not edited stay as the client wrote them.",
                .example = "blocked_params: [logprobs]\nmax_tokens_limit: 1000\nmax_n: 1\n",
                .fields = fields,
                .size = sizeof(struct request_params),
                .is_active = true,
                .is_lenient = true,
                .validate = validate},
    .phase = SL_PHASE_BODY,
    .rank = 20,
    .apply = apply,
};
