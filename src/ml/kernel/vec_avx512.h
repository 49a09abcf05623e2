/* The vectors of the kernel bodies in AVX-512: 16 lanes of f32. All vec_*.h offer the same names:
 * vf (f32 lanes), vu (u32 lanes), loads and stores of a whole vector or of its first n lanes
 * (nothing behind them is touched; lanes not loaded are zero), and arithmetic whose NaN rules are
 * those of the x86 instructions: vf_max(a, b) and vf_min(a, b) give b when either is NaN. */
#ifndef SL_ML_KERNEL_VEC_AVX512_H
#define SL_ML_KERNEL_VEC_AVX512_H
#if defined(__AVX512F__) && defined(__AVX512BW__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 vf;
typedef __m512i vu;

enum { VF = 16 };

#ifndef TILE_ROWS
/* Register plan of the products, of 32 registers: 8 rows x 3 panels of sums, 3 of weights, 1 value
 * of the activations spread over the lanes. Per step of k that is 24 multiply-adds, 12 cycles of
 * the two ports, and 11 loads; 12 rows x 2 panels, with 14 loads, runs 6 % slower from the
 * first-level cache and is for gated weights, whose panels come in pairs. */
#define TILE_ROWS       12
#define TILE_PANELS     3 /* a tile of weights that are not gated */
#define TILE_PANELS_MAX 3
static const uint32_t tile_rows[3] = {12, 12, 8}; /* the most rows beside 1, 2 and 3 panels */
/* clang-format off */
#define EACH_VEC(X, r)    X(r, 0) X(r, 1) X(r, 2)
#define EACH_ROW(X)       X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define EIGHT_OF(X, f, p) X(f, 1, p) X(f, 2, p) X(f, 3, p) X(f, 4, p) X(f, 5, p) X(f, 6, p) \
                          X(f, 7, p) X(f, 8, p)
#define MORE_OF(X, f, p)  X(f, 9, p) X(f, 10, p) X(f, 11, p) X(f, 12, p)
#define EACH_TILE(X, f)   EIGHT_OF(X, f, 1) MORE_OF(X, f, 1) EIGHT_OF(X, f, 2) MORE_OF(X, f, 2) \
                          EIGHT_OF(X, f, 3)
/* clang-format on */
#endif

static inline __mmask16 vf_lanes(uint32_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static inline vf vf_set(float x)
{
    return _mm512_set1_ps(x);
}

static inline vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static inline vf vf_load_n(const float *p, uint32_t n)
{
    return _mm512_maskz_loadu_ps(vf_lanes(n), p);
}

static inline void vf_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

static inline void vf_store_n(float *p, vf x, uint32_t n)
{
    _mm512_mask_storeu_ps(p, vf_lanes(n), x);
}

static inline vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

/* a b + c */
static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static inline vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static inline vf vf_abs(vf a)
{
    return _mm512_abs_ps(a);
}

/* To the nearest whole number. */
static inline vf vf_round(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* p 2^n for whole n in VF_EXP2_LOWEST..127, where p is near 1; 0 for the lowest. */
#define VF_EXP2_LOWEST (-160)

static inline vf vf_scale(vf p, vf n)
{
    return _mm512_scalef_ps(p, n);
}

/* x < y ? a : b; b where either is NaN. */
static inline vf vf_if_less(vf x, vf y, vf a, vf b)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}

static inline float vf_sum(vf a)
{
    return _mm512_reduce_add_ps(a);
}

static inline float vf_largest(vf a)
{
    return _mm512_reduce_max_ps(a);
}

static inline vu vu_zero(void)
{
    return _mm512_setzero_si512();
}

/* The larger of a lane and of the bits of |x|: NaN and infinity are the largest of all. */
static inline vu vu_max_abs(vu a, vf x)
{
    return _mm512_max_epu32(a, _mm512_castps_si512(vf_abs(x)));
}

static inline uint32_t vu_largest(vu a)
{
    return _mm512_reduce_max_epu32(a);
}

static inline vu vu_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

/* The lower and upper bf16 of each 32-bit lane. */
static inline vf vf_low_bf16(vu a)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(a, 16));
}

static inline vf vf_high_bf16(vu a)
{
    return _mm512_castsi512_ps(_mm512_and_si512(a, _mm512_set1_epi32((int)0xffff0000u)));
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    return vf_low_bf16(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)));
}

static inline vf vf_load_i8(const int8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}

/* Codes of values already divided by their scale: round(x) + 128. */
static inline void vf_store_codes(uint8_t *p, vf x)
{
    __m512i codes = _mm512_add_epi32(_mm512_cvtps_epi32(x), _mm512_set1_epi32(128));
    _mm_storeu_si128((void *)p, _mm512_cvtepi32_epi8(codes));
}

/* Column c of the VF x VF values at `from`, whose rows are `stride` apart, to `to` + c * to_stride.
 */
static inline void vf_transpose(const float *from, size_t stride, float *to, size_t to_stride)
{
    __m512 r[16], t[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = _mm512_loadu_ps(from + i * stride);
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    /* r[4 i + j]: in each quarter l the column 4 l + j of the rows 4 i .. 4 i + 3. */
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        __m512d a = _mm512_castps_pd(t[i]), b = _mm512_castps_pd(t[i + 1]);
        __m512d c = _mm512_castps_pd(t[i + 2]), d = _mm512_castps_pd(t[i + 3]);
        r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        __m512 a = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x88);
        __m512 b = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x88);
        __m512 c = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xdd);
        __m512 d = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xdd);
        _mm512_storeu_ps(to + j * to_stride, _mm512_shuffle_f32x4(a, b, 0x88));
        _mm512_storeu_ps(to + (4 + j) * to_stride, _mm512_shuffle_f32x4(c, d, 0x88));
        _mm512_storeu_ps(to + (8 + j) * to_stride, _mm512_shuffle_f32x4(a, b, 0xdd));
        _mm512_storeu_ps(to + (12 + j) * to_stride, _mm512_shuffle_f32x4(c, d, 0xdd));
    }
}

#endif
#endif
