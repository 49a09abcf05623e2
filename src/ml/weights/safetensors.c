/* Reading a safetensors file: https://github.com/huggingface/safetensors (format section). */
#include "ml/weights/safetensors.h"

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_HEADER_BYTES = 100 << 20, MAX_TENSORS = 200000 };

static const struct dtype {
    const char *name;
    enum sl_tensor_type type;
    unsigned bytes;
} dtypes[] = {
    {"F32", SL_TENSOR_F32, 4},    {"F16", SL_TENSOR_F16, 2},       {"BF16", SL_TENSOR_BF16, 2},
    {"F64", SL_TENSOR_F64, 8},    {"I64", SL_TENSOR_OTHER, 8},     {"I32", SL_TENSOR_OTHER, 4},
    {"I16", SL_TENSOR_OTHER, 2},  {"I8", SL_TENSOR_OTHER, 1},      {"U8", SL_TENSOR_OTHER, 1},
    {"BOOL", SL_TENSOR_OTHER, 1}, {"U64", SL_TENSOR_OTHER, 8},     {"U32", SL_TENSOR_OTHER, 4},
    {"U16", SL_TENSOR_OTHER, 2},  {"F8_E4M3", SL_TENSOR_OTHER, 1}, {"F8_E5M2", SL_TENSOR_OTHER, 1},
};

static const struct dtype *dtype_of(const struct sl_json *j, sl_json_ref v)
{
    for (size_t i = 0; i < SL_COUNT(dtypes); i++) {
        if (sl_json_is_str(j, v, sl_str_from(dtypes[i].name)))
            return &dtypes[i];
    }
    return NULL;
}

static bool read_shape(struct sl_tensor *t, const struct sl_json *j, sl_json_ref shape)
{
    if (shape == SL_JSON_NONE || sl_json_type(j, shape) != SL_JSON_ARRAY ||
        sl_json_count(j, shape) > SL_TENSOR_DIMS)
        return false;
    t->count = 1;
    for (sl_json_ref r = sl_json_first(j, shape); r != SL_JSON_NONE;
         r = sl_json_after(j, shape, r)) {
        int64_t size;
        if (!sl_json_i64(j, r, &size) || size < 0 ||
            __builtin_mul_overflow(t->count, (uint64_t)size, &t->count))
            return false;
        t->shape[t->n_dims++] = (uint64_t)size;
    }
    return true;
}

/* One entry of the header; data is what follows the header. */
static enum sl_rc read_tensor(struct sl_tensor *t, const struct sl_json *j, sl_json_ref v,
                              sl_str data, struct sl_err *err)
{
    const struct dtype *type = dtype_of(j, sl_json_get(j, v, SL_STR("dtype")));
    if (!type)
        return sl_err_set(err, SL_INVALID, "tensor \"%.*s\": no known dtype", SL_FMT(t->name));
    t->type = type->type;
    if (!read_shape(t, j, sl_json_get(j, v, SL_STR("shape"))))
        return sl_err_set(err, SL_INVALID, "tensor \"%.*s\": expected a shape of at most %d sizes",
                          SL_FMT(t->name), SL_TENSOR_DIMS);
    sl_json_ref range = sl_json_get(j, v, SL_STR("data_offsets"));
    int64_t from, to;
    if (range == SL_JSON_NONE || sl_json_type(j, range) != SL_JSON_ARRAY ||
        sl_json_count(j, range) != 2 || !sl_json_i64(j, sl_json_at(j, range, 0), &from) ||
        !sl_json_i64(j, sl_json_at(j, range, 1), &to) || from < 0 || to < from)
        return sl_err_set(err, SL_INVALID, "tensor \"%.*s\": expected data_offsets [from, to]",
                          SL_FMT(t->name));
    if ((uint64_t)to > data.n)
        return sl_err_set(err, SL_INVALID,
                          "tensor \"%.*s\" ends at byte %lld of the data, the file has %zu: cut?",
                          SL_FMT(t->name), (long long)to, data.n);
    uint64_t bytes;
    if (__builtin_mul_overflow(t->count, type->bytes, &bytes) || bytes != (uint64_t)(to - from))
        return sl_err_set(err, SL_INVALID,
                          "tensor \"%.*s\": %lld bytes of data do not fit its shape and type",
                          SL_FMT(t->name), (long long)(to - from));
    t->data = data.p + from;
    return SL_OK;
}

static int by_name(const void *a, const void *b)
{
    return sl_str_cmp(((const struct sl_tensor *)a)->name, ((const struct sl_tensor *)b)->name);
}

