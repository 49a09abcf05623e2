/* Frequencies are theta^(-2j/d), rounded to f32 as is the angle, since checkpoints were trained
 * with that rounding. Linear scaling divides positions; YaRN (arXiv:2309.00071) divides slow
 * frequencies, keeps fast ones and blends between. */
#include "ml/encoder/rope.h"

#include <math.h>

/* The (fractional) pair of dimensions that turns `rotations` times over the original length. */
static double correction(const struct sl_rope_config *r, uint32_t head_dim, double rotations)
{
    return head_dim * log(r->original_length / (rotations * 2 * M_PI)) / (2 * log(r->theta));
}

static float frequency(const struct sl_rope_config *r, uint32_t head_dim, uint32_t j)
{
    double natural = 1 / pow(r->theta, 2.0 * j / head_dim);
    if (!r->is_yarn)
        return (float)(natural / r->factor);
    double low = floor(correction(r, head_dim, r->beta_fast));
    double high = ceil(correction(r, head_dim, r->beta_slow));
    low = low < 0 ? 0 : low;
    high = high > head_dim - 1 ? head_dim - 1 : high;
    if (low == high)
        high += 0.001;
    double ramp = (j - low) / (high - low);
    ramp = ramp < 0 ? 0 : ramp > 1 ? 1 : ramp;
    return (float)(natural / r->factor * ramp + natural * (1 - ramp));
}

void sl_rope_tables(const struct sl_rope_config *rope, uint32_t head_dim, uint32_t n, float *cos,
                    float *sin)
{
    uint32_t half = head_dim / 2;
    for (uint32_t j = 0; j < half; j++) {
        float f = frequency(rope, head_dim, j);
        for (uint32_t i = 0; i < n; i++) {
            double s, c, angle = (float)i * f;
            sincos(angle, &s, &c);
            cos[(size_t)i * half + j] = (float)(c * rope->attention_factor);
            sin[(size_t)i * half + j] = (float)(s * rope->attention_factor);
        }
    }
}
