/* Every table against values worked out by hand or from published constants. */
#include "ml/kernel/kernel.h"
#include "unit.h"

#include <math.h>
#include <string.h>

#define EACH_TABLE(k)                                                                              \
    const struct sl_kernels *k;                                                                    \
    for (unsigned table_ = 0; (k = sl_kernels_at(table_)); table_++)

static void activations(void **state)
{
    (void)state;
    EACH_TABLE(k)
    {
        float x = 1, y;
        k->activate(SL_ACT_GELU, 1, &x, &y);
        assert_float_equal(y, 0.841345, 2e-6);
        k->activate(SL_ACT_GELU_TANH, 1, &x, &y);
        assert_float_equal(y, 0.841192, 2e-6);
        k->activate(SL_ACT_SILU, 1, &x, &y);
        assert_float_equal(y, 0.731059, 2e-6);
        k->activate(SL_ACT_TANH, 1, &x, &y);
        assert_float_equal(y, 0.761594, 2e-6);
    }
}

static void product(void **state)
{
    (void)state;
    /* W = [[1, 2], [3, 4], [0, -1]], x = [1, 2] and [0, 1]. */
    const float w[] = {1, 2, 3, 4, 0, -1}, x[] = {1, 2, 0, 1}, bias[] = {10, 20, 30};
    const float expected[] = {15, 31, 28, 12, 24, 29};
    _Alignas(64) char blob[SL_PANEL * SL_K_ALIGN * sizeof(float)];
    _Alignas(64) char scratch[1024];
    EACH_TABLE(k)
    {
        for (enum sl_dtype type = SL_DTYPE_F32; type <= SL_DTYPE_BF16; type++) {
            float out[6];
            struct sl_epilogue e = {.bias = bias, .out = out, .out_stride = 3};
            assert_true(sl_packed_bytes(type, 3, 2, false) <= sizeof blob);
            sl_pack(blob, type, 3, 2, w, 2, false);
            struct sl_weights view = sl_weights_view(blob, type, 3, 2, false);
            if (type == SL_DTYPE_F32)
                k->gemm_f32(2, x, 2, &view, &e);
            else
                k->gemm_bf16(2, x, 2, &view, &e, scratch);
            for (int i = 0; i < 6; i++)
                assert_float_equal(out[i], expected[i], 0);
        }
    }
}

static void quantised_rows(void **state)
{
    (void)state;
    const float x[] = {-2, 1, 0, 0, 0, 0, NAN, 1, 1};
    EACH_TABLE(k)
    {
        _Alignas(64) uint8_t codes[3 * 64];
        float scale[3];
        struct sl_rows_i8 q = {.codes = codes, .stride = 64, .scale = scale};
        k->quantise(3, 3, x, 3, &q);
        assert_int_equal(codes[0], 1);
        assert_int_equal(codes[1], 128 + 64); /* 63.5 rounds to even */
        assert_int_equal(codes[2], 128);
        assert_int_equal(codes[63], 128);
        assert_float_equal(scale[0], 2.0F / 127, 1e-9);
        assert_float_equal(scale[1], 0, 0);
        assert_true(isnan(scale[2]));
        for (int i = 64; i < 192; i++)
            assert_int_equal(codes[i], 128);
    }
}

static void attention_sees_its_window(void **state)
{
    (void)state;
    /* Equal scores: the output is the mean of the values in sight. */
    const float zeros[5] = {0}, values[5] = {1, 2, 4, 8, 16};
    EACH_TABLE(k)
    {
        _Alignas(64) static char scratch[128 * 1024];
        float out[5];
        struct sl_attention a = {.n_q = 5,
                                 .n_k = 5,
                                 .head_dim = 1,
                                 .q = zeros,
                                 .k = zeros,
                                 .v = values,
                                 .q_stride = 1,
                                 .k_stride = 1,
                                 .v_stride = 1,
                                 .scale = 1,
                                 .window = 1,
                                 .out = out,
                                 .out_stride = 1};
        assert_true(sl_attention_scratch_bytes(5, 1) <= sizeof scratch);
        k->attention(&a, scratch);
        assert_float_equal(out[0], 1.5, 1e-6);
        assert_float_equal(out[2], 14.0 / 3, 1e-5);
        assert_float_equal(out[4], 12, 1e-5);
        a.is_causal = true;
        k->attention(&a, scratch);
        assert_float_equal(out[0], 1, 1e-6);
        assert_float_equal(out[2], 3, 1e-6);
        a.window = 0;
        k->attention(&a, scratch);
        assert_float_equal(out[4], 31.0 / 5, 1e-5);
        a.q_position = 2;
        a.n_q = 1;
        k->attention(&a, scratch);
        assert_float_equal(out[0], 7.0 / 3, 1e-5);
    }
}

static void cosine(void **state)
{
    (void)state;
    const float v[] = {3, 4}, bank[] = {3, 4, -4, 3, 0, 0, -6, -8};
    EACH_TABLE(k)
    {
        float out[4];
        sl_cosine_many(k, 4, 2, v, bank, 2, out);
        assert_float_equal(out[0], 1, 1e-6);
        assert_float_equal(out[1], 0, 1e-6);
        assert_float_equal(out[2], 0, 0);
        assert_float_equal(out[3], -1, 1e-6);
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(sl_kernels_at(0)->name, "ref");
    assert_ptr_equal(sl_kernels_named("ref"), sl_kernels_at(0));
    assert_null(sl_kernels_named("mmx"));
    assert_non_null(sl_kernels_best());
    assert_int_equal(sl_packed_bytes(SL_DTYPE_I8, 3, 4, true), 0);
    assert_int_equal(sl_packed_bytes(SL_DTYPE_I8, 3, SL_MAX_K + 1, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(activations),    cmocka_unit_test(product),
        cmocka_unit_test(quantised_rows), cmocka_unit_test(attention_sees_its_window),
        cmocka_unit_test(cosine),         cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
