/* The encoder kernels on one thread. Ours and the rival's runs alternate in short pieces, timed by
 * the thread's own processor time; the best of each counts, since others on the machine only add.
 */
#include "ml/kernel/kernel.h"
#include "parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 40 };

static const struct sl_kernels *kernels;

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void *room(size_t bytes)
{
    void *at = aligned_alloc(64, (bytes + 127) / 64 * 64);
    memset(at, 0, bytes);
    return at;
}

static float *floats(size_t count)
{
    float *x = room(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(i * 7919 % 2003) / 1001.5F - 1;
    return x;
}

typedef void call(const void *);

/* Seconds of one call: the mean of as many as take about 2 ms. */
static double measure(call *f, const void *with)
{
    double from = seconds_now();
    f(with);
    double once = seconds_now() - from;
    unsigned count = once > 2e-3 ? 1 : (unsigned)(2e-3 / (once + 1e-8)) + 1;
    from = seconds_now();
    for (unsigned i = 0; i < count; i++)
        f(with);
    return (seconds_now() - from) / count;
}

static double best_of(call *f, const void *with)
{
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double took = measure(f, with);
        best = took < best ? took : best;
    }
    return best;
}

struct product {
    uint32_t m;
    struct sl_rows_i8 q;
    const float *x;
    size_t x_stride;
    struct sl_weights w;
    struct sl_epilogue e;
    void *scratch;
};

static void run_i8(const void *with)
{
    const struct product *p = with;
    kernels->gemm_i8(p->m, &p->q, &p->w, &p->e);
}

static void run_f32(const void *with)
{
    const struct product *p = with;
    kernels->gemm_f32(p->m, p->x, p->x_stride, &p->w, &p->e);
}

static void run_bf16(const void *with)
{
    const struct product *p = with;
    kernels->gemm_bf16(p->m, p->x, p->x_stride, &p->w, &p->e, p->scratch);
}

static void run_rival(const void *with)
{
    (void)with;
    rival_run();
}

static struct product prepare(enum sl_dtype type, uint32_t m, uint32_t n, uint32_t k)
{
    struct product p = {.m = m, .x = floats((size_t)m * k), .x_stride = k};
    float *w = floats((size_t)n * k);
    void *blob = room(sl_packed_bytes(type, n, k, false));
    sl_pack(blob, type, n, k, w, k, false);
    free(w);
    p.w = sl_weights_view(blob, type, n, k, false);
    p.q.stride = sl_k_padded(k);
    p.q.codes = room(m * p.q.stride);
    p.q.scale = room(m * sizeof(float));
    kernels->quantise(m, k, p.x, k, &p.q);
    p.scratch = room(sl_gemm_bf16_scratch_bytes(m, k));
    p.e.bias = floats(n);
    p.e.out = room((size_t)m * n * sizeof(float));
    p.e.out_stride = n;
    return p;
}

static void i8_products(void)
{
    static const uint32_t shapes[][3] = {{128, 768, 768},  {32, 1536, 384},  {32, 384, 1536},
                                         {128, 384, 384},  {128, 1536, 384}, {512, 384, 1536},
                                         {512, 2304, 768}, {32, 2304, 768},  {16, 768, 768},
                                         {8, 768, 768},    {1, 768, 768}};
    double peak = peak_i8();
    printf("int8 products [m, k] x [k, n] + bias; peak of the multiply units %.0f GOP/s\n", peak);
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        uint32_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
        struct product p = prepare(SL_DTYPE_I8, m, n, k);
        double ours = 1e9, theirs = 1e9, ops = 2.0 * m * n * k;
        bool has_rival = rival_prepare(m, n, k);
        for (int round = 0; round < ROUNDS; round++) {
            ours = fmin(ours, measure(run_i8, &p));
            if (has_rival)
                theirs = fmin(theirs, measure(run_rival, NULL));
        }
        if (has_rival)
            rival_release();
        printf("  %4u x %4u x %4u  %8.1f us  %6.0f GOP/s  %3.0f %% of peak  oneDNN %6.0f  ratio "
               "%.2f\n",
               m, k, n, ours * 1e6, ops / ours / 1e9, peak > 0 ? 100 * ops / ours / 1e9 / peak : 0,
               has_rival ? ops / theirs / 1e9 : 0, has_rival ? theirs / ours : 0);
    }
}

static void float_products(void)
{
    static const uint32_t shapes[][3] = {{128, 768, 768}, {32, 1536, 384}};
    double peak = peak_f32();
    printf("f32 and bf16 products; peak of f32 %.0f GFLOP/s\n", peak);
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        uint32_t m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
        struct product p = prepare(SL_DTYPE_F32, m, n, k);
        double f32 = best_of(run_f32, &p);
        p = prepare(SL_DTYPE_BF16, m, n, k);
        double bf16 = best_of(run_bf16, &p), ops = 2.0 * m * n * k;
        printf("  %4u x %4u x %4u  f32 %5.0f GFLOP/s  bf16 %5.0f GFLOP/s\n", m, k, n,
               ops / f32 / 1e9, ops / bf16 / 1e9);
    }
}

static void run_attention(const void *with)
{
    static void *scratch;
    if (!scratch)
        scratch = room(sl_attention_scratch_bytes(8192, 64));
    kernels->attention(with, scratch);
}

