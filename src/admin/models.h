/* GET /v1/models: the names a client may ask for (specification 05 2.5). */
#ifndef SL_ADMIN_MODELS_H
#define SL_ADMIN_MODELS_H

#include "base/buf.h"
#include "config/config.h"

/* Appends the list. created = unix_s. */
void sl_models_answer(const struct sl_config *config, int64_t unix_s, struct sl_buf *out);

#endif
