/*
 * Facts of a conversation: one walk over the messages. Texts are views of the body where nothing is
 * escaped. The same walk serves the eval API, whose messages may be looser (enum source).
 */
#include "dialect/openai/chat_parts.h"

enum { IMAGE_TOK = 8192, MESSAGE_TOK = 4, CALL_TOK = 8 };

enum source { FROM_CHAT, FROM_EVAL };

enum role { ROLE_OTHER, ROLE_USER, ROLE_ASSISTANT, ROLE_SYSTEM, ROLE_DEVELOPER, ROLE_TOOL };

struct reader {
    const struct sl_json *j;
    struct sl_arena *arena;
    enum source source;
    struct sl_facts *facts;
    sl_str *user_texts;
    uint32_t n_user_texts;
    sl_str *nonuser_texts;
    uint32_t n_nonuser_texts;
    bool has_failed; /* the arena is full */
};

/* ---- pieces ------------------------------------------------------------------------------ */

static void add(uint64_t *sum, uint64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum))
        *sum = UINT64_MAX;
}

static sl_str text_of(struct reader *r, sl_json_ref v)
{
    if (v == SL_JSON_NONE || sl_json_type(r->j, v) != SL_JSON_STRING)
        return (sl_str){NULL, 0};
    sl_str s = sl_json_str(r->j, v, r->arena);
    r->has_failed |= !s.p;
    return s;
}

static void count_text(struct reader *r, sl_json_ref object, sl_str key)
{
    add(&r->facts->context.text_bytes, text_of(r, sl_json_get(r->j, object, key)).n);
}

static void count_raw(struct reader *r, sl_json_ref v)
{
    if (v != SL_JSON_NONE && sl_json_type(r->j, v) != SL_JSON_NULL)
        add(&r->facts->context.structured_bytes, sl_json_raw(r->j, v).n);
}

static enum role role_of(const struct sl_json *j, sl_json_ref message)
{
    static const struct {
        sl_str name;
        enum role role;
    } roles[] = {
        {SL_STR_INIT("user"), ROLE_USER},           {SL_STR_INIT("assistant"), ROLE_ASSISTANT},
        {SL_STR_INIT("system"), ROLE_SYSTEM},       {SL_STR_INIT("tool"), ROLE_TOOL},
        {SL_STR_INIT("developer"), ROLE_DEVELOPER},
    };
    sl_json_ref role = sl_json_get(j, message, SL_STR("role"));
    for (size_t i = 0; i < SL_COUNT(roles); i++)
        if (sl_json_is_str(j, role, roles[i].name))
            return roles[i].role;
    return ROLE_OTHER;
}

static bool is_text_part(const struct reader *r, sl_json_ref part)
{
    sl_json_ref type = sl_json_get(r->j, part, SL_STR("type"));
    if (type == SL_JSON_NONE || sl_json_is_str(r->j, type, SL_STR("text")))
        return true;
    return r->source == FROM_EVAL && (sl_json_is_str(r->j, type, SL_STR("")) ||
                                      sl_json_is_str(r->j, type, SL_STR("input_text")));
}

static bool is_image_part(const struct reader *r, sl_json_ref part)
{
    sl_json_ref type = sl_json_get(r->j, part, SL_STR("type"));
    return sl_json_is_str(r->j, type, SL_STR("image_url")) ||
           sl_json_is_str(r->j, type, SL_STR("input_image"));
}

/* data:image/png;base64,... of an allowed type with a payload. */
static bool is_inline_image(sl_str uri)
{
    static const sl_str types[] = {SL_STR_INIT("image/png"), SL_STR_INIT("image/jpeg"),
                                   SL_STR_INIT("image/jpg"), SL_STR_INIT("image/gif"),
                                   SL_STR_INIT("image/webp")};
    const sl_str marker = SL_STR(";base64");
    size_t comma = sl_str_chr(uri, ',');
    if (comma + 1 >= uri.n || !sl_str_eq_nocase(sl_str_sub(uri, 0, 5), SL_STR("data:")))
        return false;
    sl_str head = sl_str_sub(uri, 5, comma);
    if (head.n < marker.n || !sl_str_eq_nocase(sl_str_sub(head, head.n - marker.n, head.n), marker))
        return false;
    sl_str type = sl_str_sub(head, 0, sl_str_chr(head, ';'));
    for (size_t i = 0; i < SL_COUNT(types); i++)
        if (sl_str_eq_nocase(type, types[i]))
            return true;
    return false;
}

