#include "unit.h"

#include "support/encoder_case.h"

#include "base/buf.h"
#include "ml/weights/mapped.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define VECTORS SLUICE_SOURCE_DIR "/tests/vectors/encoder/"

static uint64_t draw(uint64_t seed, uint64_t i)
{
    uint64_t x = seed + i * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static uint64_t seed_of(sl_str name)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ (unsigned char)name.p[i]) * 1099511628211u;
    return h;
}

static uint16_t to_f16(float f)
{
    union {
        float f;
        uint32_t u;
    } x = {.f = f};
    uint32_t sign = x.u >> 16 & 0x8000, exponent = x.u >> 23 & 0xff, mantissa = x.u & 0x7fffff;
    if (exponent < 113) { /* subnormal halves: in units of 2^-24 */
        return (uint16_t)(sign | (uint32_t)lrintf(fabsf(f) * 0x1p24f));
    }
    uint32_t half = (exponent - 112) << 10 | mantissa >> 13, rest = mantissa & 0x1fff;
    return (uint16_t)((sign | half) + (rest > 0x1000 || (rest == 0x1000 && (half & 1))));
}

static void put_file(const char *folder, const char *name, sl_str bytes)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
    fclose(f);
}

/* Appends one tensor's values. */
static void put_values(struct sl_buf *data, const struct sl_json *j, sl_json_ref t, uint64_t count,
                       struct sl_arena *arena, float spoilt)
{
    double offset = 0, scale = 0;
    sl_str name = sl_json_str(j, sl_json_at(j, t, 0), arena);
    sl_json_ref seed_name = sl_json_at(j, t, 5);
    uint64_t seed = seed_of(seed_name == SL_JSON_NONE ? name : sl_json_str(j, seed_name, arena));
    sl_json_f64(j, sl_json_at(j, t, 2), &offset);
    sl_json_f64(j, sl_json_at(j, t, 3), &scale);
    bool is_f32 = sl_json_is_str(j, sl_json_at(j, t, 4), SL_STR("F32"));
    bool is_f16 = sl_json_is_str(j, sl_json_at(j, t, 4), SL_STR("F16"));
    for (uint64_t i = 0; i < count; i++) {
        float v = (float)(offset + scale * ((double)(draw(seed, i + 1) >> 40) * 0x1p-23 - 1));
        if (spoilt != 0)
            v = spoilt;
        uint16_t half = is_f16 ? to_f16(v) : sl_f32_to_bf16(v);
        sl_buf_add(data, is_f32 ? sl_str_of(&v, 4) : sl_str_of(&half, 2));
    }
}

/* Every n_shards-th tensor of the list, from the shard-th on, as one file. */
static void put_tensors(struct encoder_case *c, const char *folder, const char *file,
                        sl_json_ref list, uint32_t shard, uint32_t n_shards, const char *spoil,
                        float value)
{
    const struct sl_json *j = &c->json;
    struct sl_buf header, data, all;
    sl_buf_init(&header, 1 << 20);
    sl_buf_init(&data, 64 << 20);
    sl_buf_init(&all, 64 << 20);
    sl_buf_add_char(&header, '{');
    uint32_t i = 0;
    for (sl_json_ref t = sl_json_first(j, list); t != SL_JSON_NONE; t = sl_json_after(j, list, t)) {
        if (i++ % n_shards != shard)
            continue;
        sl_str name = sl_json_str(j, sl_json_at(j, t, 0), &c->arena);
        sl_json_ref shape = sl_json_at(j, t, 1);
        sl_str dims = sl_json_raw(j, shape), type = sl_json_raw(j, sl_json_at(j, t, 4));
        uint64_t count = 1;
        for (sl_json_ref d = sl_json_first(j, shape); d != SL_JSON_NONE;
             d = sl_json_after(j, shape, d)) {
            int64_t size = 0;
            sl_json_i64(j, d, &size);
            count *= (uint64_t)size;
        }
        size_t from = data.n;
        bool spoils = spoil && sl_str_find(name, sl_str_from(spoil)) != SIZE_MAX;
        put_values(&data, j, t, count, &c->arena, spoils ? value : 0);
        sl_buf_printf(
            &header, "%s\"%.*s\":{\"dtype\":%.*s,\"shape\":%.*s,\"data_offsets\":[%zu,%zu]}",
            header.n > 1 ? "," : "", SL_FMT(name), SL_FMT(type), SL_FMT(dims), from, data.n);
    }
    sl_buf_add_char(&header, '}');
    uint64_t n = header.n;
    sl_buf_add(&all, sl_str_of(&n, 8));
    sl_buf_add(&all, sl_buf_str(&header));
    sl_buf_add(&all, sl_buf_str(&data));
    assert_int_equal(sl_buf_rc(&all), SL_OK);
    put_file(folder, file, sl_buf_str(&all));
    sl_buf_free(&header);
    sl_buf_free(&data);
    sl_buf_free(&all);
}

