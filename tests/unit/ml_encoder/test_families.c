/* Every family, head, pooling, adapter and exit beside what transformers computes: 2e-4 and cosine
 * 0.9999 in F32 with every kernel table of this machine, and close in bf16 and int8. */
#include "unit.h"

#include "support/encoder_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define F32_LARGEST_DIFFERENCE 2e-4

struct bar {
    enum sl_dtype precision;
    double difference; /* 0: not asked */
    double cosine;     /* least, over the whole answer */
};

static double cosine_of(const float *a, const float *b, uint32_t n)
{
    double ab = 0, aa = 0, bb = 0;
    for (uint32_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / sqrt(aa * bb);
}

static void compare(const struct encoder_case *c, const char *what, const struct bar *bar,
                    const char *kernels, const float *found, const float *expected, uint32_t n)
{
    double largest = 0, cosine = cosine_of(found, expected, n);
    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(found[i]))
            fail_msg("%s %s: value %u is not finite", c->name, what, i);
        largest = fmax(largest, fabs((double)found[i] - expected[i]));
    }
    if (getenv("SLUICE_SHOW"))
        printf("%-26s %-10s %-8s %u: largest difference %.2e, cosine %.6f\n", c->name, what,
               kernels, bar->precision, largest, cosine);
    if ((bar->difference > 0 && largest > bar->difference) || !(cosine >= bar->cosine))
        fail_msg("%s %s (%s, precision %u): largest difference %g, cosine %.6f", c->name, what,
                 kernels, bar->precision, largest, cosine);
}

static uint32_t field(const struct encoder_case *c, sl_json_ref v, const char *key,
                      uint32_t fallback)
{
    int64_t value;
    sl_json_ref r = sl_json_get(&c->json, v, sl_str_from(key));
    return r != SL_JSON_NONE && sl_json_i64(&c->json, r, &value) ? (uint32_t)value : fallback;
}

typedef void check(struct encoder_case *, const struct sl_encoder *, struct sl_encoder_scratch *,
                   sl_json_ref, const struct bar *, const char *);

static void check_hidden(struct encoder_case *c, const struct sl_encoder *e,
                         struct sl_encoder_scratch *s, sl_json_ref v, const struct bar *bar,
                         const char *kernels)
{
    uint32_t n;
    const float *expected = encoder_case_values(c, v, &n);
    float *found = calloc(n, sizeof(float));
    struct sl_sequences in = encoder_case_sequences(c);
    struct sl_err err = {0};
    if (sl_encoder_hidden(e, &in, field(c, v, "layer", 0), s, found, &err) != SL_OK)
        fail_msg("%s: %s", c->name, err.message);
    compare(c, "hidden", bar, kernels, found, expected, n);
    free(found);
}

static void check_embedding(struct encoder_case *c, const struct sl_encoder *e,
                            struct sl_encoder_scratch *s, sl_json_ref v, const struct bar *bar,
                            const char *kernels)
{
    uint32_t n;
    const float *expected = encoder_case_values(c, v, &n);
    float *found = calloc(n, sizeof(float));
    struct sl_sequences in = encoder_case_sequences(c);
    struct sl_embed_options o = {.layer = field(c, v, "layer", 0), .dim = field(c, v, "dim", 0)};
    struct sl_err err = {0};
    if (sl_encoder_embed(e, &in, &o, s, found, &err) != SL_OK)
        fail_msg("%s: %s", c->name, err.message);
    uint32_t dim = n / c->n_sequences;
    assert_int_equal(n, (o.dim ? o.dim : sl_encoder_info(e).embedding_dim) * c->n_sequences);
    for (uint32_t i = 0; i < c->n_sequences; i++)
        compare(c, "embedding", bar, kernels, found + i * dim, expected + i * dim, dim);
    free(found);
}

static void check_logits(struct encoder_case *c, const struct sl_encoder *e,
                         struct sl_encoder_scratch *s, sl_json_ref v, const struct bar *bar,
                         const char *kernels)
{
    uint32_t n;
    const float *expected = encoder_case_values(c, v, &n);
    float *found = calloc(n, sizeof(float));
    struct sl_sequences in = encoder_case_sequences(c);
    struct sl_lane lane = {field(c, v, "adapter", SL_NO_ADAPTER), found};
    struct sl_err err = {0};
    if (sl_encoder_logits(e, &in, &lane, 1, s, &err) != SL_OK)
        fail_msg("%s: %s", c->name, err.message);
    compare(c, "logits", bar, kernels, found, expected, n);
    free(found);
}

static void check_all(struct encoder_case *c, const struct bar *bar,
                      const struct sl_kernels *kernels)
{
    static const struct {
        const char *key;
        check *run;
    } kinds[] = {
        {"hidden", check_hidden}, {"embeddings", check_embedding}, {"logits", check_logits}};
    struct sl_encoder *e = encoder_case_encoder(c, bar->precision, kernels);
    struct sl_encoder_scratch *s = sl_encoder_scratch_new(e, c->n_tokens, 1);
    assert_non_null(s);
    unsigned n_checked = 0;
    for (size_t i = 0; i < SL_COUNT(kinds); i++) {
        sl_json_ref list = sl_json_get(&c->json, 0, sl_str_from(kinds[i].key));
        for (sl_json_ref v = list == SL_JSON_NONE ? list : sl_json_first(&c->json, list);
             v != SL_JSON_NONE; v = sl_json_after(&c->json, list, v)) {
            kinds[i].run(c, e, s, v, bar, kernels->name);
            n_checked++;
        }
    }
    assert_true(n_checked > 0);
    sl_encoder_scratch_free(s);
    sl_encoder_close(e);
}

static void as_transformers(void **state)
{
    (void)state;
    static const struct bar f32 = {SL_DTYPE_F32, F32_LARGEST_DIFFERENCE, 0.9999};
    static const struct bar bf16 = {SL_DTYPE_BF16, 0, 0.999};
    static const struct bar i8 = {SL_DTYPE_I8, 0, 0.99};
    for (const char *const *name = encoder_case_names(); *name; name++) {
        struct encoder_case c;
        encoder_case_open(&c, *name);
        const struct sl_kernels *k;
        for (unsigned i = 0; (k = sl_kernels_at(i)); i++) {
            check_all(&c, &f32, k);
            check_all(&c, &bf16, k);
            check_all(&c, &i8, k);
        }
        encoder_case_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_transformers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
