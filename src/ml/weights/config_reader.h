/* Fields of a JSON object with defaults and bounds; the first mistake is kept, later reads do
 * nothing, so a reader of many fields checks once at its end. For the files of this room. */
#ifndef SL_ML_WEIGHTS_CONFIG_READER_H
#define SL_ML_WEIGHTS_CONFIG_READER_H

#include "base/err.h"
#include "codec/json.h"

struct sl_fields {
    const struct sl_json *j;
    struct sl_arena *arena;
    sl_json_ref object; /* SL_JSON_NONE: everything is absent */
    struct sl_err *err;
    enum sl_rc rc;
};

/* The value of `key`; SL_JSON_NONE when it is absent or null. */
sl_json_ref sl_field(const struct sl_fields *f, const char *key);

#define SL_REQUIRED UINT32_MAX /* as default: the field must be there */

uint32_t sl_field_u32(struct sl_fields *f, const char *key, uint32_t fallback, uint32_t least,
                      uint32_t most);
double sl_field_f64(struct sl_fields *f, const char *key, double fallback, double least,
                    double most);
bool sl_field_bool(struct sl_fields *f, const char *key, bool fallback);
/* An empty view when absent. */
sl_str sl_field_str(struct sl_fields *f, const char *key);

#endif