/* An image is reckoned at a fixed number of tokens, whoever sent it; facts are of user images. */
static void take_image(struct reader *r, sl_json_ref part, enum role role)
{
    add(&r->facts->context.framing_tok, IMAGE_TOK);
    if (role != ROLE_USER)
        return;
    if (r->facts->conversation.n_images < UINT32_MAX)
        r->facts->conversation.n_images++;
    if (r->facts->image_data_uri.n)
        return;
    sl_json_ref image = sl_json_get(r->j, part, SL_STR("image_url"));
    sl_json_ref url = sl_json_get(r->j, image, SL_STR("url"));
    sl_str uri = text_of(r, url != SL_JSON_NONE ? url : image);
    if (is_inline_image(uri))
        r->facts->image_data_uri = uri;
}

/* ---- content ----------------------------------------------------------------------------- */

/* Texts of the parts joined by a blank; parts that are neither text nor image count as raw. */
static sl_str read_parts(struct reader *r, sl_json_ref parts, enum role role)
{
    sl_str text = {NULL, 0};
    size_t room = sl_json_raw(r->j, parts).n;
    char *joined = NULL;
    for (sl_json_ref p = sl_json_first(r->j, parts); p != SL_JSON_NONE;
         p = sl_json_after(r->j, parts, p)) {
        if (is_image_part(r, p)) {
            take_image(r, p, role);
            continue;
        }
        if (sl_json_type(r->j, p) != SL_JSON_OBJECT || !is_text_part(r, p)) {
            count_raw(r, p);
            continue;
        }
        sl_str piece = text_of(r, sl_json_get(r->j, p, SL_STR("text")));
        if (!piece.n)
            continue;
        if (!text.n) {
            text = piece;
            continue;
        }
        if (!joined) {
            joined = sl_arena_alloc_aligned(r->arena, room, 1);
            if (!joined) {
                r->has_failed = true;
                return text;
            }
            memcpy(joined, text.p, text.n);
            text.p = joined;
        }
        joined[text.n++] = ' ';
        memcpy(joined + text.n, piece.p, piece.n);
        text.n += piece.n;
    }
    return text;
}

/* Text of a message's content, with its share of the context estimate. */
static sl_str read_content(struct reader *r, sl_json_ref content, enum role role)
{
    if (content == SL_JSON_NONE || sl_json_type(r->j, content) == SL_JSON_NULL)
        return (sl_str){NULL, 0};
    if (role == ROLE_TOOL) {
        count_raw(r, content);
        return (sl_str){NULL, 0};
    }
    sl_str text = {NULL, 0};
    switch (sl_json_type(r->j, content)) {
    case SL_JSON_STRING:
        text = text_of(r, content);
        break;
    case SL_JSON_ARRAY:
        text = read_parts(r, content, role);
        break;
    case SL_JSON_OBJECT:
        if (r->source == FROM_EVAL && is_image_part(r, content))
            take_image(r, content, role);
        else if (r->source == FROM_EVAL && is_text_part(r, content))
            text = text_of(r, sl_json_get(r->j, content, SL_STR("text")));
        else
            count_raw(r, content);
        break;
    default:
        count_raw(r, content);
    }
    add(&r->facts->context.text_bytes, text.n);
    return text;
}

static void read_tool_calls(struct reader *r, sl_json_ref message, enum role role)
{
    sl_json_ref calls = sl_json_get(r->j, message, SL_STR("tool_calls"));
    if (calls != SL_JSON_NONE && sl_json_type(r->j, calls) == SL_JSON_ARRAY) {
        if (role == ROLE_ASSISTANT)
            r->facts->conversation.n_assistant_tool_calls += sl_json_count(r->j, calls);
        for (sl_json_ref c = sl_json_first(r->j, calls); c != SL_JSON_NONE;
             c = sl_json_after(r->j, calls, c)) {
            sl_json_ref function = sl_json_get(r->j, c, SL_STR("function"));
            add(&r->facts->context.framing_tok, CALL_TOK);
            count_text(r, c, SL_STR("id"));
            count_text(r, c, SL_STR("type"));
            count_text(r, function, SL_STR("name"));
            count_raw(r, sl_json_get(r->j, function, SL_STR("arguments")));
        }
    }
    sl_json_ref call = sl_json_get(r->j, message, SL_STR("function_call"));
    if (call != SL_JSON_NONE && sl_json_type(r->j, call) == SL_JSON_OBJECT) {
        add(&r->facts->context.framing_tok, CALL_TOK);
        count_text(r, call, SL_STR("name"));
        count_raw(r, sl_json_get(r->j, call, SL_STR("arguments")));
    }
}

/* ---- messages ---------------------------------------------------------------------------- */

static void count_role(struct sl_conversation_facts *c, enum role role)
{
    c->n_user += role == ROLE_USER;
    c->n_assistant += role == ROLE_ASSISTANT;
    c->n_system += role == ROLE_SYSTEM;
    c->n_tool += role == ROLE_TOOL;
    c->has_developer |= role == ROLE_DEVELOPER;
}

