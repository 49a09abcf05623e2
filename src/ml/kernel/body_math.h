/* Elementary functions over the vectors of a vec_*.h, which is included before. Bounds are
 * measured by tests/unit/ml_kernel/test_accuracy.c. */
#ifndef SL_ML_KERNEL_BODY_MATH_H
#define SL_ML_KERNEL_BODY_MATH_H
#ifdef TILE_ROWS

#include "ml/kernel/kernel.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* 2^r for |r| <= 1/2, relative error 2e-7: minimax polynomial of degree 5 with constant term 1. */
INLINE vf vf_exp2_small(vf r)
{
    vf p = vf_set(0.00132647272F);
    p = vf_fma(p, r, vf_set(0.00967151281F));
    p = vf_fma(p, r, vf_set(0.0555073374F));
    p = vf_fma(p, r, vf_set(0.240222421F));
    p = vf_fma(p, r, vf_set(0.693146978F));
    return vf_fma(p, r, vf_set(1));
}

/* 2^x for x <= 127; exactly 0 from VF_EXP2_LOWEST down; NaN stays. */
INLINE vf vf_exp2(vf x)
{
    x = vf_max(vf_set(VF_EXP2_LOWEST), x);
    vf n = vf_round(x);
    return vf_scale(vf_exp2_small(vf_sub(x, n)), n);
}

/* e^x, x cut to +-87. ln 2 is split in two, so that the remainder keeps its low bits. */
INLINE vf vf_exp(vf x)
{
    x = vf_max(vf_set(-87), vf_min(vf_set(87), x));
    vf n = vf_round(vf_mul(x, vf_set(1.44269504F)));
    vf r = vf_fma(n, vf_set(-0.693145752F), x);
    r = vf_fma(n, vf_set(-1.42860677e-6F), r);
    return vf_scale(vf_exp2_small(vf_mul(r, vf_set(1.44269504F))), n);
}

/* x (1/2 + x P(2 x^2 / c^2 - 1)) inside (-c, c), max(x, 0) outside, where the difference is below
 * 1e-6. P is the minimax polynomial of degree 12 for |x| times the error. A mapped argument keeps
 * the coefficients below 1/2, so that rounding does not add up. */
INLINE vf vf_gate(vf x, float c, float map, const float *p)
{
    vf s = vf_fma(vf_mul(x, x), vf_set(map), vf_set(-1));
    vf sum = vf_set(p[12]);
#pragma GCC unroll 12
    for (int i = 11; i >= 0; i--)
        sum = vf_fma(sum, s, vf_set(p[i]));
    vf y = vf_mul(x, vf_fma(x, sum, vf_set(0.5F)));
    return vf_if_less(vf_abs(x), vf_set(c), y, vf_max(vf_set(0), x));
}

INLINE vf vf_gelu(vf x)
{
    static const float p[13] = {0.138605283F,   -0.0690032603F,  0.050782957F,   -0.040218659F,
                                0.0317160259F,  -0.0240164647F,  0.0174654785F,  -0.012024262F,
                                0.0068599493F,  -0.00322961776F, 0.00240439827F, -0.00195683342F,
                                0.000654205818F};
    return vf_gate(x, 5.1F, 0.0768935025F, p);
}

INLINE vf vf_gelu_tanh(vf x)
{
    static const float p[13] = {0.147233505F,   -0.0730628331F,  0.0530578033F,  -0.0406712696F,
                                0.0303318639F,  -0.0213125558F,  0.014029666F,   -0.00850393366F,
                                0.00464033559F, -0.00271245156F, 0.00198527376F, -0.0011259116F,
                                0.000277130918F};
    return vf_gate(x, 4.8F, 0.0868055556F, p);
}

INLINE vf vf_silu(vf x)
{
    vf e = vf_exp(vf_sub(vf_set(0), x));
    return vf_div(x, vf_add(vf_set(1), e));
}

INLINE vf vf_tanh(vf x)
{
    vf e = vf_exp(vf_add(x, x));
    return vf_sub(vf_set(1), vf_div(vf_set(2), vf_add(e, vf_set(1))));
}

INLINE vf vf_act(enum sl_act act, vf x)
{
    switch (act) {
    case SL_ACT_GELU:
        return vf_gelu(x);
    case SL_ACT_GELU_TANH:
        return vf_gelu_tanh(x);
    case SL_ACT_SILU:
        return vf_silu(x);
    case SL_ACT_RELU:
        return vf_max(vf_set(0), x);
    case SL_ACT_TANH:
        return vf_tanh(x);
    case SL_ACT_NONE:
        break;
    }
    return x;
}

#endif
#endif
