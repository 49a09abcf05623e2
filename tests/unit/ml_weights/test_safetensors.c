/* safetensors: every type's values, names in order, and what a cut or lying file is told. */
#include "unit.h"

#include "ml/weights/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct file {
    char bytes[4096];
    size_t n;
};

static sl_str make(struct file *f, const char *header, const void *data, size_t n_data)
{
    size_t n = strlen(header);
    for (int i = 0; i < 8; i++)
        f->bytes[i] = (char)(n >> 8 * i);
    memcpy(f->bytes + 8, header, n);
    memcpy(f->bytes + 8 + n, data, n_data);
    f->n = 8 + n + n_data;
    return sl_str_of(f->bytes, f->n);
}

static void values_of_every_type(void **state)
{
    (void)state;
    struct {
        float f32[2];
        uint16_t f16[4];
        uint16_t bf16[2];
        double f64;
    } data = {{1.5f, -2}, {0x3c00, 0xc000, 0x0001, 0x7c00}, {0x3f80, 0xc040}, 0.25};
    struct file f;
    sl_str bytes = make(&f,
                        "{\"__metadata__\":{\"format\":\"pt\"},"
                        "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                        "\"a\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[8,16]},"
                        "\"c\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[16,20]},"
                        "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[24,32]}}",
                        &data, sizeof(data));
    struct sl_arena arena;
    sl_arena_init(&arena, NULL, 1 << 20);
    struct sl_safetensors s;
    struct sl_err err = {0};
    assert_int_equal(sl_safetensors_parse(&s, &arena, bytes, &err), SL_OK);
    assert_int_equal(s.n, 4);
    assert_true(sl_str_eq(s.tensors[0].name, SL_STR("a")));
    float v[4];
    sl_tensor_read(sl_safetensors_find(&s, SL_STR("b")), 0, 2, v);
    assert_true(v[0] == 1.5f && v[1] == -2);
    sl_tensor_read(sl_safetensors_find(&s, SL_STR("a")), 0, 4, v);
    assert_true(v[0] == 1 && v[1] == -2 && v[2] == 0x1p-24f && isinf(v[3]));
    sl_tensor_read(sl_safetensors_find(&s, SL_STR("c")), 1, 1, v);
    assert_true(v[0] == -3);
    sl_tensor_read(sl_safetensors_find(&s, SL_STR("d")), 0, 1, v);
    assert_true(v[0] == 0.25f);
    assert_null(sl_safetensors_find(&s, SL_STR("e")));
    char shape[64];
    assert_string_equal(sl_tensor_shape(sl_safetensors_find(&s, SL_STR("a")), shape), "[2, 2]");
    sl_arena_reset(&arena);
}

static void lies_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *header, *says;
    } cases[] = {
        {"[]", "expected an object"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9999]}}", "cut?"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", "do not fit"},
        {"{\"w\":{\"dtype\":\"Q4\",\"shape\":[3],\"data_offsets\":[0,8]}}", "dtype"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", "shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}",
         "shape"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}",
         "do not fit"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "data_offsets"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}", "shape"},
        {"{\"w\":{}, \"w\":{}}", "w"},
        {"{\"w\":", "header"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct file f;
        struct sl_arena arena;
        struct sl_safetensors s;
        struct sl_err err = {0};
        sl_arena_init(&arena, NULL, 1 << 20);
        sl_str bytes = make(&f, cases[i].header, "12345678", 8);
        if (sl_safetensors_parse(&s, &arena, bytes, &err) != SL_INVALID ||
            !strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].header, err.message);
        sl_arena_reset(&arena);
    }
}

static void cut_anywhere(void **state)
{
    (void)state;
    struct file f;
    float data[2] = {1, 2};
    sl_str bytes = make(&f, "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
                        data, sizeof(data));
    for (size_t n = 0; n < bytes.n; n++) {
        char *copy = malloc(n + 1); /* so that a read past the end is seen */
        memcpy(copy, bytes.p, n);
        struct sl_arena arena;
        struct sl_safetensors s;
        struct sl_err err = {0};
        sl_arena_init(&arena, NULL, 1 << 20);
        assert_int_equal(sl_safetensors_parse(&s, &arena, sl_str_of(copy, n), &err), SL_INVALID);
        assert_true(err.message[0]);
        sl_arena_reset(&arena);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(lies_are_named),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
