/* The sections of the configuration file, each with its field table. */
#ifndef SL_CONFIG_SECTIONS_H
#define SL_CONFIG_SECTIONS_H

#include "config/schema.h"

struct sl_section {
    const char *name; /* path in the file: "global.stores" */
    const char *summary;
    const struct sl_field *fields;
};

extern const struct sl_section sl_sections[]; /* ends with name == NULL */

/* Tables of the loader's files that the list names. */
extern const struct sl_field sl_listener_fields[];
extern const struct sl_field sl_providers_fields[];
extern const struct sl_field sl_routing_fields[];
extern const struct sl_field sl_card_fields[];
extern const struct sl_field sl_decision_fields[];
extern const struct sl_field sl_model_ref_fields[];
extern const struct sl_field sl_rule_fields[];
extern const struct sl_field sl_projection_fields[];
extern const struct sl_field sl_entrypoint_fields[];
extern const struct sl_field sl_recipe_fields[];

#endif
