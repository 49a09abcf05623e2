/* The list of sections. */
#include "config/sections.h"

#include "config/global/router.h"
#include "config/global/tables.h"

const struct sl_section sl_sections[] = {
    {"entrypoints[]", "Model names that lead to recipes", sl_entrypoint_fields},
    {"global.integrations", "The tool database and the looper", sl_global_integrations_fields},
    {"global.model_catalog", "Models that signals and detectors use", sl_global_catalog_fields},
    {"global.router", "The routing core and its limits", sl_global_router_fields},
    {"global.router.learning", "Learning from outcomes", sl_learning_fields},
    {"global.services", "APIs, identity, limits, observability", sl_global_services_fields},
    {"global.stores", "Response cache, memory, vector store", sl_global_stores_fields},
    {"listeners[]", "Where the router accepts connections", sl_listener_fields},
    {"providers", "Where models are served, and how", sl_providers_fields},
    {"recipes[]", "Further routing profiles", sl_recipe_fields},
    {"routing", "The default routing profile", sl_routing_fields},
    {"routing.decisions[]", "What is done when what matches", sl_decision_fields},
    {"routing.decisions[].modelRefs[]", "A candidate of a decision", sl_model_ref_fields},
    {"routing.decisions[].rules", "A node of the decision tree", sl_rule_fields},
    {"routing.modelCards[]", "A model that decisions may name", sl_card_fields},
    {"routing.projections", "Partitions, scores and mappings over signals", sl_projection_fields},
    {NULL, NULL, NULL},
};
