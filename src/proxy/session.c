/* The reference hashes every message, which makes a new session each turn; this does not. */
#include "proxy/session.h"

#include "base/hash.h"

#define PREFIX_BYTES 100u

/* The first message with that role, as written (its content's raw bytes, cut). */
static sl_str first_of_role(const struct sl_json *j, sl_json_ref messages, sl_str role)
{
    if (messages == SL_JSON_NONE || sl_json_type(j, messages) != SL_JSON_ARRAY)
        return (sl_str){NULL, 0};
    for (sl_json_ref m = sl_json_first(j, messages); m != SL_JSON_NONE;
         m = sl_json_after(j, messages, m)) {
        if (!sl_json_is_str(j, sl_json_get(j, m, SL_STR("role")), role))
            continue;
        sl_json_ref content = sl_json_get(j, m, SL_STR("content"));
        if (content != SL_JSON_NONE)
            return sl_str_sub(sl_json_raw(j, content), 0, PREFIX_BYTES);
    }
    return (sl_str){NULL, 0};
}

static uint64_t key_of(sl_str text, uint64_t seed)
{
    uint64_t h = sl_hash(text, seed);
    return h ? h : 1;
}

uint64_t sl_session_key(const struct sl_headers *headers, sl_str user_id,
                        const struct sl_json *body, sl_json_ref messages)
{
    sl_str id = sl_str_trim(sl_headers_get(headers, SL_STR("x-session-id")));
    if (!id.n)
        id = sl_str_trim(sl_headers_get(headers, SL_STR("x-claude-code-session-id")));
    if (id.n)
        return key_of(id, 1);
    sl_json_ref metadata = sl_json_get(body, 0, SL_STR("metadata"));
    sl_json_ref user = sl_json_get(body, metadata, SL_STR("user_id"));
    if (user != SL_JSON_NONE && sl_json_type(body, user) == SL_JSON_STRING)
        return key_of(sl_json_raw(body, user), 2);
    sl_str first_user = first_of_role(body, messages, SL_STR("user"));
    if (user_id.n)
        return key_of(first_user, key_of(user_id, 3));
    return key_of(first_user, key_of(first_of_role(body, messages, SL_STR("system")), 4));
}
