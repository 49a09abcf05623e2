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

#endif
