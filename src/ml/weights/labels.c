/* Label maps. A map goes one of two ways, and files carry one or both: all are entered into one
 * table, and whatever disagrees is an error, since a swapped label flips a verdict. */
#include "ml/weights/labels.h"

#include <string.h>

static const struct map_key {
    const char *name;
    bool is_index_first;
} map_keys[] = {
    {"id2label", true},        {"label2id", false},        {"idx_to_label", true},
    {"label_to_idx", false},   {"id_to_label", true},      {"label_to_id", false},
    {"idx_to_category", true}, {"category_to_idx", false},
};

struct pair {
    sl_str label;
    uint32_t index;
};

struct table {
    struct pair *pairs; /* in the order of reading; indices may repeat with the same label */
    uint32_t n, cap;
};

static enum sl_rc read_pair(struct pair *p, const struct map_key *key, struct sl_arena *arena,
                            const struct sl_json *j, sl_json_ref r, struct sl_err *err)
{
    sl_str name = sl_json_str(j, r, arena);
    int64_t index = -1;
    if (key->is_index_first) {
        p->label = sl_json_str(j, r + 1, arena);
        if (!sl_str_to_i64(name, &index))
            return sl_err_set(err, SL_INVALID, "%s: expected a number as key, found \"%.*s\"",
                              key->name, SL_FMT(sl_str_sub(name, 0, 60)));
        if (!p->label.p)
            return sl_err_set(err, SL_INVALID, "%s.%.*s: expected a label, found %s", key->name,
                              SL_FMT(sl_str_sub(name, 0, 60)), sl_json_type_name(j, r + 1));
    } else {
        p->label = name;
        if (!sl_json_i64(j, r + 1, &index) && !sl_str_to_i64(sl_json_str(j, r + 1, arena), &index))
            return sl_err_set(err, SL_INVALID, "%s.%.*s: expected an index, found %s", key->name,
                              SL_FMT(sl_str_sub(name, 0, 60)), sl_json_type_name(j, r + 1));
    }
    if (index < 0 || index >= SL_MAX_LABELS)
        return sl_err_set(err, SL_INVALID, "%s: index %lld of \"%.*s\": expected 0 to %d",
                          key->name, (long long)index, SL_FMT(sl_str_sub(p->label, 0, 60)),
                          SL_MAX_LABELS - 1);
    p->index = (uint32_t)index;
    return SL_OK;
}

static uint32_t total_of(const struct sl_json *j, sl_json_ref v)
{
    uint32_t total = 0;
    for (size_t i = 0; i < SL_COUNT(map_keys); i++) {
        sl_json_ref map = sl_json_get(j, v, sl_str_from(map_keys[i].name));
        if (map != SL_JSON_NONE && sl_json_type(j, map) == SL_JSON_OBJECT)
            total += sl_json_count(j, map);
    }
    return total;
}

static enum sl_rc read_maps(struct table *t, struct sl_arena *arena, const struct sl_json *j,
                            sl_json_ref v, struct sl_err *err)
{
    for (size_t i = 0; i < SL_COUNT(map_keys); i++) {
        sl_json_ref map = sl_json_get(j, v, sl_str_from(map_keys[i].name));
        if (map == SL_JSON_NONE || sl_json_type(j, map) == SL_JSON_NULL)
            continue;
        if (sl_json_type(j, map) != SL_JSON_OBJECT)
            return sl_err_set(err, SL_INVALID, "%s: expected an object, found %s", map_keys[i].name,
                              sl_json_type_name(j, map));
        for (sl_json_ref r = sl_json_first(j, map); r != SL_JSON_NONE;
             r = sl_json_after(j, map, r)) {
            enum sl_rc rc = read_pair(&t->pairs[t->n], &map_keys[i], arena, j, r, err);
            if (rc)
                return rc;
            t->n++;
        }
    }
    return SL_OK;
}