static void read_message(struct reader *r, sl_json_ref message, enum role role)
{
    add(&r->facts->context.framing_tok, role == ROLE_TOOL ? MESSAGE_TOK + CALL_TOK : MESSAGE_TOK);
    if (sl_json_type(r->j, message) != SL_JSON_OBJECT) {
        count_raw(r, message);
        return;
    }
    count_role(&r->facts->conversation, role);
    count_text(r, message, SL_STR("role"));
    count_text(r, message, SL_STR("name"));
    count_text(r, message, SL_STR("tool_call_id"));
    count_text(r, message, SL_STR("refusal"));
    count_text(r, message, SL_STR("reasoning_content"));
    read_tool_calls(r, message, role);
    sl_str text = read_content(r, sl_json_get(r->j, message, SL_STR("content")), role);
    if (!text.n)
        return;
    if (role == ROLE_USER)
        r->user_texts[r->n_user_texts++] = text;
    else if (role == ROLE_ASSISTANT || role == ROLE_SYSTEM || role == ROLE_DEVELOPER)
        r->nonuser_texts[r->n_nonuser_texts++] = text;
    r->facts->conversation.has_assistant_reply |= role == ROLE_ASSISTANT;
}

static enum sl_rc read_messages(struct reader *r, sl_json_ref messages)
{
    struct sl_conversation_facts *c = &r->facts->conversation;
    if (messages == SL_JSON_NONE || sl_json_type(r->j, messages) != SL_JSON_ARRAY)
        return SL_OK;
    c->n_messages = sl_json_count(r->j, messages);
    r->user_texts = SL_NEW_ARRAY(r->arena, sl_str, c->n_messages);
    r->nonuser_texts = SL_NEW_ARRAY(r->arena, sl_str, c->n_messages);
    if (!r->user_texts || !r->nonuser_texts)
        return SL_NOMEM;
    enum role before = ROLE_OTHER;
    for (sl_json_ref m = sl_json_first(r->j, messages); m != SL_JSON_NONE;
         m = sl_json_after(r->j, messages, m)) {
        enum role role = role_of(r->j, m);
        read_message(r, m, role);
        /* Only of a user message that ends the conversation: an answer behind it ends the loop. */
        c->does_last_user_follow_tool_result = role == ROLE_USER && before == ROLE_TOOL;
        before = role;
    }
    c->is_last_tool_result = before == ROLE_TOOL;
    return r->has_failed ? SL_NOMEM : SL_OK;
}

/* ---- the rest of the body ---------------------------------------------------------------- */

static void read_tools(struct reader *r)
{
    static const sl_str lists[] = {SL_STR_INIT("tools"), SL_STR_INIT("functions")};
    static const sl_str blocks[] = {SL_STR_INIT("tool_choice"), SL_STR_INIT("function_call"),
                                    SL_STR_INIT("response_format")};
    for (size_t i = 0; i < SL_COUNT(lists); i++) {
        sl_json_ref list = sl_json_get(r->j, 0, lists[i]);
        if (list == SL_JSON_NONE || sl_json_type(r->j, list) != SL_JSON_ARRAY)
            continue;
        r->facts->conversation.n_tool_definitions += sl_json_count(r->j, list);
        for (sl_json_ref t = sl_json_first(r->j, list); t != SL_JSON_NONE;
             t = sl_json_after(r->j, list, t)) {
            add(&r->facts->context.framing_tok, CALL_TOK);
            count_raw(r, t);
        }
    }
    for (size_t i = 0; i < SL_COUNT(blocks); i++)
        count_raw(r, sl_json_get(r->j, 0, blocks[i]));
    int64_t reserve;
    sl_json_ref limit = sl_json_get(r->j, 0, SL_STR("max_completion_tokens"));
    if (limit == SL_JSON_NONE || sl_json_type(r->j, limit) == SL_JSON_NULL)
        limit = sl_json_get(r->j, 0, SL_STR("max_tokens"));
    if (sl_json_i64(r->j, limit, &reserve) && reserve > 0)
        r->facts->context.output_reserve_tok = (uint64_t)reserve;
}

static enum sl_rc read_metadata(struct reader *r)
{
    sl_json_ref metadata = sl_json_get(r->j, 0, SL_STR("metadata"));
    if (metadata == SL_JSON_NONE || sl_json_type(r->j, metadata) != SL_JSON_OBJECT)
        return SL_OK;
    struct sl_metadata_pair *pairs =
        SL_NEW_ARRAY(r->arena, struct sl_metadata_pair, sl_json_count(r->j, metadata));
    if (!pairs)
        return SL_NOMEM;
    uint32_t n = 0;
    for (sl_json_ref m = sl_json_first(r->j, metadata); m != SL_JSON_NONE;
         m = sl_json_after(r->j, metadata, m)) {
        if (sl_json_type(r->j, m + 1) == SL_JSON_STRING)
            pairs[n++] = (struct sl_metadata_pair){text_of(r, m), text_of(r, m + 1)};
    }
    r->facts->metadata = pairs;
    r->facts->n_metadata = n;
    return r->has_failed ? SL_NOMEM : SL_OK;
}