static void attentions(void)
{
    static const uint32_t shapes[][3] = {{32, 32, 0},   {128, 32, 0},  {512, 32, 0},
                                         {128, 64, 0},  {512, 64, 0},  {512, 64, 64},
                                         {2048, 64, 0}, {8192, 64, 64}};
    double peak = peak_f32();
    printf("attention of one head (4 n keys d FLOP; softmax not counted)\n");
    for (unsigned i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        uint32_t n = shapes[i][0], d = shapes[i][1], window = shapes[i][2];
        float *qkv = floats((size_t)n * d * 36), *out = floats((size_t)n * d * 12);
        struct sl_attention a = {.n_q = n,
                                 .n_k = n,
                                 .head_dim = d,
                                 .q = qkv,
                                 .k = qkv + 12 * d,
                                 .v = qkv + 24 * d,
                                 .q_stride = 36 * d,
                                 .k_stride = 36 * d,
                                 .v_stride = 36 * d,
                                 .scale = 1 / sqrtf((float)d),
                                 .window = window,
                                 .out = out,
                                 .out_stride = 12 * d};
        double took = best_of(run_attention, &a), keys = window ? 2.0 * window + 1 : n;
        printf(
            "  n %4u  d %2u  window %3u  %9.1f us  %6.3f ns a score  %5.0f GFLOP/s (peak %.0f)\n",
            n, d, window, took * 1e6, took * 1e9 / (n * keys), 4.0 * n * keys * d / took / 1e9,
            peak);
        free(qkv);
        free(out);
    }
}

static float *big;
static struct sl_rows_i8 big_q;
enum { BIG_ROWS = 128, BIG_WIDTH = 384 };

static void run_norm(const void *with)
{
    struct sl_norm norm = {.m = BIG_ROWS,
                           .d = BIG_WIDTH,
                           .x = big,
                           .x_stride = BIG_WIDTH,
                           .weight = big,
                           .bias = big,
                           .epsilon = 1e-12F};
    norm.out = (float *)(uintptr_t)with;
    norm.out_stride = BIG_WIDTH;
    kernels->layer_norm(&norm);
}

static void run_norm_codes(const void *with)
{
    struct sl_norm norm = {.m = BIG_ROWS,
                           .d = BIG_WIDTH,
                           .x = big,
                           .x_stride = BIG_WIDTH,
                           .weight = big,
                           .bias = big,
                           .epsilon = 1e-12F,
                           .q = &big_q};
    norm.out = (float *)(uintptr_t)with;
    norm.out_stride = BIG_WIDTH;
    kernels->layer_norm(&norm);
}

static void run_quantise(const void *with)
{
    (void)with;
    kernels->quantise(BIG_ROWS, BIG_WIDTH, big, BIG_WIDTH, &big_q);
}

static void run_gelu(const void *with)
{
    kernels->activate(SL_ACT_GELU, BIG_ROWS * BIG_WIDTH, big, (float *)(uintptr_t)with);
}

static void run_gelu_tanh(const void *with)
{
    kernels->activate(SL_ACT_GELU_TANH, BIG_ROWS * BIG_WIDTH, big, (float *)(uintptr_t)with);
}

static void run_silu(const void *with)
{
    kernels->activate(SL_ACT_SILU, BIG_ROWS * BIG_WIDTH, big, (float *)(uintptr_t)with);
}

static void run_softmax(const void *with)
{
    kernels->softmax(BIG_ROWS, BIG_WIDTH, (float *)(uintptr_t)with, BIG_WIDTH);
}

static void run_dots(const void *with)
{
    kernels->dot_f32(BIG_ROWS, BIG_WIDTH, big, big, BIG_WIDTH, (float *)(uintptr_t)with);
}

static void run_dots_i8(const void *with)
{
    kernels->dot_i8(BIG_ROWS, BIG_WIDTH, (const int8_t *)big, 1, (const int8_t *)big, BIG_WIDTH,
                    big, (float *)(uintptr_t)with);
}

static void rows(void)
{
    static const struct {
        const char *name;
        call *f;
    } all[] = {{"quantise", run_quantise},
               {"layer norm", run_norm},
               {"layer norm + quantise", run_norm_codes},
               {"gelu (erf)", run_gelu},
               {"gelu (tanh)", run_gelu_tanh},
               {"silu", run_silu},
               {"softmax", run_softmax},
               {"dot f32 with a bank", run_dots},
               {"dot int8 with a bank", run_dots_i8}};
    printf("row by row, %d x %d\n", BIG_ROWS, BIG_WIDTH);
    big = floats(BIG_ROWS * BIG_WIDTH);
    float *out = floats(BIG_ROWS * BIG_WIDTH);
    big_q.codes = room(BIG_ROWS * BIG_WIDTH);
    big_q.stride = BIG_WIDTH;
    big_q.scale = room(BIG_ROWS * sizeof(float));
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        double took = best_of(all[i].f, out);
        printf("  %-22s %7.1f us  %.3f ns a value\n", all[i].name, took * 1e6,
               took * 1e9 / (BIG_ROWS * BIG_WIDTH));
    }
}

int main(int argc, char **argv)
{
    kernels = argc > 1 ? sl_kernels_named(argv[1]) : sl_kernels_best();
    if (!kernels) {
        fprintf(stderr, "bench_kernel: this machine has no table \"%s\"\n", argv[1]);
        return 2;
    }
    printf("table %s (%s), one thread\n", kernels->name, kernels->what);
    i8_products();
    float_products();
    attentions();
    rows();
    return 0;
}