/* Names by index; says what is given twice or is missing. */
static enum sl_rc settle(struct sl_labels *out, struct sl_arena *arena, const struct table *t,
                         struct sl_err *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++)
        n = t->pairs[i].index >= n ? t->pairs[i].index + 1 : n;
    if (n > t->n)
        return sl_err_set(err, SL_INVALID,
                          "label indices must be contiguous from 0: %u labels, highest index %u",
                          t->n, n - 1);
    sl_str *names = SL_NEW_ARRAY(arena, sl_str, n ? n : 1);
    if (!names)
        return sl_err_set(err, SL_NOMEM, "labels: out of memory");
    for (uint32_t i = 0; i < t->n; i++) {
        const struct pair *p = &t->pairs[i];
        sl_str *name = &names[p->index];
        if (name->p && !sl_str_eq(*name, p->label))
            return sl_err_set(err, SL_INVALID, "label index %u is both \"%.*s\" and \"%.*s\"",
                              p->index, SL_FMT(sl_str_sub(*name, 0, 60)),
                              SL_FMT(sl_str_sub(p->label, 0, 60)));
        *name = p->label;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!names[i].p)
            return sl_err_set(err, SL_INVALID,
                              "label indices must be contiguous from 0: %u is missing", i);
        names[i] = sl_arena_dup(arena, names[i]);
        if (!names[i].p)
            return sl_err_set(err, SL_NOMEM, "labels: out of memory");
    }
    *out = (struct sl_labels){names, n};
    return SL_OK;
}

/* The same label at two indices, after each index has one label. */
static enum sl_rc check_unique(const struct sl_labels *l, struct sl_arena *arena,
                               struct sl_err *err)
{
    uint32_t cap = 16;
    while (cap < 2 * l->n)
        cap *= 2;
    uint32_t *slots = SL_NEW_ARRAY(arena, uint32_t, cap);
    if (!slots)
        return sl_err_set(err, SL_NOMEM, "labels: out of memory");
    for (uint32_t i = 0; i < l->n; i++) {
        uint32_t h = 2166136261u;
        for (size_t c = 0; c < l->names[i].n; c++)
            h = (h ^ (unsigned char)l->names[i].p[c]) * 16777619u;
        uint32_t at = h & (cap - 1);
        for (; slots[at]; at = (at + 1) & (cap - 1)) {
            if (sl_str_eq(l->names[slots[at] - 1], l->names[i]))
                return sl_err_set(err, SL_INVALID, "label \"%.*s\" has two indices, %u and %u",
                                  SL_FMT(sl_str_sub(l->names[i], 0, 60)), slots[at] - 1, i);
        }
        slots[at] = i + 1;
    }
    return SL_OK;
}

enum sl_rc sl_labels_read(struct sl_labels *out, struct sl_arena *arena, const struct sl_json *j,
                          sl_json_ref v, struct sl_err *err)
{
    *out = (struct sl_labels){NULL, 0};
    struct table t = {.cap = total_of(j, v)};
    if (t.cap > 8 * SL_MAX_LABELS)
        return sl_err_set(err, SL_LIMIT, "%u labels, at most %d", t.cap, SL_MAX_LABELS);
    t.pairs = SL_NEW_ARRAY(arena, struct pair, t.cap + 1);
    if (!t.pairs)
        return sl_err_set(err, SL_NOMEM, "labels: out of memory");
    enum sl_rc rc = read_maps(&t, arena, j, v, err);
    if (rc)
        return rc;
    if (t.n == 0)
        return sl_err_set(err, SL_NOTFOUND,
                          "no labels: expected id2label, label_to_idx, idx_to_label, ...");
    rc = settle(out, arena, &t, err);
    return rc ? rc : check_unique(out, arena, err);
}

enum sl_rc sl_labels_parse(struct sl_labels *out, struct sl_arena *arena, sl_str text,
                           struct sl_err *err)
{
    struct sl_json j;
    struct sl_json_limits limits = {.max_depth = 16, .max_bytes = 16 << 20};
    *out = (struct sl_labels){NULL, 0};
    enum sl_rc rc = sl_json_parse(&j, arena, text, &limits, err);
    if (rc)
        return rc;
    if (sl_json_type(&j, 0) != SL_JSON_OBJECT)
        return sl_err_set(err, SL_INVALID, "expected an object of label maps, found %s",
                          sl_json_type_name(&j, 0));
    return sl_labels_read(out, arena, &j, 0, err);
}

enum sl_rc sl_labels_numbered(struct sl_labels *out, struct sl_arena *arena, uint32_t n,
                              struct sl_err *err)
{
    sl_str *names = SL_NEW_ARRAY(arena, sl_str, n ? n : 1);
    for (uint32_t i = 0; names && i < n; i++) {
        names[i] = sl_arena_printf(arena, "LABEL_%u", i);
        if (!names[i].p)
            names = NULL;
    }
    if (!names)
        return sl_err_set(err, SL_NOMEM, "labels: out of memory");
    *out = (struct sl_labels){names, n};
    return SL_OK;
}

uint32_t sl_labels_index(const struct sl_labels *l, sl_str name)
{
    uint32_t i = 0;
    while (i < l->n && !sl_str_eq(l->names[i], name))
        i++;
    return i;
}
