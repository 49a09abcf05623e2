/* The trace part of an eval answer. Private to admin/. */
#ifndef SL_ADMIN_EVAL_PARTS_H
#define SL_ADMIN_EVAL_PARTS_H

#include "codec/json_write.h"
#include "route/trace.h"

/* One JSON object: signals, projections, decisions as trees, candidates, evidence. */
void sl_eval_write_trace(struct sl_json_writer *w, const struct sl_trace *trace,
                         const struct sl_config *config, const struct sl_recipe_cfg *recipe);

#endif
