/*
 * Packed weights: what an encoder wants from its checkpoint, in the layout of the kernels, in one
 * piece of memory. Given a path, the piece is a file that later starts map as it is; it carries a
 * hash of what it was made from, and is made anew when that, the layout or the wanted items differ.
 * Files are written beside their place and renamed, so that a reader sees a whole one or none.
 *
 * Opened, a pack does not change; any thread may read it. One thread opens and closes it.
 */
#ifndef SL_ML_WEIGHTS_PACK_FILE_H
#define SL_ML_WEIGHTS_PACK_FILE_H

#include "ml/kernel/pack.h"
#include "ml/weights/safetensors.h"

enum sl_pack_kind {
    SL_PACK_VECTOR, /* f32 [n]; type is F32 */
    SL_PACK_MATRIX, /* [n, k] as sl_pack lays it out */
    SL_PACK_TABLE,  /* [n, k] rows, contiguous; F32 or BF16. Not checked at opening, to stay cold */
};

enum { SL_PACK_PARTS = 3, SL_PACK_NAME = 64 };

/* One thing wanted. Parts stand one below the other; values become (value + add) * scale. */
struct sl_pack_item {
    char name[SL_PACK_NAME]; /* unique in its pack */
    enum sl_pack_kind kind;
    enum sl_dtype type;
    uint32_t n, k;
    bool is_gated;
    const struct sl_tensor *parts[SL_PACK_PARTS];
    uint32_t n_parts;
    float add, scale;
};

struct sl_pack;

/*
 * `identity` tells the sources from others: any bytes, hashed here. path == NULL: memory only.
 * A file that cannot be written is no error: the pack is in memory then and sl_pack_note says why.
 * SL_LIMIT: an item has no packed shape; SL_NOMEM.
 */
SL_MUST_USE enum sl_rc sl_pack_open(struct sl_pack **out, const struct sl_pack_item *items,
                                    uint32_t n_items, sl_str identity, const char *path,
                                    struct sl_err *err);
void sl_pack_close(struct sl_pack *p);

/* The packed bytes of item i; aligned to SL_BLOB_ALIGN. */
const void *sl_pack_item_at(const struct sl_pack *p, uint32_t i);

size_t sl_pack_bytes(const struct sl_pack *p);
/* True when the file was there and was used; false when the weights were packed by this opening. */
bool sl_pack_was_kept(const struct sl_pack *p);
/* Why there is no file, or why the one found was not used; "" when there is nothing to say. */
const char *sl_pack_note(const struct sl_pack *p);

#endif
