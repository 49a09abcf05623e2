/*
 * From a decision to a model: the selection flow of chapter 03 section 1 and the reasoning
 * switch of 9.3. Private to route/.
 */
#ifndef SL_ROUTE_SELECT_H
#define SL_ROUTE_SELECT_H

#include "route/plan.h"

/* Fills ref, model, model_name, method, fallback_reason and the reasoning fields of `out`. */
void sl_select_model(const struct sl_config *config, const struct sl_plan *plan,
                     const struct sl_decision_cfg *decision, const struct sl_route_options *options,
                     struct sl_verdict *out);

/* The default model into `out`; false when there is none. */
bool sl_select_default(const struct sl_config *config, struct sl_verdict *out);

#endif
