/*
 * The shape of a chat request, checked in the reference's order and words (chapter 02, sections
 * 3.2 and 5.1 of its documentation), so that a client sees the same message for the same mistake.
 */
#include "dialect/openai/chat_parts.h"

enum { MAX_METADATA = 32, MAX_METADATA_KEY_BYTES = 128, MAX_METADATA_VALUE_BYTES = 1024 };

static bool is_given(const struct sl_json *j, sl_json_ref v)
{
    return v != SL_JSON_NONE && sl_json_type(j, v) != SL_JSON_NULL;
}

static enum sl_rc fail_type(const struct sl_json *j, struct sl_err *err, const char *field,
                            const char *wanted, sl_json_ref v)
{
    return sl_err_set(err, SL_INVALID, "invalid request body: field %s must be %s, got %s", field,
                      wanted, sl_json_type_name(j, v));
}

enum sl_rc sl_chat_check_metadata(const struct sl_json *j, struct sl_arena *arena,
                                  const char *prefix, struct sl_err *err)
{
    sl_json_ref metadata = sl_json_get(j, 0, SL_STR("metadata"));
    if (!is_given(j, metadata))
        return SL_OK;
    if (sl_json_type(j, metadata) != SL_JSON_OBJECT)
        return sl_err_set(err, SL_INVALID, "%sfield metadata must be object, got %s", prefix,
                          sl_json_type_name(j, metadata));
    if (sl_json_count(j, metadata) > MAX_METADATA)
        return sl_err_set(err, SL_INVALID, "%smetadata cannot contain more than 32 entries",
                          prefix);
    for (sl_json_ref r = sl_json_first(j, metadata); r != SL_JSON_NONE;
         r = sl_json_after(j, metadata, r)) {
        sl_str key = sl_json_str(j, r, arena);
        if (!key.p)
            return sl_err_set(err, SL_NOMEM, "out of memory");
        if (key.n < 1 || key.n > MAX_METADATA_KEY_BYTES)
            return sl_err_set(err, SL_INVALID, "%smetadata keys must have 1 to 128 bytes, got %zu",
                              prefix, key.n);
        if (sl_json_type(j, r + 1) != SL_JSON_STRING)
            return sl_err_set(err, SL_INVALID,
                              "%smetadata value of \"%.*s\" must be string, got %s", prefix,
                              SL_FMT(key), sl_json_type_name(j, r + 1));
        sl_str value = sl_json_str(j, r + 1, arena);
        if (!value.p)
            return sl_err_set(err, SL_NOMEM, "out of memory");
        if (value.n > MAX_METADATA_VALUE_BYTES)
            return sl_err_set(err, SL_INVALID,
                              "%smetadata value of \"%.*s\" cannot exceed 1024 bytes", prefix,
                              SL_FMT(key));
    }
    return SL_OK;
}

enum sl_rc sl_chat_read(const struct sl_json *body, struct sl_arena *arena,
                        struct sl_chat_request *out, struct sl_err *err)
{
    *out = (struct sl_chat_request){.model_ref = SL_JSON_NONE, .messages = SL_JSON_NONE};
    out->messages = sl_json_get(body, 0, SL_STR("messages"));
    if (out->messages == SL_JSON_NONE)
        return sl_err_set(err, SL_INVALID, "messages field is required");
    if (sl_json_type(body, out->messages) != SL_JSON_ARRAY)
        return sl_err_set(err, SL_INVALID, "messages field must be an array");

    out->model_ref = sl_json_get(body, 0, SL_STR("model"));
    if (out->model_ref == SL_JSON_NONE)
        return sl_err_set(err, SL_INVALID, "invalid request body: missing required field: model");
    if (sl_json_type(body, out->model_ref) != SL_JSON_STRING)
        return fail_type(body, err, "model", "string", out->model_ref);
    out->model = sl_json_str(body, out->model_ref, arena);
    if (!out->model.p)
        return sl_err_set(err, SL_NOMEM, "out of memory");

    sl_json_ref stream = sl_json_get(body, 0, SL_STR("stream"));
    if (is_given(body, stream) && !sl_json_bool(body, stream, &out->is_stream))
        return fail_type(body, err, "stream", "boolean", stream);
    enum sl_rc rc = sl_chat_check_metadata(body, arena, "invalid request body: ", err);
    if (rc)
        return rc;
    if (sl_json_count(body, out->messages) == 0)
        return sl_err_set(err, SL_INVALID, "messages field must not be empty");

    sl_json_ref options = sl_json_get(body, 0, SL_STR("stream_options"));
    bool wants;
    out->wants_usage =
        sl_json_bool(body, sl_json_get(body, options, SL_STR("include_usage")), &wants) && wants;
    return SL_OK;
}

enum sl_rc sl_chat_parse(sl_str text, struct sl_arena *arena, const struct sl_json_limits *limits,
                         struct sl_json *body, struct sl_chat_request *out, struct sl_err *err)
{
    struct sl_err cause;
    enum sl_rc rc = sl_json_parse(body, arena, text, limits, &cause);
    if (rc == SL_OK)
        return sl_chat_read(body, arena, out, err);
    /* The bare words are the reference's; where it would have gone on, the reason is added. */
    bool is_syntax = rc == SL_INVALID &&
                     !sl_str_starts(sl_str_from(cause.message), SL_STR("duplicate key")) &&
                     !sl_str_starts(sl_str_from(cause.message), SL_STR("invalid UTF-8"));
    if (is_syntax)
        sl_err_set(err, rc, "malformed JSON body");
    else
        sl_err_set(err, rc, "invalid request body: %.200s", cause.message);
    if (err) {
        err->line = cause.line;
        err->column = cause.column;
        err->offset = cause.offset;
    }
    return rc;
}