/* Length of the texts with a blank between any two. */
static uint64_t joined_bytes(const sl_str *texts, uint32_t n)
{
    uint64_t sum = n ? n - 1 : 0;
    for (uint32_t i = 0; i < n; i++)
        sum += texts[i].n;
    return sum;
}

static enum sl_rc join(struct reader *r, const sl_str *texts, uint32_t n, sl_str *out)
{
    if (n <= 1) {
        *out = n ? texts[0] : (sl_str){NULL, 0};
        return SL_OK;
    }
    char *p = sl_arena_alloc_aligned(r->arena, joined_bytes(texts, n), 1);
    if (!p)
        return SL_NOMEM;
    *out = (sl_str){p, joined_bytes(texts, n)};
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            *p++ = ' ';
        memcpy(p, texts[i].p, texts[i].n);
        p += texts[i].n;
    }
    return SL_OK;
}

/* Current, prior and evaluation text; `fallback` stands in when no message carries text. */
static enum sl_rc choose_texts(struct reader *r, sl_str fallback)
{
    struct sl_facts *f = r->facts;
    if (r->n_user_texts) {
        f->n_prior = r->n_user_texts - 1;
        f->prior = r->user_texts;
        f->current = r->user_texts[f->n_prior];
    } else if (!r->n_nonuser_texts) {
        f->current = fallback;
    }
    f->nonuser = r->nonuser_texts;
    f->n_nonuser = r->n_nonuser_texts;
    f->all_bytes = joined_bytes(f->nonuser, f->n_nonuser);
    if (f->current.n)
        f->all_bytes += f->current.n + (f->n_nonuser != 0);
    f->eval = f->current;
    if (!f->current.n && !(r->source == FROM_EVAL && f->conversation.n_images))
        return join(r, f->nonuser, f->n_nonuser, &f->eval);
    return SL_OK;
}

static enum sl_rc read_facts(struct reader *r, sl_str fallback)
{
    struct sl_facts *f = r->facts;
    *f = (struct sl_facts){0};
    enum sl_rc rc = read_messages(r, sl_json_get(r->j, 0, SL_STR("messages")));
    if (!rc)
        rc = read_metadata(r);
    if (rc)
        return rc;
    read_tools(r);
    f->has_message_facts = f->conversation.n_messages || f->n_metadata ||
                           f->conversation.n_images || f->conversation.n_tool_definitions;
    rc = choose_texts(r, fallback);
    return r->has_failed ? SL_NOMEM : rc;
}

enum sl_rc sl_chat_facts(const struct sl_json *body, struct sl_arena *arena, struct sl_facts *out)
{
    struct reader r = {.j = body, .arena = arena, .source = FROM_CHAT, .facts = out};
    return read_facts(&r, (sl_str){NULL, 0});
}

enum sl_rc sl_eval_facts(const struct sl_json *body, struct sl_arena *arena, struct sl_facts *out,
                         struct sl_err *err)
{
    struct reader r = {.j = body, .arena = arena, .source = FROM_EVAL, .facts = out};
    if (sl_json_type(body, 0) != SL_JSON_OBJECT)
        return sl_err_set(err, SL_INVALID, "request body must be an object, got %s",
                          sl_json_type_name(body, 0));
    sl_json_ref text = sl_json_get(body, 0, SL_STR("text"));
    if (text != SL_JSON_NONE && sl_json_type(body, text) != SL_JSON_STRING &&
        sl_json_type(body, text) != SL_JSON_NULL)
        return sl_err_set(err, SL_INVALID, "text must be a string, got %s",
                          sl_json_type_name(body, text));
    sl_json_ref messages = sl_json_get(body, 0, SL_STR("messages"));
    if (messages != SL_JSON_NONE && sl_json_type(body, messages) != SL_JSON_ARRAY &&
        sl_json_type(body, messages) != SL_JSON_NULL)
        return sl_err_set(err, SL_INVALID, "messages must be an array, got %s",
                          sl_json_type_name(body, messages));
    enum sl_rc rc = sl_chat_check_metadata(body, arena, "", err);
    if (rc)
        return rc;
    rc = read_facts(&r, text_of(&r, text));
    if (rc)
        return sl_err_set(err, rc, "out of memory");
    if (!out->eval.n && !out->has_message_facts)
        return sl_err_set(err, SL_INVALID, "text cannot be empty");
    if (!out->conversation.n_messages && out->current.n) { /* a text alone is one user message */
        out->conversation.n_messages = out->conversation.n_user = 1;
        add(&out->context.framing_tok, MESSAGE_TOK);
        add(&out->context.text_bytes, strlen("user") + out->current.n);
    }
    return SL_OK;
}
