/*
 * The parts of a decision that are validated in full and read by engines to come: learning
 * overrides, annotations, candidate iterations, output contracts; and the retention directive.
 * The check's path is at the decision; a NULL node is an absent part.
 */
#ifndef SL_CONFIG_DECISION_PARTS_H
#define SL_CONFIG_DECISION_PARTS_H

#include "config/config.h"

void sl_check_adaptations(struct sl_check *c, const struct sl_yaml *node);
void sl_check_annotations(struct sl_check *c, const struct sl_yaml *node);
void sl_check_iterations(struct sl_check *c, const struct sl_yaml *node);
void sl_check_contract(struct sl_check *c, const struct sl_yaml *node);
void sl_load_emits(struct sl_check *c, const struct sl_yaml *node, struct sl_retention_cfg *out);

extern const struct sl_field sl_model_ref_fields[];

#endif
