/*
 * The smallest instance of a JSON schema, for structured outputs and tool arguments: every
 * property of an object, one element of an array, the first of an enumeration or alternative.
 * Nesting ends at MAX_DEPTH with null, so that a recursive schema has an end.
 */
#include "mock/mock_impl.h"

#include "codec/json_write.h"

#define MAX_DEPTH  12
#define MAX_VALUES 4096 /* schemas can branch as well as nest */

struct maker {
    const struct sl_json *json;
    sl_json_ref root;
    struct sl_arena *arena;
    struct sl_json_writer w;
    unsigned n_values;
};

static sl_json_ref get(const struct maker *m, sl_json_ref v, const char *key)
{
    return sl_json_get(m->json, v, sl_str_from(key));
}

/* "#/$defs/name" within the root schema; SL_JSON_NONE for anything else. */
static sl_json_ref resolve(const struct maker *m, sl_str pointer)
{
    sl_json_ref v = m->root;
    sl_str piece;
    if (!sl_str_starts(pointer, SL_STR("#/")))
        return sl_str_eq(pointer, SL_STR("#")) ? v : SL_JSON_NONE;
    sl_str rest = sl_str_sub(pointer, 2, pointer.n);
    while (v != SL_JSON_NONE && sl_str_split(&rest, '/', &piece))
        v = sl_json_get(m->json, v, piece);
    return v;
}

/* Follows $ref and the first of anyOf, oneOf, allOf, a bounded number of times. */
static sl_json_ref settle(const struct maker *m, sl_json_ref v)
{
    static const char *const choices[] = {"anyOf", "oneOf", "allOf"};
    for (int hop = 0; hop < 8 && v != SL_JSON_NONE; hop++) {
        sl_str pointer = sl_json_str(m->json, get(m, v, "$ref"), m->arena);
        sl_json_ref next = pointer.p ? resolve(m, pointer) : SL_JSON_NONE;
        for (unsigned i = 0; next == SL_JSON_NONE && i < SL_COUNT(choices); i++) {
            sl_json_ref list = get(m, v, choices[i]);
            if (list != SL_JSON_NONE && sl_json_type(m->json, list) == SL_JSON_ARRAY)
                next = sl_json_at(m->json, list, 0);
        }
        if (next == SL_JSON_NONE)
            return v;
        v = next;
    }
    return v;
}

/* The schema's type; of a list of types the first; guessed from its keywords when absent. */
static sl_str type_of(const struct maker *m, sl_json_ref v)
{
    sl_json_ref type = get(m, v, "type");
    if (type != SL_JSON_NONE && sl_json_type(m->json, type) == SL_JSON_ARRAY)
        type = sl_json_at(m->json, type, 0);
    sl_str text = sl_json_str(m->json, type, m->arena);
    if (text.p)
        return text;
    if (get(m, v, "properties") != SL_JSON_NONE)
        return SL_STR("object");
    return get(m, v, "items") != SL_JSON_NONE ? SL_STR("array") : SL_STR("string");
}

static bool put_given(struct maker *m, sl_json_ref v)
{
    static const char *const keys[] = {"const", "default"};
    for (unsigned i = 0; i < SL_COUNT(keys); i++) {
        sl_json_ref given = get(m, v, keys[i]);
        if (given != SL_JSON_NONE) {
            sl_json_put_raw(&m->w, sl_json_raw(m->json, given));
            return true;
        }
    }
    sl_json_ref first = get(m, v, "enum");
    first = first != SL_JSON_NONE ? sl_json_at(m->json, first, 0) : SL_JSON_NONE;
    if (first == SL_JSON_NONE)
        return false;
    sl_json_put_raw(&m->w, sl_json_raw(m->json, first));
    return true;
}

