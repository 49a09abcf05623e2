#include "support/wire_case.h"
#include "codec/json_write.h"

#include <stdio.h>
#include <stdlib.h>

struct member {
    sl_str key;
    sl_json_ref value;
};

static int by_key(const void *a, const void *b)
{
    return sl_str_cmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void canonical_object(struct sl_buf *out, const struct sl_json *j, sl_json_ref v,
                             struct sl_arena *arena)
{
    uint32_t n = 0;
    struct member *members = SL_NEW_ARRAY(arena, struct member, sl_json_count(j, v));
    for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r))
        members[n++] = (struct member){sl_json_str(j, r, arena), r + 1};
    if (n)
        qsort(members, n, sizeof *members, by_key);
    sl_buf_add_char(out, '{');
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            sl_buf_add_char(out, ',');
        sl_json_escape(out, members[i].key);
        sl_buf_add_char(out, ':');
        canonical_json(out, j, members[i].value, arena);
    }
    sl_buf_add_char(out, '}');
}

void canonical_json(struct sl_buf *out, const struct sl_json *j, sl_json_ref v,
                    struct sl_arena *arena)
{
    switch (sl_json_type(j, v)) {
    case SL_JSON_OBJECT:
        canonical_object(out, j, v, arena);
        return;
    case SL_JSON_ARRAY:
        sl_buf_add_char(out, '[');
        for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r)) {
            if (r != v + 1)
                sl_buf_add_char(out, ',');
            canonical_json(out, j, r, arena);
        }
        sl_buf_add_char(out, ']');
        return;
    case SL_JSON_STRING:
        sl_json_escape(out, sl_json_str(j, v, arena));
        return;
    default:
        sl_buf_add(out, sl_json_raw(j, v));
    }
}

sl_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return (sl_str){NULL, 0};
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *p = malloc(n + 1);
    n = fread(p, 1, n, f);
    p[n] = 0;
    fclose(f);
    return (sl_str){p, n};
}
