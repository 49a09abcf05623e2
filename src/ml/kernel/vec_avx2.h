/* The vectors of the kernel bodies in AVX2 with FMA: 8 lanes of f32. The names and their rules are
 * those of vec_avx512.h. */
#ifndef SL_ML_KERNEL_VEC_AVX2_H
#define SL_ML_KERNEL_VEC_AVX2_H
#if defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

typedef __m256 vf;
typedef __m256i vu;

enum { VF = 8 };

/* Register plan of the products, of 16 registers: 6 rows x 1 panel (2 vectors) of sums, 2 of
 * weights, 1 value of the activations; where two panels must be together, 3 rows. */
#define TILE_ROWS       6
#define TILE_PANELS     1 /* a tile of weights that are not gated */
#define TILE_PANELS_MAX 2
static const uint32_t tile_rows[2] = {6, 3}; /* the most rows beside 1 and 2 panels */
/* clang-format off */
#define EACH_VEC(X, r)  X(r, 0) X(r, 1) X(r, 2) X(r, 3)
#define EACH_ROW(X)     X(0) X(1) X(2) X(3) X(4) X(5)
#define EACH_TILE(X, f) X(f, 1, 1) X(f, 2, 1) X(f, 3, 1) X(f, 4, 1) X(f, 5, 1) X(f, 6, 1) \
                        X(f, 1, 2) X(f, 2, 2) X(f, 3, 2)
/* clang-format on */

/* The first n lanes set. */
static inline __m256i vf_lanes(uint32_t n)
{
    static const int32_t lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const void *)(lanes + 8 - n));
}

static inline vf vf_set(float x)
{
    return _mm256_set1_ps(x);
}

static inline vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static inline vf vf_load_n(const float *p, uint32_t n)
{
    return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, vf_lanes(n));
}

static inline void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

static inline void vf_store_n(float *p, vf x, uint32_t n)
{
    if (n >= 8)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, vf_lanes(n), x);
}

static inline vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

static inline vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

static inline vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

static inline vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

static inline vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static inline vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static inline vf vf_abs(vf a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a);
}

static inline vf vf_round(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

#define VF_EXP2_LOWEST (-127)

static inline vf vf_scale(vf p, vf n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

static inline vf vf_if_less(vf x, vf y, vf a, vf b)
{
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}

static inline float vf_sum(vf a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}

static inline float vf_largest(vf a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

static inline vu vu_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vu vu_max_abs(vu a, vf x)
{
    return _mm256_max_epu32(a, _mm256_castps_si256(vf_abs(x)));
}

static inline uint32_t vu_largest(vu a)
{
    __m128i x = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_max_epu32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_max_epu32(x, _mm_shuffle_epi32(x, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(x);
}

static inline vu vu_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline vf vf_low_bf16(vu a)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(a, 16));
}

static inline vf vf_high_bf16(vu a)
{
    return _mm256_castsi256_ps(_mm256_and_si256(a, _mm256_set1_epi32((int)0xffff0000u)));
}

static inline vf vf_load_bf16(const uint16_t *p)
{
    return vf_low_bf16(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p)));
}

static inline vf vf_load_i8(const int8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)));
}

static inline void vf_store_codes(uint8_t *p, vf x)
{
    __m256i codes = _mm256_add_epi32(_mm256_cvtps_epi32(x), _mm256_set1_epi32(128));
    __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    _mm_storel_epi64((void *)p, _mm_packus_epi16(words, words));
}

static inline void vf_transpose(const float *from, size_t stride, float *to, size_t to_stride)
{
    __m256 r[8], t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        r[i] = _mm256_loadu_ps(from + i * stride);
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    /* r[4 i + j]: in each half l the column 4 l + j of the rows 4 i .. 4 i + 3. */
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
        _mm256_storeu_ps(to + j * to_stride, _mm256_permute2f128_ps(r[j], r[4 + j], 0x20));
        _mm256_storeu_ps(to + (4 + j) * to_stride, _mm256_permute2f128_ps(r[j], r[4 + j], 0x31));
    }
}

#endif
#endif
