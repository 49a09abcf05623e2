#include "support/naive_splice.h"
#include "codec/json_write.h"
#include "support/naive_json.h"

#include <stdlib.h>

void compact_json(struct sl_buf *out, const struct sl_json *j, sl_json_ref v)
{
    enum sl_json_type type = sl_json_type(j, v);
    if (type < SL_JSON_ARRAY) {
        sl_buf_add(out, sl_json_raw(j, v));
        return;
    }
    bool is_object = type == SL_JSON_OBJECT;
    sl_buf_add_char(out, is_object ? '{' : '[');
    for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r)) {
        if (r != v + 1)
            sl_buf_add_char(out, ',');
        compact_json(out, j, r);
        if (is_object) {
            sl_buf_add_char(out, ':');
            compact_json(out, j, r + 1);
        }
    }
    sl_buf_add_char(out, is_object ? '}' : ']');
}

enum { MAX_NEW = 16 };

struct fresh {
    uint32_t at;
    sl_str key, value; /* key.p == NULL in arrays */
};

struct tree {
    bool is_removed, is_replaced;
    sl_str value;
    struct fresh fresh[MAX_NEW];
    int n_fresh;
};

static void print(struct sl_buf *out, const struct sl_json *j, const struct tree *t, sl_json_ref v)
{
    if (t[v].is_replaced) {
        sl_buf_add(out, t[v].value);
        return;
    }
    enum sl_json_type type = sl_json_type(j, v);
    if (type < SL_JSON_ARRAY) {
        sl_buf_add(out, sl_json_raw(j, v));
        return;
    }
    bool is_object = type == SL_JSON_OBJECT;
    const char *separator = "";
    sl_json_ref r = sl_json_first(j, v);
    sl_buf_add_char(out, is_object ? '{' : '[');
    for (uint32_t i = 0; i <= sl_json_count(j, v); i++) {
        for (int k = 0; k < t[v].n_fresh; k++) {
            if (t[v].fresh[k].at != (is_object ? UINT32_MAX : i) ||
                (is_object && i < sl_json_count(j, v)))
                continue;
            sl_buf_add(out, sl_str_from(separator));
            if (is_object) {
                sl_json_escape(out, t[v].fresh[k].key);
                sl_buf_add_char(out, ':');
            }
            sl_buf_add(out, t[v].fresh[k].value);
            separator = ",";
        }
        if (r == SL_JSON_NONE)
            continue;
        sl_json_ref value = is_object ? r + 1 : r;
        if (!t[value].is_removed) {
            sl_buf_add(out, sl_str_from(separator));
            if (is_object) {
                sl_buf_add(out, sl_json_raw(j, r));
                sl_buf_add_char(out, ':');
            }
            print(out, j, t, value);
            separator = ",";
        }
        r = sl_json_after(j, v, r);
    }
    sl_buf_add_char(out, is_object ? '}' : ']');
}

static bool is_key(const struct sl_json *j, sl_json_ref v)
{
    for (sl_json_ref o = 0; o < v; o++)
        if (sl_json_type(j, o) == SL_JSON_OBJECT)
            for (sl_json_ref r = sl_json_first(j, o); r != SL_JSON_NONE; r = sl_json_after(j, o, r))
                if (r == v)
                    return true;
    return false;
}

static void set_fresh(struct tree *t, uint32_t at, sl_str key, sl_str value)
{
    for (int i = 0; key.p && i < t->n_fresh; i++) {
        if (sl_str_eq(t->fresh[i].key, key)) {
            t->fresh[i].value = value;
            return;
        }
    }
    if (t->n_fresh < MAX_NEW)
        t->fresh[t->n_fresh++] = (struct fresh){at, key, value};
}

static void drop_fresh(struct tree *t, sl_str key)
{
    for (int i = 0; i < t->n_fresh; i++) {
        if (sl_str_eq(t->fresh[i].key, key)) {
            memmove(&t->fresh[i], &t->fresh[i + 1],
                    (size_t)(t->n_fresh - i - 1) * sizeof t->fresh[0]);
            t->n_fresh--;
            return;
        }
    }
}

static void edit_object(struct sl_splice *s, const struct sl_json *j, struct tree *t, sl_json_ref v,
                        uint64_t *random, struct sl_arena *arena, sl_str value)
{
    static const char *const keys[] = {"new", "k0", "k7", "k8", "quo\"ted", "k14", "", "a"};
    sl_str key = sl_str_from(keys[next_random(random) % 8]);
    uint32_t count = sl_json_count(j, v);
    sl_json_ref r = sl_json_first(j, v);
    if (count && next_random(random) % 2) {
        for (uint64_t i = next_random(random) % count; i; i--)
            r = sl_json_after(j, v, r);
        key = sl_json_str(j, r, arena);
    }
    sl_json_ref present = sl_json_get(j, v, key);
    if (next_random(random) % 2) {
        if (sl_splice_set(s, v, key, value))
            abort();
        if (present != SL_JSON_NONE)
            t[present] = (struct tree){.is_replaced = true, .value = value};
        else
            set_fresh(&t[v], UINT32_MAX, key, value);
    } else {
        if (sl_splice_remove(s, v, key))
            abort();
        if (present != SL_JSON_NONE)
            t[present].is_removed = true;
        else
            drop_fresh(&t[v], key);
    }
}

static void edit_array(struct sl_splice *s, const struct sl_json *j, struct tree *t, sl_json_ref v,
                       uint64_t *random, sl_str value)
{
    uint32_t count = sl_json_count(j, v);
    uint32_t at = (uint32_t)(next_random(random) % (count + 1));
    if (at < count && next_random(random) % 2) {
        if (sl_splice_remove_at(s, v, at))
            abort();
        t[sl_json_at(j, v, at)].is_removed = true;
    } else {
        if (sl_splice_insert(s, v, at, value))
            abort();
        set_fresh(&t[v], at, (sl_str){NULL, 0}, value);
    }
}

void random_edits(const struct sl_json *doc, struct sl_arena *arena, uint64_t seed, sl_str *spliced,
                  struct sl_buf *naive)
{
    static const char *const values[] = {"1", "\"x\"", "{\"n\":[]}", "null", "[1,2]", "2.50"};
    uint64_t random = seed;
    struct sl_splice *s = sl_splice_new(doc, arena);
    struct tree *t = SL_NEW_ARRAY(arena, struct tree, doc->n_nodes);
    for (uint64_t n = next_random(&random) % 12; n; n--) {
        sl_json_ref v = (sl_json_ref)(next_random(&random) % doc->n_nodes);
        sl_str value = sl_str_from(values[next_random(&random) % 6]);
        if (is_key(doc, v))
            v++;
        enum sl_json_type type = sl_json_type(doc, v);
        if (next_random(&random) % 6 == 0 || type < SL_JSON_ARRAY) {
            if (next_random(&random) % 2)
                continue;
            if (sl_splice_replace(s, v, value))
                abort();
            t[v].is_replaced = true;
            t[v].is_removed = false;
            t[v].value = value;
        } else if (type == SL_JSON_OBJECT) {
            edit_object(s, doc, t, v, &random, arena, value);
        } else {
            edit_array(s, doc, t, v, &random, value);
        }
    }
    if (sl_splice_flat(s, spliced))
        abort();
    print(naive, doc, t, 0);
}