static void put_shards(struct encoder_case *c, sl_json_ref list, uint32_t n)
{
    const struct sl_json *j = &c->json;
    struct sl_buf index;
    sl_buf_init(&index, 1 << 20);
    for (uint32_t s = 0; s < n; s++) {
        char name[64];
        snprintf(name, sizeof(name), "model-%u.safetensors", s);
        put_tensors(c, c->folder, name, list, s, n, NULL, 0);
    }
    sl_buf_add(&index, SL_STR("{\"metadata\":{},\"weight_map\":{"));
    uint32_t i = 0;
    for (sl_json_ref t = sl_json_first(j, list); t != SL_JSON_NONE; t = sl_json_after(j, list, t)) {
        sl_str name = sl_json_str(j, sl_json_at(j, t, 0), &c->arena);
        sl_buf_printf(&index, "%s\"%.*s\":\"model-%u.safetensors\"", i ? "," : "", SL_FMT(name),
                      i % n);
        i++;
    }
    sl_buf_add(&index, SL_STR("}}"));
    put_file(c->folder, "model.safetensors.index.json", sl_buf_str(&index));
    sl_buf_free(&index);
}

static void put_modules(struct encoder_case *c, sl_json_ref modules)
{
    const struct sl_json *j = &c->json;
    if (modules == SL_JSON_NONE)
        return;
    put_file(c->folder, "modules.json", sl_json_raw(j, modules));
    for (sl_json_ref m = sl_json_first(j, modules); m != SL_JSON_NONE;
         m = sl_json_after(j, modules, m)) {
        sl_json_ref config = sl_json_get(j, m, SL_STR("config"));
        sl_json_ref tensors = sl_json_get(j, m, SL_STR("tensors"));
        sl_str path = sl_json_str(j, sl_json_get(j, m, SL_STR("path")), &c->arena);
        char folder[128];
        snprintf(folder, sizeof(folder), "%s/%.*s", c->folder, SL_FMT(path));
        if (config == SL_JSON_NONE)
            continue;
        assert_int_equal(mkdir(folder, 0700), 0);
        put_file(folder, "config.json", sl_json_raw(j, config));
        if (tensors != SL_JSON_NONE)
            put_tensors(c, folder, "model.safetensors", tensors, 0, 1, NULL, 0);
    }
}

static void put_adapters(struct encoder_case *c, sl_json_ref adapters)
{
    const struct sl_json *j = &c->json;
    for (sl_json_ref a = adapters == SL_JSON_NONE ? SL_JSON_NONE : sl_json_first(j, adapters);
         a != SL_JSON_NONE; a = sl_json_after(j, adapters, a)) {
        assert_true(c->n_adapters < CASE_ADAPTERS);
        char *folder = c->adapters[c->n_adapters];
        snprintf(folder, sizeof(c->adapters[0]), "%s/adapter%u", c->folder, c->n_adapters);
        c->adapter_names[c->n_adapters++] = folder;
        assert_int_equal(mkdir(folder, 0700), 0);
        put_file(folder, "adapter_config.json",
                 sl_json_raw(j, sl_json_get(j, a, SL_STR("config"))));
        put_tensors(c, folder, "adapter_model.safetensors", sl_json_get(j, a, SL_STR("tensors")), 0,
                    1, NULL, 0);
    }
}

static void read_sequences(struct encoder_case *c)
{
    const struct sl_json *j = &c->json;
    sl_json_ref list = sl_json_get(j, 0, SL_STR("sequences"));
    sl_json_ref types = sl_json_get(j, 0, SL_STR("types"));
    c->n_sequences = sl_json_count(j, list);
    c->starts = SL_NEW_ARRAY(&c->arena, uint32_t, c->n_sequences + 1);
    c->ids = SL_NEW_ARRAY(&c->arena, uint32_t, 8192);
    c->types = types == SL_JSON_NONE ? NULL : SL_NEW_ARRAY(&c->arena, uint8_t, 8192);
    uint32_t s = 0;
    for (sl_json_ref q = sl_json_first(j, list); q != SL_JSON_NONE; q = sl_json_after(j, list, q)) {
        uint32_t i = 0;
        for (sl_json_ref v = sl_json_first(j, q); v != SL_JSON_NONE; v = sl_json_after(j, q, v)) {
            int64_t id = 0, type = 0;
            sl_json_i64(j, v, &id);
            if (c->types)
                sl_json_i64(j, sl_json_at(j, sl_json_at(j, types, s), i++), &type);
            if (c->types)
                c->types[c->n_tokens] = (uint8_t)type;
            assert_true(c->n_tokens < 8192);
            c->ids[c->n_tokens++] = (uint32_t)id;
        }
        c->starts[++s] = c->n_tokens;
    }
}

