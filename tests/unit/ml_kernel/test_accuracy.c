/* The bounds that kernel.h promises for activations and that body_math.h states for 2^x, over
 * floats spread evenly through all magnitudes, in every table. */
#include "ml/kernel/kernel.h"
#include "unit.h"

#include <math.h>
#include <string.h>

enum { BATCH = 4096, STEP = 4099 };

/* Fills x with the floats of every STEP-th bit pattern from *bits on, below `limit` in size and of
 * either sign; the count. */
static size_t spread(uint32_t *bits, float limit, float *x)
{
    size_t n = 0;
    for (; n < BATCH; *bits += STEP) {
        float value;
        memcpy(&value, bits, sizeof value);
        if (!(value <= limit))
            break;
        x[n] = n % 2 ? -value : value;
        n++;
    }
    return n;
}

static double exact(enum sl_act act, double x)
{
    switch (act) {
    case SL_ACT_GELU:
        return 0.5 * x * erfc(-x * M_SQRT1_2);
    case SL_ACT_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case SL_ACT_SILU:
        return x / (1 + exp(-x));
    default:
        return tanh(x);
    }
}

static void activations(void **state)
{
    static float x[BATCH], y[BATCH];
    const enum sl_act acts[] = {SL_ACT_GELU, SL_ACT_GELU_TANH, SL_ACT_SILU, SL_ACT_TANH};
    const struct sl_kernels *kernels;
    (void)state;
    for (unsigned i = 0; (kernels = sl_kernels_at(i)); i++) {
        for (unsigned a = 0; a < sizeof acts / sizeof *acts; a++) {
            double worst = 0;
            size_t n, total = 0;
            /* To 16, where a step of f32 is 1e-6. */
            for (uint32_t bits = 0; (n = spread(&bits, 16, x)); total += n) {
                kernels->activate(acts[a], n, x, y);
                for (size_t j = 0; j < n; j++)
                    worst = fmax(worst, fabs(y[j] - exact(acts[a], x[j])));
            }
            assert_true(total > 200000);
            print_message("%-8s act %d: off by %.2g at most\n", kernels->name, acts[a], worst);
            assert_true(worst <= 2e-6);
        }
    }
}

/* A softmax over {x, 0} with x <= 0 is e^x / (1 + e^x): the error of 2^x shows in full. */
static void exponentials(void **state)
{
    static float x[BATCH], pair[2 * BATCH];
    const struct sl_kernels *kernels;
    (void)state;
    for (unsigned i = 0; (kernels = sl_kernels_at(i)); i++) {
        double worst = 0;
        size_t n;
        for (uint32_t bits = 0x30000000; (n = spread(&bits, 60, x));) {
            for (size_t j = 0; j < n; j++) {
                pair[2 * j] = -fabsf(x[j]);
                pair[2 * j + 1] = 0;
            }
            kernels->softmax((uint32_t)n, 2, pair, 2);
            for (size_t j = 0; j < n; j++) {
                double e = exp(-fabs((double)x[j])), want = e / (1 + e);
                worst = fmax(worst, fabs(pair[2 * j] / want - 1));
            }
        }
        print_message("%-8s softmax of two: relative error %.2g at most\n", kernels->name, worst);
        /* x log2(e) is rounded once: near -60 that alone is 86 * 6e-8 * ln 2. */
        assert_true(worst <= 4e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(activations),
                                       cmocka_unit_test(exponentials)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
