/* Tables of knowledge bases, for the table of the model catalogue. */
#ifndef SL_CONFIG_GLOBAL_KBS_H
#define SL_CONFIG_GLOBAL_KBS_H

#include "config/schema.h"

extern const struct sl_field sl_kb_fields[];        /* struct sl_kb_cfg */
extern const struct sl_field sl_prototype_fields[]; /* checked only; of embeddings too */

#endif