void encoder_case_open(struct encoder_case *c, const char *name)
{
    memset(c, 0, sizeof(*c));
    sl_arena_init(&c->arena, NULL, 64 << 20);
    snprintf(c->name, sizeof(c->name), "%s", name);
    snprintf(c->folder, sizeof(c->folder), "/tmp/sluice-encoder-XXXXXX");
    assert_non_null(mkdtemp(c->folder));
    char path[256];
    snprintf(path, sizeof(path), VECTORS "%s.json", name);
    struct sl_mapped file;
    struct sl_err err = {0};
    if (sl_map_file(&file, path, 16 << 20, &err) != SL_OK)
        fail_msg("%s", err.message);
    sl_str text = sl_arena_dup(&c->arena, file.bytes);
    sl_unmap_file(&file);
    if (sl_json_parse(&c->json, &c->arena, text, NULL, &err) != SL_OK)
        fail_msg("%s: %s", path, err.message);
    const struct sl_json *j = &c->json;
    put_file(c->folder, "config.json", sl_json_raw(j, sl_json_get(j, 0, SL_STR("config"))));
    int64_t shards = 0;
    sl_json_ref tensors = sl_json_get(j, 0, SL_STR("tensors"));
    if (sl_json_i64(j, sl_json_get(j, 0, SL_STR("shards")), &shards))
        put_shards(c, tensors, (uint32_t)shards);
    else
        put_tensors(c, c->folder, "model.safetensors", tensors, 0, 1, NULL, 0);
    put_modules(c, sl_json_get(j, 0, SL_STR("modules")));
    put_adapters(c, sl_json_get(j, 0, SL_STR("adapters")));
    sl_json_bool(j, sl_json_get(j, 0, SL_STR("honours_rope_scaling")), &c->honours_rope_scaling);
    read_sequences(c);
}

void encoder_case_spoil(struct encoder_case *c, const char *part, float value)
{
    put_tensors(c, c->folder, "model.safetensors", sl_json_get(&c->json, 0, SL_STR("tensors")), 0,
                1, part, value);
}

static void remove_tree(const char *folder)
{
    static const char *const patterns[] = {"/*/*", "/*", ""};
    for (size_t i = 0; i < SL_COUNT(patterns); i++) {
        char pattern[128];
        glob_t found;
        snprintf(pattern, sizeof(pattern), "%s%s", folder, patterns[i]);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++)
            remove(found.gl_pathv[k]);
        globfree(&found);
    }
}

void encoder_case_close(struct encoder_case *c)
{
    remove_tree(c->folder);
    sl_arena_reset(&c->arena);
}

struct sl_encoder *encoder_case_encoder(const struct encoder_case *c, enum sl_dtype precision,
                                        const struct sl_kernels *kernels)
{
    struct sl_encoder *e;
    struct sl_err err = {0};
    struct sl_encoder_options options = {.precision = precision,
                                         .kernels = kernels,
                                         .adapters = c->adapter_names,
                                         .n_adapters = c->n_adapters,
                                         .honours_rope_scaling = c->honours_rope_scaling};
    if (sl_encoder_open(&e, c->folder, &options, &err) != SL_OK)
        fail_msg("%s: %s", c->name, err.message);
    return e;
}

struct sl_sequences encoder_case_sequences(const struct encoder_case *c)
{
    return (struct sl_sequences){c->ids, c->types, c->starts, c->n_sequences};
}

const float *encoder_case_values(struct encoder_case *c, sl_json_ref expectation, uint32_t *n)
{
    const struct sl_json *j = &c->json;
    sl_json_ref list = sl_json_get(j, expectation, SL_STR("values"));
    float *values = SL_NEW_ARRAY(&c->arena, float, sl_json_count(j, list));
    assert_non_null(values);
    *n = 0;
    for (sl_json_ref v = sl_json_first(j, list); v != SL_JSON_NONE; v = sl_json_after(j, list, v)) {
        double value = 0;
        sl_json_f64(j, v, &value);
        values[(*n)++] = (float)value;
    }
    return values;
}

const char *const *encoder_case_names(void)
{
    static char names[64][64];
    static const char *list[65];
    glob_t found;
    assert_int_equal(glob(VECTORS "*.json", 0, NULL, &found), 0);
    assert_true(found.gl_pathc < 64);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *base = strrchr(found.gl_pathv[i], '/') + 1;
        snprintf(names[i], sizeof(names[i]), "%.*s", (int)(strlen(base) - 5), base);
        list[i] = names[i];
    }
    globfree(&found);
    return list;
}
