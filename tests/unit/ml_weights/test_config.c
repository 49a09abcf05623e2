/* config.json of each family, what is said of bad ones, and label maps. */
#include "unit.h"

#include "ml/weights/model_config.h"

#include <math.h>

static struct sl_arena arena;
static struct sl_err err;

static int fresh(void **state)
{
    (void)state;
    err = (struct sl_err){0};
    sl_arena_init(&arena, NULL, 4 << 20);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    sl_arena_reset(&arena);
    return 0;
}

static struct sl_model_config read_ok(const char *text)
{
    struct sl_model_config c;
    if (sl_model_config_parse(&c, &arena, sl_str_from(text), &err) != SL_OK)
        fail_msg("%s", err.message);
    return c;
}

#define SIZES                                                                                      \
    "\"vocab_size\":100,\"hidden_size\":64,\"num_hidden_layers\":6,\"num_attention_heads\":4,"     \
    "\"intermediate_size\":96,\"max_position_embeddings\":128"

static void families(void **state)
{
    (void)state;
    struct sl_model_config c = read_ok("{\"model_type\":\"bert\"," SIZES ",\"type_vocab_size\":2}");
    assert_int_equal(c.family, SL_FAMILY_BERT);
    assert_true(c.norm_epsilon == 1e-12f && c.head_dim == 16 && c.has_positions);

    c = read_ok("{\"model_type\":\"modernbert\"," SIZES ",\"local_attention\":8}");
    assert_int_equal(c.window, 4);
    assert_true(c.rope[0].theta == 160000 && c.rope[1].theta == 10000 && !c.pools_mean);
    assert_true(!c.is_local[0] && c.is_local[1] && c.is_local[2] && !c.is_local[3]);
    c = read_ok("{\"model_type\":\"modernbert\"," SIZES ",\"norm_eps\":0.001,"
                "\"classifier_pooling\":\"mean\",\"rope_parameters\":{\"full_attention\":{"
                "\"rope_theta\":5000,\"rope_type\":\"yarn\",\"factor\":4},\"sliding_attention\":{"
                "\"rope_theta\":600}},\"layer_types\":[\"sliding_attention\",\"full_attention\","
                "\"full_attention\",\"full_attention\",\"full_attention\",\"full_attention\"]}");
    assert_true(c.rope[0].theta == 5000 && c.rope[0].is_yarn && c.rope[0].factor == 4);
    assert_true(c.rope[1].theta == 600 && c.is_local[0] && !c.is_local[1] && c.pools_mean);
    assert_true(c.norm_epsilon == 0.001f);

    c = read_ok("{\"model_type\":\"qwen3\"," SIZES ",\"num_key_value_heads\":2,\"head_dim\":32,"
                "\"rope_theta\":1000000}");
    assert_true(c.is_causal && c.kv_heads == 2 && c.head_dim == 32 && c.act == SL_ACT_SILU);

    c = read_ok("{\"model_type\":\"gemma3_text\"," SIZES ",\"num_key_value_heads\":1,"
                "\"head_dim\":32,\"sliding_window\":16,\"use_bidirectional_attention\":true,"
                "\"query_pre_attn_scalar\":64}");
    assert_true(!c.is_causal && c.window == 8 && c.attention_scale == 0.125f);
    assert_true(c.is_local[0] && !c.is_local[5]);

    c = read_ok("{\"model_type\":\"deberta-v2\"," SIZES ",\"relative_attention\":true,"
                "\"position_buckets\":32,\"max_relative_positions\":-1,\"share_att_key\":true,"
                "\"pos_att_type\":\"p2c|c2p\",\"norm_rel_ebd\":\"layer_norm\","
                "\"position_biased_input\":false}");
    assert_true(c.relative.c2p && c.relative.p2c && c.relative.buckets == 32);
    assert_true(c.relative.max_distance == 128 && !c.has_positions);
    assert_true(fabsf(c.attention_scale - 1 / sqrtf(48)) < 1e-6f);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"model_type\":\"moderbert\"," SIZES "}", "nearest: modernbert"},
        {"{" SIZES "}", "model_type"},
        {"{\"model_type\":\"bert\"}", "vocab_size: the field is missing"},
        {"{\"model_type\":\"bert\",\"vocab_size\":-3}", "found -3"},
        {"{\"model_type\":\"bert\",\"vocab_size\":\"x\"}", "found \"x\""},
        {"{\"model_type\":\"bert\"," SIZES ",\"hidden_act\":\"mish\"}", "mish"},
        {"{\"model_type\":\"qwen3\"," SIZES ",\"num_key_value_heads\":3}", "multiple"},
        {"{\"model_type\":\"modernbert\"," SIZES ",\"layer_types\":[1]}", "layer_types"},
        {"{\"model_type\":\"modernbert\"," SIZES ",\"classifier_pooling\":\"max\"}", "max"},
        {"{\"model_type\":\"qwen3\"," SIZES ",\"rope_scaling\":{\"type\":\"dynamic\"}}", "dynamic"},
        {"{\"model_type\":\"deberta-v2\"," SIZES ",\"conv_kernel_size\":3}", "conv_kernel_size"},
        {"{\"model_type\":\"bert\"," SIZES ",\"id2label\":{\"0\":\"a\",\"2\":\"b\"}}",
         "contiguous"},
        {"[1]", "expected an object"},
        {"", "config.json"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++) {
        struct sl_model_config c;
        err = (struct sl_err){0};
        if (sl_model_config_parse(&c, &arena, sl_str_from(cases[i].text), &err) == SL_OK ||
            !strstr(err.message, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.message);
    }
}

static void labels(void **state)
{
    (void)state;
    struct sl_labels l;
    assert_int_equal(
        sl_labels_parse(&l, &arena,
                        SL_STR("{\"label_to_idx\":{\"benign\":0,\"jailbreak\":1},"
                               "\"id_to_label\":{\"0\":\"benign\",\"1\":\"jailbreak\"}}"),
                        &err),
        SL_OK);
    assert_int_equal(l.n, 2);
    assert_int_equal(sl_labels_index(&l, SL_STR("jailbreak")), 1);
    assert_int_equal(sl_labels_index(&l, SL_STR("Jailbreak")), 2);
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{\"label_to_idx\":{\"a\":0,\"b\":2}}", "contiguous"},
        {"{\"label_to_idx\":{\"jailbreak\":1,\"x\":0},\"id_to_label\":{\"0\":\"jailbreak\"}}",
         "index 0 is both"},
        {"{\"idx_to_label\":{\"0\":\"a\",\"1\":\"a\"}}", "has two indices"},
        {"{\"idx_to_label\":{\"zero\":\"a\"}}", "number as key"},
        {"{\"idx_to_label\":{\"0\":1}}", "expected a label"},
        {"{\"label_to_idx\":{\"a\":99999999}}", "99999999"},
        {"{\"label_to_idx\":[]}", "expected an object"},
        {"{}", "no labels"},
        {"[]", "expected an object"},
    };
    for (size_t i = 0; i < SL_COUNT(bad); i++) {
        err = (struct sl_err){0};
        if (sl_labels_parse(&l, &arena, sl_str_from(bad[i].text), &err) == SL_OK ||
            !strstr(err.message, bad[i].says))
            fail_msg("%s: %s", bad[i].text, err.message);
    }
    assert_int_equal(sl_labels_numbered(&l, &arena, 3, &err), SL_OK);
    assert_string_equal(l.names[2].p, "LABEL_2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(families, fresh, drop),
        cmocka_unit_test_setup_teardown(mistakes_are_named, fresh, drop),
        cmocka_unit_test_setup_teardown(labels, fresh, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
