#include "support/kernel_cases.h"

#include "base/rc.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static const struct sl_kernels *ref, *tested;
static unsigned failures, checks;
static uint32_t seed;

SL_PRINTF(2, 3) static void fail(const char *what, const char *format, ...)
{
    va_list args;
    if (++failures > 12)
        return;
    fprintf(stderr, "%s %s: ", tested->name, what);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

static uint32_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static float value(void)
{
    return (float)(int32_t)next() / 1073741824.0F; /* (-2, 2) */
}

/* Memory that ends where a page begins that may not be touched. Freed all at once. */
static struct {
    void *at;
    size_t bytes;
} pages[64];
static unsigned page_count;

static void *guarded(size_t bytes)
{
    const size_t page = 65536; /* at least a page on any machine */
    size_t whole = (bytes + page - 1) / page * page;
    char *at = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || page_count == 64 || mprotect(at + whole, page, PROT_NONE)) {
        fprintf(stderr, "kernel_cases: no memory\n");
        exit(1);
    }
    pages[page_count].at = at;
    pages[page_count++].bytes = whole + page;
    return at + whole - bytes;
}

static void release(void)
{
    while (page_count) {
        page_count--;
        munmap(pages[page_count].at, pages[page_count].bytes);
    }
}

static float *random_floats(size_t count)
{
    float *x = guarded(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = value();
    return x;
}

static float *copy_floats(const float *from, size_t count)
{
    float *x = guarded(count * sizeof *x);
    memcpy(x, from, count * sizeof *x);
    return x;
}

static bool near(float a, float b, float tolerance)
{
    checks++;
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    if (isinf(a) || isinf(b))
        return a == b;
    return fabsf(a - b) <= tolerance * (1 + fabsf(b));
}

static void compare(const char *what, const char *shape, const float *got, const float *want,
                    size_t count, float tolerance)
{
    for (size_t i = 0; i < count; i++) {
        if (!near(got[i], want[i], tolerance)) {
            fail(what, "%s [%zu]: %.9g, reference %.9g", shape, i, (double)got[i], (double)want[i]);
            return;
        }
    }
}

struct product_case {
    enum sl_dtype type;
    uint32_t m, n, k;
    bool is_gated, has_bias, has_residual, is_in_place;
    enum sl_act act;
};

static void run_product(const struct sl_kernels *k, const struct product_case *c, const float *x,
                        size_t x_stride, const struct sl_rows_i8 *q, const struct sl_weights *w,
                        const struct sl_epilogue *e)
{
    if (c->type == SL_DTYPE_I8)
        k->gemm_i8(c->m, q, w, e);
    else if (c->type == SL_DTYPE_F32)
        k->gemm_f32(c->m, x, x_stride, w, e);
    else
        k->gemm_bf16(c->m, x, x_stride, w, e, guarded(sl_gemm_bf16_scratch_bytes(c->m, c->k) + 64));
}

static void product(const struct product_case *c)
{
    char shape[160];
    snprintf(shape, sizeof shape, "type %d m %u n %u k %u gated %d bias %d residual %d/%d act %d",
             (int)c->type, c->m, c->n, c->k, c->is_gated, c->has_bias, c->has_residual,
             c->is_in_place, (int)c->act);
    uint32_t columns = c->is_gated ? c->n / 2 : c->n;
    size_t stride = columns + 3, x_stride = c->k + 1;
    float *x = random_floats(c->m ? (c->m - 1) * x_stride + c->k : 0);
    float *w = random_floats((size_t)c->n * c->k), *bias = random_floats(c->n);
    float *residual = random_floats(c->m * stride);
    for (uint32_t i = 0; i < c->n * c->k; i++)
        w[i] *= 0.25F;
    if (c->type == SL_DTYPE_BF16) {
        /* Tables may round activations; these survive it. */
        for (uint32_t i = 0; c->m && i < (c->m - 1) * x_stride + c->k; i++)
            x[i] = sl_bf16_to_f32(sl_f32_to_bf16(x[i]));
    }
    void *blob = guarded(sl_packed_bytes(c->type, c->n, c->k, c->is_gated));
    sl_pack(blob, c->type, c->n, c->k, w, c->k, c->is_gated);
    struct sl_weights view = sl_weights_view(blob, c->type, c->n, c->k, c->is_gated);
    struct sl_rows_i8 q = {.stride = sl_k_padded(c->k)};
    q.codes = guarded(c->m * q.stride);
    q.scale = guarded(c->m * sizeof *q.scale);
    ref->quantise(c->m, c->k, x, x_stride, &q);
    float *out[2];
    for (int i = 0; i < 2; i++) {
        out[i] = copy_floats(residual, c->m * stride);
        struct sl_epilogue e = {.bias = c->has_bias ? bias : NULL,
                                .act = c->act,
                                .residual = !c->has_residual ? NULL
                                            : c->is_in_place ? out[i]
                                                             : residual,
                                .residual_stride = stride,
                                .out = out[i],
                                .out_stride = stride};
        run_product(i ? tested : ref, c, x, x_stride, &q, &view, &e);
    }
    float tolerance = c->type == SL_DTYPE_I8 ? 4e-6F : 1e-5F;
    compare("product", shape, out[1], out[0], c->m * stride, tolerance);
    release();
}

static void products(void)
{
    static const uint32_t ns[] = {0, 1, 15, 16, 17, 31, 32, 33, 48, 64, 66, 98};
    static const uint32_t ks[] = {0, 1, 2, 3, 4, 5, 63, 64, 65, 127, 128, 200};
    static const uint32_t ms[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                  12, 13, 14, 15, 16, 17, 23, 24, 25, 31, 33, 49};
    unsigned turn = 0;
    for (enum sl_dtype type = SL_DTYPE_F32; type <= SL_DTYPE_I8; type++) {
        for (unsigned m = 0; m < sizeof ms / sizeof *ms; m++) {
            for (unsigned n = 0; n < sizeof ns / sizeof *ns; n++) {
                for (unsigned k = turn % 4; k < sizeof ks / sizeof *ks; k += 4, turn++) {
                    struct product_case c = {.type = type,
                                             .m = ms[m],
                                             .n = ns[n],
                                             .k = ks[k],
                                             .is_gated = turn % 3 == 0 && ns[n] % 2 == 0,
                                             .has_bias = turn % 2,
                                             .has_residual = turn / 2 % 2,
                                             .is_in_place = turn / 4 % 2,
                                             .act = (enum sl_act)(turn / 3 % 6)};
                    product(&c);
                }
            }
        }
    }
    /* Rows that do not fit one chunk of the second-level cache. */
    product(&(struct product_case){.type = SL_DTYPE_I8, .m = 150, .n = 33, .k = 6000});
}

/* Sums of u8 x s8 pairs at their extremes: a saturating multiply-add would be off. */
static void extremes(void)
{
    const uint32_t m = 13, n = 40, k = 1030;
    float *w = guarded(n * k * sizeof *w);
    uint8_t *codes = guarded(m * sl_k_padded(k));
    float *scale = guarded(m * sizeof *scale);
    void *blob = guarded(sl_packed_bytes(SL_DTYPE_I8, n, k, false));
    for (uint32_t i = 0; i < n * k; i++)
        w[i] = i / k % 3 == 0 ? 127 : i / k % 3 == 1 ? -127 : i % 2 ? 127 : -127;
    for (uint32_t i = 0; i < m; i++) {
        scale[i] = 1;
        for (uint32_t j = 0; j < sl_k_padded(k); j++)
            codes[i * sl_k_padded(k) + j] = i % 3 == 0 ? 255 : i % 3 == 1 ? 1 : j % 2 ? 255 : 1;
    }
    sl_pack(blob, SL_DTYPE_I8, n, k, w, k, false);
    struct sl_weights view = sl_weights_view(blob, SL_DTYPE_I8, n, k, false);
    struct sl_rows_i8 q = {.codes = codes, .stride = sl_k_padded(k), .scale = scale};
    float *got = guarded(m * n * sizeof *got), *want = guarded(m * n * sizeof *want);
    ref->gemm_i8(m, &q, &view, &(struct sl_epilogue){.out = want, .out_stride = n});
    tested->gemm_i8(m, &q, &view, &(struct sl_epilogue){.out = got, .out_stride = n});
    /* Below 2^24 in size every sum is a float, so they agree in every bit. */
    compare("extremes", "", got, want, m * n, 0);
    if (want[0] != 127.0F * 127 * (float)k || want[1] != -127.0F * 127 * (float)k)
        fail("extremes", "the reference is wrong: %g", (double)want[0]);
    release();
}

static const uint32_t widths[] = {1,  2,  3,  7,  8,  9,   15,  16,  17,  31,  32,
                                  33, 47, 48, 64, 65, 127, 128, 384, 768, 1025};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void compare_codes(const char *what, const char *shape, uint32_t m, uint32_t k,
                          const struct sl_rows_i8 *got, const struct sl_rows_i8 *want, int slack)
{
    compare(what, shape, got->scale, want->scale, m, slack ? 1e-5F : 0);
    for (uint32_t i = 0; i < m; i++) {
        for (size_t j = 0; j < sl_k_padded(k); j++) {
            int a = got->codes[i * got->stride + j], b = want->codes[i * want->stride + j];
            checks++;
            if (abs(a - b) > (j < k ? slack : 0)) {
                fail(what, "%s code [%u, %zu]: %d, reference %d", shape, i, j, a, b);
                return;
            }
        }
    }
}

static struct sl_rows_i8 new_rows(uint32_t m, uint32_t k)
{
    struct sl_rows_i8 q = {.stride = sl_k_padded(k)};
    q.codes = guarded(m * q.stride);
    q.scale = guarded(m * sizeof(float));
    return q;
}

static void quantising(void)
{
    for (unsigned i = 0; i < WIDTHS; i++) {
        const uint32_t m = 7, k = widths[i];
        char shape[32];
        snprintf(shape, sizeof shape, "k %u", k);
        float *x = random_floats(m * k);
        memset(x, 0, k * sizeof *x);
        x[k] = NAN;
        x[2 * k + k / 2] = -INFINITY;
        for (uint32_t j = 0; j < k; j++)
            x[3 * k + j] *= 1e-37F;
        for (uint32_t j = 0; j < k; j++)
            x[4 * k + j] *= 1e38F;
        struct sl_rows_i8 got = new_rows(m, k), want = new_rows(m, k);
        ref->quantise(m, k, x, k, &want);
        tested->quantise(m, k, x, k, &got);
        compare_codes("quantise", shape, m, k, &got, &want, 0);
        release();
    }
    tested->quantise(0, 16, NULL, 16, &(struct sl_rows_i8){.stride = 64});
}

static void norm_case(uint32_t d, bool is_layer, unsigned turn)
{
    const uint32_t m = 5;
    size_t stride = d + turn % 2;
    char shape[64];
    snprintf(shape, sizeof shape, "d %u layer %d turn %u", d, is_layer, turn);
    float *x = random_floats(m * stride), *weight = random_floats(d), *bias = random_floats(d);
    if (turn % 3 == 2)
        x[stride] = NAN;
    struct sl_rows_i8 q[2] = {new_rows(m, d), new_rows(m, d)};
    float *out[2];
    for (int i = 0; i < 2; i++) {
        out[i] = copy_floats(x, m * stride);
        struct sl_norm norm = {.m = m,
                               .d = d,
                               .x = turn & 8 ? out[i] : x,
                               .x_stride = stride,
                               .weight = turn & 1 ? weight : NULL,
                               .bias = turn & 2 ? bias : NULL,
                               .epsilon = 1e-5F,
                               .out = turn & 4 ? NULL : out[i],
                               .out_stride = stride,
                               .q = turn % 3 ? &q[i] : NULL};
        if (norm.x == out[i] && !norm.out)
            norm.x = x;
        (is_layer ? (i ? tested : ref)->layer_norm : (i ? tested : ref)->rms_norm)(&norm);
    }
    /* A row of one value has no variance: what is left is rounding of the mean, amplified. */
    compare(is_layer ? "layer_norm" : "rms_norm", shape, out[1], out[0], m * stride, 2e-5F);
    if (turn % 3)
        compare_codes("norm codes", shape, m, d, &q[1], &q[0], 1);
    release();
}

static void norms(void)
{
    for (unsigned i = 0; i < WIDTHS; i++)
        for (unsigned turn = 0; turn < 16; turn++) {
            norm_case(widths[i], true, turn);
            norm_case(widths[i], false, turn);
        }
    norm_case(2500, true, 5);
    struct sl_norm empty = {.epsilon = 1};
    tested->layer_norm(&empty);
    tested->rms_norm(&empty);
}

static void softmaxes(void)
{
    for (unsigned i = 0; i < WIDTHS; i++) {
        const uint32_t m = 4, n = widths[i];
        char shape[32];
        snprintf(shape, sizeof shape, "n %u", n);
        float *want = random_floats(m * n);
        for (uint32_t j = 0; j < n; j++) {
            want[n + j] *= 60;
            if (j % 3)
                want[2 * n + j] = -INFINITY;
        }
        want[3 * n + n / 2] = NAN;
        float *got = copy_floats(want, m * n);
        ref->softmax(m, n, want, n);
        tested->softmax(m, n, got, n);
        compare("softmax", shape, got, want, m * n, 1e-6F);
        release();
    }
    tested->softmax(3, 0, NULL, 0);
}

static void activations(void)
{
    for (int act = SL_ACT_NONE; act <= SL_ACT_TANH; act++) {
        const uint32_t n = 40003;
        char shape[32];
        snprintf(shape, sizeof shape, "act %d", act);
        float *x = guarded(n * sizeof *x), *gate = random_floats(n);
        for (uint32_t i = 0; i < n; i++)
            x[i] = ((float)i - 20000) / 2000; /* -10 .. 10 */
        x[0] = -1e30F;
        x[1] = 1e30F;
        x[2] = NAN;
        x[3] = INFINITY;
        x[4] = 1e-40F;
        float *got = guarded(n * sizeof *got), *want = guarded(n * sizeof *want);
        ref->activate(act, n, x, want);
        tested->activate(act, n, x, got);
        for (uint32_t i = 0; i < n; i++) {
            if (isfinite(want[i]) && fabsf(want[i]) < 100 && fabsf(got[i] - want[i]) > 2e-6F) {
                fail("activate", "%s of %g: %.9g, reference %.9g", shape, (double)x[i],
                     (double)got[i], (double)want[i]);
                break;
            }
        }
        compare("activate", shape, got, want, n, 2e-6F);
        for (uint32_t count = 0; count < 40; count++) {
            ref->glu(act, count, x + n - count, gate + n - count, want + n - count);
            memcpy(got + n - count, gate + n - count, count * sizeof *got);
            tested->glu(act, count, x + n - count, got + n - count, got + n - count);
            compare("glu", shape, got + n - count, want + n - count, count, 4e-6F);
        }
        release();
    }
}

static void ropes(void)
{
    static const uint32_t dims[] = {2, 4, 8, 16, 30, 32, 34, 64, 128, 256};
    for (unsigned i = 0; i < sizeof dims / sizeof *dims; i++) {
        uint32_t m = 3, heads = 1 + i % 4, d = dims[i];
        size_t stride = (size_t)heads * d + 5;
        float *want = random_floats(m * stride), *got = copy_floats(want, m * stride);
        float *cos = random_floats(m * d / 2), *sin = random_floats(m * d / 2);
        ref->rope(m, heads, d, want, stride, cos, sin);
        tested->rope(m, heads, d, got, stride, cos, sin);
        compare("rope", "", got, want, m * stride, 1e-6F);
        release();
    }
}

static void gathers(void)
{
    static const uint32_t ids[] = {3, 0, 9, 10, 4000000000u, 3};
    const uint32_t m = sizeof ids / sizeof *ids, rows = 10;
    for (unsigned i = 0; i < WIDTHS; i++) {
        uint32_t d = widths[i];
        float *f32 = random_floats((size_t)rows * d), *scale = random_floats(rows);
        uint16_t *bf16 = guarded((size_t)rows * d * sizeof *bf16);
        int8_t *i8 = guarded((size_t)rows * d);
        for (uint32_t j = 0; j < rows * d; j++) {
            bf16[j] = sl_f32_to_bf16(f32[j]);
            i8[j] = (int8_t)((int)(next() % 255) - 127);
        }
        struct sl_table tables[] = {{SL_DTYPE_F32, rows, d, f32, NULL},
                                    {SL_DTYPE_BF16, rows, d, bf16, NULL},
                                    {SL_DTYPE_I8, rows, d, i8, scale}};
        float *want = random_floats((size_t)m * d), *got = copy_floats(want, (size_t)m * d);
        for (int t = 0; t < 6; t++) {
            ref->gather(&tables[t % 3], m, ids, t > 2, want, d);
            tested->gather(&tables[t % 3], m, ids, t > 2, got, d);
            compare("gather", "", got, want, (size_t)m * d, 1e-6F);
        }
        release();
    }
}

static void poolings(void)
{
    for (unsigned i = 0; i < WIDTHS; i++) {
        uint32_t d = widths[i];
        for (uint32_t m = 0; m < 6; m++) {
            float *x = random_floats((size_t)m * d);
            float *want = guarded(d * sizeof *want), *got = guarded(d * sizeof *got);
            ref->mean(m, d, x, d, want);
            tested->mean(m, d, x, d, got);
            compare("mean", "", got, want, d, 1e-6F);
            float a = ref->l2_normalise(d, want, 1e-12F), b = tested->l2_normalise(d, got, 1e-12F);
            compare("l2_normalise", "", got, want, d, 1e-5F);
            compare("l2 norm", "", &b, &a, 1, 1e-5F);
            release();
        }
        for (uint32_t rows = 0; rows < 10; rows++) {
            float *v = random_floats(d), *bank = random_floats((size_t)rows * d);
            int8_t *v8 = guarded(d), *bank8 = guarded((size_t)rows * d);
            float *scale = random_floats(rows);
            for (uint32_t j = 0; j < d; j++)
                v8[j] = (int8_t)(j % 5 ? (int)(next() % 255) - 127 : 127);
            for (uint32_t j = 0; j < rows * d; j++)
                bank8[j] = (int8_t)(j % 7 ? (int)(next() % 255) - 127 : -127);
            float *want = guarded(rows * sizeof *want), *got = guarded(rows * sizeof *got);
            ref->dot_f32(rows, d, v, bank, d, want);
            tested->dot_f32(rows, d, v, bank, d, got);
            compare("dot_f32", "", got, want, rows, 2e-5F);
            ref->dot_i8(rows, d, v8, 0.5F, bank8, d, scale, want);
            tested->dot_i8(rows, d, v8, 0.5F, bank8, d, scale, got);
            compare("dot_i8", "", got, want, rows, 0);
            release();
        }
    }
}

static void attention_case(uint32_t n_q, uint32_t n_k, uint32_t d, unsigned turn)
{
    static const uint32_t windows[] = {0, 1, 5, 64, 200};
    char shape[96];
    uint32_t window = windows[turn % 5], position = turn % 7 == 3 && n_k > n_q ? n_k - n_q : 0;
    snprintf(shape, sizeof shape, "n_q %u n_k %u d %u turn %u", n_q, n_k, d, turn);
    size_t stride = d + turn % 3;
    float *q = random_floats(n_q * stride), *k = random_floats(n_k * stride);
    float *v = random_floats(n_k * stride), *bias = random_floats((size_t)n_q * n_k);
    if (turn % 11 == 7 && n_q > 2)
        q[2 * stride] = NAN;
    for (uint32_t i = 0; i < n_q && turn % 4 == 1; i++)
        for (uint32_t j = 0; j < d; j++)
            q[i * stride + j] *= 20; /* a sharp softmax, maxima that move */
    float *out[2] = {random_floats(n_q * stride), NULL};
    out[1] = copy_floats(out[0], n_q * stride);
    size_t bytes = (sl_attention_scratch_bytes(n_k, d) + 63) / 64 * 64;
    for (int i = 0; i < 2; i++) {
        struct sl_attention a = {.n_q = n_q,
                                 .n_k = n_k,
                                 .head_dim = d,
                                 .q_position = position,
                                 .q = q,
                                 .k = k,
                                 .v = v,
                                 .q_stride = stride,
                                 .k_stride = stride,
                                 .v_stride = stride,
                                 .scale = 1 / sqrtf((float)d),
                                 .is_causal = turn % 3 == 1,
                                 .window = window,
                                 .bias = turn % 6 == 5 ? bias : NULL,
                                 .bias_stride = n_k,
                                 .out = out[i],
                                 .out_stride = stride};
        (i ? tested : ref)->attention(&a, guarded(bytes));
    }
    /* Sharp scores are near 100, where a float's step is 8e-6: so much a weight may be off. */
    compare("attention", shape, out[1], out[0], n_q * stride, turn % 4 == 1 ? 1e-4F : 1e-5F);
    release();
}

static void attentions(void)
{
    static const uint32_t dims[] = {1, 3, 16, 17, 32, 48, 64, 80, 128, 256};
    unsigned turn = 0;
    for (uint32_t n = 0; n <= 40; n++)
        attention_case(n, n, dims[n % 10], turn++);
    for (unsigned d = 0; d < 10; d++) {
        attention_case(1, 50, dims[d], turn++);
        attention_case(60, 1, dims[d], turn++);
        attention_case(49, 257, dims[d], turn++);
    }
    for (unsigned i = 0; i < 15; i++) {
        attention_case(255 + i % 3, 255 + i % 3, 32, turn++);
        attention_case(530, 530, 16, turn++);
        attention_case(9, 600, 64, turn++);
    }
}

unsigned kernel_cases_run(const struct sl_kernels *kernels)
{
    ref = sl_kernels_named("ref");
    tested = kernels;
    failures = checks = 0;
    seed = 20240607;
    products();
    extremes();
    quantising();
    norms();
    softmaxes();
    activations();
    ropes();
    gathers();
    poolings();
    attentions();
    if (checks < 100000)
        fail("all", "only %u values were compared", checks);
    return failures;
}
