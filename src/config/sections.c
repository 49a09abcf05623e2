/* The list of sections. */
#include "config/sections.h"

#include "config/global/tables.h"

const struct sl_section sl_sections[] = {
    {"global.integrations", "The tool database and the looper", sl_global_integrations_fields},
    {"global.model_catalog", "Models that signals and detectors use", sl_global_catalog_fields},
    {"global.router.learning", "Learning from outcomes", sl_learning_fields},
    {"global.services", "APIs, identity, limits, observability", sl_global_services_fields},
    {"global.stores", "Response cache, memory, vector store", sl_global_stores_fields},
    {NULL, NULL, NULL},
};
