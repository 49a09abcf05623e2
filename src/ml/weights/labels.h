/*
 * Label maps: the names of a classifier's outputs, from config.json (id2label, label2id) or from a
 * mapping file (label_to_idx, idx_to_label, label_to_id, id_to_label, category_to_idx,
 * idx_to_category: any of them, together they must agree). Pure; the result does not change.
 */
#ifndef SL_ML_WEIGHTS_LABELS_H
#define SL_ML_WEIGHTS_LABELS_H

#include "base/err.h"
#include "codec/json.h"

struct sl_labels {
    const sl_str *names; /* NUL-terminated, in the arena; [n] */
    uint32_t n;
};

enum { SL_MAX_LABELS = 65536 };

/*
 * The maps found in object `v`. None there is SL_NOTFOUND. SL_INVALID: a label with two indices, an
 * index with two labels, a key that is no number, indices that are not contiguous from 0.
 */
SL_MUST_USE enum sl_rc sl_labels_read(struct sl_labels *out, struct sl_arena *arena,
                                      const struct sl_json *j, sl_json_ref v, struct sl_err *err);

/* The same of the text of a mapping file. */
SL_MUST_USE enum sl_rc sl_labels_parse(struct sl_labels *out, struct sl_arena *arena, sl_str text,
                                       struct sl_err *err);

/* LABEL_0 .. LABEL_(n-1). */
SL_MUST_USE enum sl_rc sl_labels_numbered(struct sl_labels *out, struct sl_arena *arena, uint32_t n,
                                          struct sl_err *err);

/* Index of the label of that name, exactly; n when there is none. */
uint32_t sl_labels_index(const struct sl_labels *l, sl_str name);

#endif
