/* Weights in the layout that the kernels read.
 *
 * A weight matrix W is [n, k] as in a checkpoint (row = output channel): y = x W^T. Packed, 16
 * output channels make a panel; inside a panel the k axis is cut into groups of 4 bytes, so that
 * one 64-byte line holds one group of all 16 channels:
 *
 *   int8   [panel][k / 4][16][4]     one line feeds VPDPBUSD zmm, SDOT and one row of an AMX tile
 *   bf16   [panel][k / 2][16][2]     the same for VDPBF16PS and AMX-BF16
 *   f32    [panel][k][16]
 *
 * k is padded with zeros to a multiple of 64 and n to a multiple of 16, so kernels have no tail in
 * either. All instruction sets read this one layout; a pack file is portable between machines.
 *
 * A gated matrix (GeGLU, SwiGLU) holds two matrices of n / 2 channels, the activated one first; its
 * panels alternate activated, gate, activated, gate ..., each half padded on its own, so that a
 * kernel has both values of an output in registers at once.
 *
 * One blob: scales f32[channels], offsets i32[channels] (both for int8 only), then the panels.
 */
#ifndef SL_ML_KERNEL_PACK_H
#define SL_ML_KERNEL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_dtype { SL_DTYPE_F32 = 1, SL_DTYPE_BF16 = 2, SL_DTYPE_I8 = 3 };

enum {
    SL_PANEL = 16,      /* output channels a panel */
    SL_K_ALIGN = 64,    /* k is padded to this many values */
    SL_BLOB_ALIGN = 64, /* bytes; of a blob's beginning */
    SL_MAX_K = 1 << 16, /* so that no int32 sum of u8 x s8 products can overflow */
    SL_MAX_N = 1 << 20,
};

/* Names this layout and all that goes with it in a pack file: a file with another number is to be
 * packed again. It changes whenever the bytes that sl_pack writes change. */
#define SL_PACK_LAYOUT 0x16640001u

/* A view of one packed matrix; the blob belongs to the caller and outlives the view. */
struct sl_weights {
    enum sl_dtype type;
    uint32_t n;         /* output channels, of both halves together when gated */
    uint32_t k;         /* inputs */
    bool is_gated;      /* n is even; a product has n / 2 columns */
    uint32_t panels;    /* count of 16-channel panels */
    uint32_t k_padded;  /* multiple of 64 */
    const float *scale; /* int8: w = q * scale, [panels * 16] in packed order; else NULL */
    const int32_t
        *offset;      /* int8: 128 * sum over k of q, [panels * 16] in packed order; else NULL */
    const void *data; /* the panels */
};

/* k rounded up to a whole number of SL_K_ALIGN: the row stride, in bytes, of quantised activations.
 */
static inline size_t sl_k_padded(uint32_t k)
{
    return ((size_t)k + SL_K_ALIGN - 1) / SL_K_ALIGN * SL_K_ALIGN;
}

/* Bytes of the blob of an [n, k] matrix; 0 when the shape is refused (k over SL_MAX_K, n over
 * SL_MAX_N, a gated n that is odd, an unknown type). An empty matrix (n = 0) is allowed: 64 bytes.
 */
size_t sl_packed_bytes(enum sl_dtype type, uint32_t n, uint32_t k, bool is_gated);

/* Packs w, [n, k] with row_stride floats from row to row, into blob (sl_packed_bytes long, aligned
 * to SL_BLOB_ALIGN). int8: each channel is scaled by its absolute maximum / 127, so that no code is
 * below -127; a channel of zeros has scale 0. bf16: rounded to nearest even. A channel that holds
 * NaN or infinity gets scale NaN in int8: its output is NaN and no other is touched. */
void sl_pack(void *blob, enum sl_dtype type, uint32_t n, uint32_t k, const float *w,
             size_t row_stride, bool is_gated);

/* The view of a blob that sl_pack wrote with the same arguments (or of its bytes in a mapped file:
 * the caller has compared their count with sl_packed_bytes). */
struct sl_weights sl_weights_view(const void *blob, enum sl_dtype type, uint32_t n, uint32_t k,
                                  bool is_gated);

/* The channel of W that lane (0..15) of a panel holds; n or more when the lane is padding. */
static inline uint32_t sl_panel_channel(const struct sl_weights *w, uint32_t panel, uint32_t lane)
{
    if (!w->is_gated)
        return panel * SL_PANEL + lane;
    uint32_t column = panel / 2 * SL_PANEL + lane;
    if (column >= w->n / 2)
        return w->n;
    return panel % 2 ? w->n / 2 + column : column;
}

static inline float sl_bf16_to_f32(uint16_t b)
{
    union {
        uint32_t u;
        float f;
    } x = {.u = (uint32_t)b << 16};
    return x.f;
}

/* Round to nearest even; a NaN stays a (quiet) NaN. */
static inline uint16_t sl_f32_to_bf16(float f)
{
    union {
        float f;
        uint32_t u;
    } x = {.f = f};
    if ((x.u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(x.u >> 16 | 0x40u);
    return (uint16_t)((x.u + 0x7fffu + (x.u >> 16 & 1u)) >> 16);
}

#endif