static void put_number(struct maker *m, sl_json_ref v, bool is_integer)
{
    double value = 1, bound;
    if (sl_json_f64(m->json, get(m, v, "minimum"), &bound) && value < bound)
        value = bound;
    if (sl_json_f64(m->json, get(m, v, "maximum"), &bound) && value > bound)
        value = bound;
    if (is_integer)
        sl_json_put_i64(&m->w, (int64_t)value);
    else
        sl_json_put_f64(&m->w, value);
}

static void put_string(struct maker *m, sl_json_ref v)
{
    static const struct {
        sl_str format, text;
    } formats[] = {
        {SL_STR_INIT("date"), SL_STR_INIT("2026-01-31")},
        {SL_STR_INIT("date-time"), SL_STR_INIT("2026-01-31T12:00:00Z")},
        {SL_STR_INIT("email"), SL_STR_INIT("someone@example.com")},
        {SL_STR_INIT("uri"), SL_STR_INIT("https://example.com/")},
        {SL_STR_INIT("uuid"), SL_STR_INIT("00000000-0000-4000-8000-000000000000")},
    };
    sl_str format = sl_json_str(m->json, get(m, v, "format"), m->arena);
    for (unsigned i = 0; i < SL_COUNT(formats); i++) {
        if (format.p && sl_str_eq(format, formats[i].format)) {
            sl_json_put_str(&m->w, formats[i].text);
            return;
        }
    }
    char text[256];
    int64_t least = 0, most = (int64_t)sizeof(text);
    sl_json_i64(m->json, get(m, v, "minLength"), &least);
    sl_json_i64(m->json, get(m, v, "maxLength"), &most);
    size_t n = 4 < least ? (size_t)(least < 256 ? least : 256) : 4;
    if (most >= 0 && (int64_t)n > most)
        n = (size_t)most;
    for (size_t i = 0; i < n; i++)
        text[i] = "mock"[i % 4];
    sl_json_put_str(&m->w, sl_str_of(text, n));
}

/* The depth is bounded by MAX_DEPTH, not by the input. */
static void put(struct maker *m, sl_json_ref v, unsigned depth)
{
    v = settle(m, v);
    if (depth == MAX_DEPTH || m->n_values++ > MAX_VALUES || v == SL_JSON_NONE ||
        sl_json_type(m->json, v) != SL_JSON_OBJECT) {
        sl_json_put_null(&m->w);
        return;
    }
    if (put_given(m, v))
        return;
    sl_str type = type_of(m, v);
    if (sl_str_eq(type, SL_STR("object"))) {
        sl_json_ref all = get(m, v, "properties");
        sl_json_open(&m->w, '{');
        if (all != SL_JSON_NONE && sl_json_type(m->json, all) == SL_JSON_OBJECT) {
            for (sl_json_ref r = sl_json_first(m->json, all); r != SL_JSON_NONE;
                 r = sl_json_after(m->json, all, r)) {
                sl_json_key(&m->w, sl_json_str(m->json, r, m->arena));
                put(m, r + 1, depth + 1);
            }
        }
        sl_json_close(&m->w, '}');
    } else if (sl_str_eq(type, SL_STR("array"))) {
        sl_json_open(&m->w, '[');
        if (get(m, v, "items") != SL_JSON_NONE)
            put(m, get(m, v, "items"), depth + 1);
        sl_json_close(&m->w, ']');
    } else if (sl_str_eq(type, SL_STR("integer")) || sl_str_eq(type, SL_STR("number"))) {
        put_number(m, v, sl_str_eq(type, SL_STR("integer")));
    } else if (sl_str_eq(type, SL_STR("boolean"))) {
        sl_json_put_bool(&m->w, true);
    } else if (sl_str_eq(type, SL_STR("null"))) {
        sl_json_put_null(&m->w);
    } else {
        put_string(m, v);
    }
}

bool sl_mock_instance(struct sl_buf *out, const struct sl_json *json, sl_json_ref schema,
                      struct sl_arena *arena)
{
    struct maker m = {.json = json, .root = schema, .arena = arena};
    sl_json_writer_init(&m.w, out);
    put(&m, schema, 0);
    return !out->is_full;
}
