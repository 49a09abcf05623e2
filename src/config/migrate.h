/* Tree surgery shared by the migration of older shapes. Values that are empty are never moved. */
#ifndef SL_CONFIG_MIGRATE_H
#define SL_CONFIG_MIGRATE_H

#include "config/config.h"

struct sl_migration {
    struct sl_arena *arena;
    struct sl_diags *diags;
    struct sl_yaml *root;
    bool is_changed;
    bool is_old; /* a generation before model cards: cards are created for models without one */
};

/* The map or list at a dotted path from `from`; created with all its parents when absent. */
struct sl_yaml *sl_migrate_make(struct sl_migration *m, struct sl_yaml *from, const char *path,
                                enum sl_yaml_kind kind, const struct sl_yaml *place);

/* Sets map[key] unless it is there or the value is empty. */
void sl_migrate_put(struct sl_migration *m, struct sl_yaml *map, const char *key,
                    struct sl_yaml *value);

/* Moves from[key] to to[new_key] by the rule of put; the old key goes. True when there was one. */
bool sl_migrate_move(struct sl_migration *m, struct sl_yaml *from, const char *key,
                     struct sl_yaml *to, const char *new_key);

/* One warning about a rewritten block. */
void sl_migrate_note(struct sl_migration *m, const struct sl_yaml *place, const char *from,
                     const char *to);

bool sl_yaml_is_empty(const struct sl_yaml *node);

void sl_migrate_models(struct sl_migration *m);     /* migrate_models.c: providers and endpoints */
void sl_migrate_categories(struct sl_migration *m); /* migrate_categories.c */

#endif
