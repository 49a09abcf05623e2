#include "ml/weights/config_reader.h"

sl_json_ref sl_field(const struct sl_fields *f, const char *key)
{
    if (f->object == SL_JSON_NONE)
        return SL_JSON_NONE;
    sl_json_ref v = sl_json_get(f->j, f->object, sl_str_from(key));
    return v != SL_JSON_NONE && sl_json_type(f->j, v) == SL_JSON_NULL ? SL_JSON_NONE : v;
}

uint32_t sl_field_u32(struct sl_fields *f, const char *key, uint32_t fallback, uint32_t least,
                      uint32_t most)
{
    if (f->rc)
        return 0;
    sl_json_ref v = sl_field(f, key);
    int64_t value;
    if (v == SL_JSON_NONE) {
        if (fallback == SL_REQUIRED)
            f->rc = sl_err_set(f->err, SL_INVALID, "%s: the field is missing", key);
        return fallback;
    }
    if (!sl_json_i64(f->j, v, &value) || value < least || value > most) {
        sl_str raw = sl_json_raw(f->j, v);
        f->rc = sl_err_set(f->err, SL_INVALID, "%s: expected an integer from %u to %u, found %.*s",
                           key, least, most, SL_FMT(sl_str_sub(raw, 0, 60)));
        return 0;
    }
    return (uint32_t)value;
}

double sl_field_f64(struct sl_fields *f, const char *key, double fallback, double least,
                    double most)
{
    if (f->rc)
        return fallback;
    sl_json_ref v = sl_field(f, key);
    double value;
    if (v == SL_JSON_NONE)
        return fallback;
    if (!sl_json_f64(f->j, v, &value) || !(value >= least && value <= most)) {
        sl_str raw = sl_json_raw(f->j, v);
        f->rc = sl_err_set(f->err, SL_INVALID, "%s: expected a number from %g to %g, found %.*s",
                           key, least, most, SL_FMT(sl_str_sub(raw, 0, 60)));
        return fallback;
    }
    return value;
}

bool sl_field_bool(struct sl_fields *f, const char *key, bool fallback)
{
    sl_json_ref v = sl_field(f, key);
    bool value = fallback;
    if (!f->rc && v != SL_JSON_NONE && !sl_json_bool(f->j, v, &value))
        f->rc = sl_err_set(f->err, SL_INVALID, "%s: expected true or false, found %s", key,
                           sl_json_type_name(f->j, v));
    return value;
}

sl_str sl_field_str(struct sl_fields *f, const char *key)
{
    sl_json_ref v = sl_field(f, key);
    if (f->rc || v == SL_JSON_NONE)
        return SL_STR("");
    if (sl_json_type(f->j, v) != SL_JSON_STRING) {
        f->rc = sl_err_set(f->err, SL_INVALID, "%s: expected a string, found %s", key,
                           sl_json_type_name(f->j, v));
        return SL_STR("");
    }
    sl_str s = sl_json_str(f->j, v, f->arena);
    if (s.p)
        s = sl_arena_dup(f->arena, s);
    if (!s.p)
        f->rc = sl_err_set(f->err, SL_NOMEM, "%s: out of memory", key);
    return s;
}