static enum sl_rc read_header(struct sl_safetensors *out, struct sl_arena *arena,
                              const struct sl_json *j, sl_str data, struct sl_err *err)
{
    if (sl_json_type(j, 0) != SL_JSON_OBJECT)
        return sl_err_set(err, SL_INVALID, "safetensors header: expected an object, found %s",
                          sl_json_type_name(j, 0));
    uint32_t most = sl_json_count(j, 0);
    if (most > MAX_TENSORS)
        return sl_err_set(err, SL_LIMIT, "safetensors header: %u tensors, at most %d", most,
                          MAX_TENSORS);
    struct sl_tensor *tensors = SL_NEW_ARRAY(arena, struct sl_tensor, most ? most : 1);
    if (!tensors)
        return sl_err_set(err, SL_NOMEM, "safetensors header: out of memory");
    uint32_t n = 0;
    for (sl_json_ref r = sl_json_first(j, 0); r != SL_JSON_NONE; r = sl_json_after(j, 0, r)) {
        if (sl_json_is_str(j, r, SL_STR("__metadata__")))
            continue;
        struct sl_tensor *t = &tensors[n];
        t->name = sl_arena_dup(arena, sl_json_str(j, r, arena));
        if (!t->name.p)
            return sl_err_set(err, SL_NOMEM, "safetensors header: out of memory");
        enum sl_rc rc = read_tensor(t, j, r + 1, data, err);
        if (rc)
            return rc;
        n++;
    }
    qsort(tensors, n, sizeof(*tensors), by_name);
    *out = (struct sl_safetensors){tensors, n};
    return SL_OK;
}

enum sl_rc sl_safetensors_parse(struct sl_safetensors *out, struct sl_arena *arena, sl_str file,
                                struct sl_err *err)
{
    *out = (struct sl_safetensors){NULL, 0};
    if (file.n < 8)
        return sl_err_set(err, SL_INVALID,
                          "safetensors: %zu bytes, a file begins with 8 bytes of header length",
                          file.n);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)file.p[i];
    if (length > file.n - 8 || length > MAX_HEADER_BYTES)
        return sl_err_set(err, SL_INVALID,
                          "safetensors: a header of %llu bytes in a file of %zu (cut, or not "
                          "safetensors)",
                          (unsigned long long)length, file.n);
    struct sl_json j;
    struct sl_json_limits limits = {.max_depth = 8};
    struct sl_err inner = {0};
    enum sl_rc rc = sl_json_parse(&j, arena, sl_str_sub(file, 8, 8 + length), &limits, &inner);
    if (rc)
        return sl_err_set(err, rc, "safetensors header: %.200s", inner.message);
    return read_header(out, arena, &j, sl_str_sub(file, 8 + length, file.n), err);
}

const struct sl_tensor *sl_safetensors_find(const struct sl_safetensors *s, sl_str name)
{
    struct sl_tensor key = {.name = name};
    return s->n ? bsearch(&key, s->tensors, s->n, sizeof(key), by_name) : NULL;
}

/* Half precision: the exponent is moved by a multiplication, so subnormals come out right. */
static float from_f16(uint16_t h)
{
    union {
        uint32_t u;
        float f;
    } x = {.u = (uint32_t)(h & 0x7fffu) << 13}, sign = {.u = (uint32_t)(h & 0x8000u) << 16};
    if ((h & 0x7c00u) == 0x7c00u)
        x.u += 0x70000000u; /* infinity and NaN keep an exponent of ones */
    else
        x.f *= 0x1p112f;
    x.u |= sign.u;
    return x.f;
}

void sl_tensor_read(const struct sl_tensor *t, uint64_t from, uint64_t count, float *out)
{
    switch (t->type) {
    case SL_TENSOR_F32:
        memcpy(out, t->data + from * 4, count * 4);
        return;
    case SL_TENSOR_F16:
    case SL_TENSOR_BF16:
        for (uint64_t i = 0; i < count; i++) {
            uint16_t h;
            memcpy(&h, t->data + (from + i) * 2, 2);
            if (t->type == SL_TENSOR_F16) {
                out[i] = from_f16(h);
            } else {
                uint32_t wide = (uint32_t)h << 16;
                memcpy(&out[i], &wide, 4);
            }
        }
        return;
    case SL_TENSOR_F64:
        for (uint64_t i = 0; i < count; i++) {
            double wide;
            memcpy(&wide, t->data + (from + i) * 8, 8);
            out[i] = (float)wide;
        }
        return;
    case SL_TENSOR_OTHER:
        memset(out, 0, count * sizeof(*out));
        return;
    }
}

const char *sl_tensor_shape(const struct sl_tensor *t, char out[64])
{
    int at = snprintf(out, 64, "[");
    for (uint32_t i = 0; i < t->n_dims && at < 62; i++)
        at += snprintf(out + at, (size_t)(64 - at), i ? ", %llu" : "%llu",
                       (unsigned long long)t->shape[i]);
    if (at < 62)
        snprintf(out + at, (size_t)(64 - at), "]");
    return out;
}
