/*
 * Plugin "system_prompt": adds to, or replaces, the system message. Content parts stay parts: the
 * prompt becomes a part of its own, so that images and cache marks survive.
 */
#include "config/field.h"
#include "route/plugin.h"

enum mode { MODE_INSERT, MODE_REPLACE, MODE_APPEND };

struct system_prompt {
    enum sl_tri enabled;
    sl_str prompt;
    int mode;
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_TRI, SL_AT(system_prompt, enabled),
     .help = "Off keeps the configuration without its effect; unset is on."},
    {"system_prompt", SL_F_STR, SL_AT(system_prompt, prompt),
     .help = "The text; empty does nothing."},
    {"mode", SL_F_ENUM, SL_AT(system_prompt, mode), SL_CHOICES("insert", "replace", "append"),
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .fallback = "insert",
     .help = "`insert` puts the text before the request's own system message, `append` behind "
             "it, `replace` in its place."},
    SL_FIELD_END,
};

static enum sl_rc printed(sl_str text, sl_str *out)
{
    *out = text;
    return text.p ? SL_OK : SL_NOMEM;
}

/* A new message in front: the request has no system message of its own. */
static enum sl_rc prepend(struct sl_rewrite *r, sl_json_ref messages, sl_str quoted)
{
    sl_str message;
    enum sl_rc rc =
        printed(sl_arena_printf(r->arena, "{\"role\":\"system\",\"content\":%.*s}", SL_FMT(quoted)),
                &message);
    return rc ? rc : sl_splice_insert(r->edits, messages, 0, message);
}

static enum sl_rc add_part(struct sl_rewrite *r, sl_json_ref content, sl_str quoted, enum mode mode)
{
    sl_str part;
    enum sl_rc rc = printed(
        sl_arena_printf(r->arena, "{\"type\":\"text\",\"text\":%.*s}", SL_FMT(quoted)), &part);
    uint32_t at = mode == MODE_APPEND ? sl_json_count(r->body, content) : 0;
    return rc ? rc : sl_splice_insert(r->edits, content, at, part);
}

/* Both texts with a blank line between them, out of their escaped forms. */
static enum sl_rc add_text(struct sl_rewrite *r, sl_json_ref content, sl_str quoted, enum mode mode)
{
    sl_str own = sl_json_raw(r->body, content);
    sl_str first = mode == MODE_APPEND ? own : quoted, second = mode == MODE_APPEND ? quoted : own;
    size_t n = first.n + second.n + 2; /* two quotes less, two line ends of two bytes more */
    char *text = sl_arena_alloc_aligned(r->arena, n, 1), *p = text;
    if (!text)
        return SL_NOMEM;
    memcpy(p, first.p, first.n - 1);
    p += first.n - 1;
    memcpy(p, "\\n\\n", 4);
    memcpy(p + 4, second.p + 1, second.n - 1);
    return sl_splice_replace(r->edits, content, (sl_str){text, n});
}

static enum sl_rc edit_system(struct sl_rewrite *r, sl_json_ref message, sl_str quoted,
                              enum mode mode)
{
    sl_json_ref content = sl_json_get(r->body, message, SL_STR("content"));
    if (mode != MODE_REPLACE && content != SL_JSON_NONE) {
        if (sl_json_type(r->body, content) == SL_JSON_STRING)
            return add_text(r, content, quoted, mode);
        if (sl_json_type(r->body, content) == SL_JSON_ARRAY)
            return add_part(r, content, quoted, mode);
    }
    return sl_splice_set(r->edits, message, SL_STR("content"), quoted);
}

static enum sl_rc apply(const void *decoded, struct sl_rewrite *r)
{
    const struct system_prompt *cfg = decoded;
    sl_json_ref messages = sl_json_get(r->body, 0, SL_STR("messages"));
    if (cfg->enabled == SL_NO || !cfg->prompt.n || messages == SL_JSON_NONE ||
        sl_json_type(r->body, messages) != SL_JSON_ARRAY)
        return SL_OK;
    sl_str quoted = sl_rewrite_quote(r, cfg->prompt);
    if (!quoted.p)
        return SL_NOMEM;
    r->has_injected_system_prompt = true;
    sl_json_ref first = sl_json_first(r->body, messages);
    sl_json_ref role = sl_json_get(r->body, first, SL_STR("role"));
    if (!sl_json_is_str(r->body, role, SL_STR("system")))
        return prepend(r, messages, quoted);
    return edit_system(r, first, quoted, (enum mode)cfg->mode);
}

const struct sl_plugin_type sl_plugin_system_prompt = {
    .feature = {.name = "system_prompt",
                .summary = "Puts a system prompt before, behind or in place of the request's own",
                .help = "Acts on the first message when its role is `system`; otherwise a system "
                        "message is put in front. Texts are joined by a blank line. Where the "
                        "content is a list of parts, the prompt becomes a text part and the "
                        "other parts stay as they are. All other bytes of the request stay.",
                .example = "system_prompt: You are a careful accountant.\nmode: insert\n",
                .fields = fields,
                .size = sizeof(struct system_prompt),
                .is_active = true,
                .is_lenient = true},
    .phase = SL_PHASE_BODY,
    .rank = 10,
    .apply = apply,
};
