/* The vectors of the kernel bodies in NEON: 4 lanes of f32. The names and their rules are those of
 * vec_avx512.h; only vf_max and vf_min give NaN when either is. */
#ifndef SL_ML_KERNEL_VEC_NEON_H
#define SL_ML_KERNEL_VEC_NEON_H
#if defined(__aarch64__)

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float32x4_t vf;
typedef uint32x4_t vu;

enum { VF = 4 };

/* Register plan of the products, of 32 registers: 6 rows x 1 panel (4 vectors) of sums, 4 of
 * weights, 1 value of the activations; where two panels must be together, 3 rows. */
#define TILE_ROWS       6
#define TILE_PANELS     1 /* a tile of weights that are not gated */
#define TILE_PANELS_MAX 2
static const uint32_t tile_rows[2] = {6, 3}; /* the most rows beside 1 and 2 panels */
/* clang-format off */
#define EACH_VEC(X, r)  X(r, 0) X(r, 1) X(r, 2) X(r, 3) X(r, 4) X(r, 5) X(r, 6) X(r, 7)
#define EACH_ROW(X)     X(0) X(1) X(2) X(3) X(4) X(5)
#define EACH_TILE(X, f) X(f, 1, 1) X(f, 2, 1) X(f, 3, 1) X(f, 4, 1) X(f, 5, 1) X(f, 6, 1) \
                        X(f, 1, 2) X(f, 2, 2) X(f, 3, 2)
/* clang-format on */

static inline vf vf_set(float x)
{
    return vdupq_n_f32(x);
}

static inline vf vf_load(const float *p)
{
    return vld1q_f32(p);
}

static inline vf vf_load_n(const float *p, uint32_t n)
{
    float lanes[4] = {0};
    if (n >= 4)
        return vld1q_f32(p);
    memcpy(lanes, p, n * sizeof *lanes);
    return vld1q_f32(lanes);
}

static inline void vf_store(float *p, vf x)
{
    vst1q_f32(p, x);
}

static inline void vf_store_n(float *p, vf x, uint32_t n)
{
    float lanes[4];
    if (n >= 4) {
        vst1q_f32(p, x);
        return;
    }
    vst1q_f32(lanes, x);
    memcpy(p, lanes, n * sizeof *lanes);
}

static inline vf vf_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

static inline vf vf_max(vf a, vf b)
{
    return vmaxq_f32(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return vminq_f32(a, b);
}

static inline vf vf_abs(vf a)
{
    return vabsq_f32(a);
}

static inline vf vf_round(vf a)
{
    return vrndnq_f32(a);
}

#define VF_EXP2_LOWEST (-127)

static inline vf vf_scale(vf p, vf n)
{
    int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
    return vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)));
}

static inline vf vf_if_less(vf x, vf y, vf a, vf b)
{
    return vbslq_f32(vcltq_f32(x, y), a, b);
}

static inline float vf_sum(vf a)
{
    return vaddvq_f32(a);
}

static inline float vf_largest(vf a)
{
    return vmaxvq_f32(a);
}

static inline vu vu_zero(void)
{
    return vdupq_n_u32(0);
}

static inline vu vu_max_abs(vu a, vf x)
{
    return vmaxq_u32(a, vreinterpretq_u32_f32(vabsq_f32(x)));
}

static inline uint32_t vu_largest(vu a)
{
    return vmaxvq_u32(a);
}

static inline vu vu_load(const void *p)
{
    return vld1q_u32(p);
}

static inline vf vf_low_bf16(vu a)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(a, 16));
}

static inline vf vf_high_bf16(vu a)
{
    return vreinterpretq_f32_u32(vandq_u32(a, vdupq_n_u32(0xffff0000u)));
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

static inline vf vf_load_i8(const int8_t *p)
{
    int8_t lanes[8] = {0};
    memcpy(lanes, p, 4);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vld1_s8(lanes)))));
}

static inline void vf_store_codes(uint8_t *p, vf x)
{
    int32x4_t codes = vaddq_s32(vcvtnq_s32_f32(x), vdupq_n_s32(128));
    uint16x4_t words = vmovn_u32(vreinterpretq_u32_s32(codes));
    uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(words, words))), 0);
    memcpy(p, &four, sizeof four);
}

static inline void vf_transpose(const float *from, size_t stride, float *to, size_t to_stride)
{
    /* Loads that put the columns of four rows apart, from the rows side by side. */
    float rows[16];
    for (int i = 0; i < 4; i++)
        vst1q_f32(rows + 4 * i, vld1q_f32(from + i * stride));
    float32x4x4_t columns = vld4q_f32(rows);
    for (int i = 0; i < 4; i++)
        vst1q_f32(to + i * to_stride, columns.val[i]);
}

#endif
#endif
