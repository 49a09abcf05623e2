/* The YAML tree: look-up and edits. Parsing is in yaml_parse.c, printing in yaml_dump.c. */
#include "codec/yaml.h"

struct sl_yaml *sl_yaml_get(const struct sl_yaml *map, sl_str key)
{
    if (!map || map->kind != SL_YAML_MAP)
        return NULL;
    for (uint32_t i = 0; i < map->n; i++)
        if (sl_str_eq(map->keys[i]->text, key))
            return map->items[i];
    return NULL;
}

struct sl_yaml *sl_yaml_new(struct sl_arena *arena, enum sl_yaml_kind kind,
                            const struct sl_yaml *place_of)
{
    struct sl_yaml *node = SL_NEW(arena, struct sl_yaml);
    if (!node)
        return NULL;
    node->kind = kind;
    node->text = SL_STR("");
    if (place_of) {
        node->line = place_of->line;
        node->column = place_of->column;
    }
    return node;
}

struct sl_yaml *sl_yaml_new_str(struct sl_arena *arena, sl_str text, const struct sl_yaml *place_of)
{
    struct sl_yaml *node = sl_yaml_new(arena, SL_YAML_SCALAR, place_of);
    if (!node)
        return NULL;
    node->text = sl_arena_dup(arena, text);
    return node->text.p ? node : NULL;
}

static enum sl_rc make_room(struct sl_arena *arena, struct sl_yaml *node)
{
    if (node->n < node->cap)
        return SL_OK;
    uint32_t cap = node->cap ? node->cap * 2 : 4;
    struct sl_yaml **items = SL_NEW_ARRAY(arena, struct sl_yaml *, cap);
    struct sl_yaml **keys =
        node->kind == SL_YAML_MAP ? SL_NEW_ARRAY(arena, struct sl_yaml *, cap) : NULL;
    if (!items || (node->kind == SL_YAML_MAP && !keys))
        return SL_NOMEM;
    if (node->n) {
        memcpy(items, node->items, node->n * sizeof(struct sl_yaml *));
        if (keys)
            memcpy(keys, node->keys, node->n * sizeof(struct sl_yaml *));
    }
    node->items = items;
    node->keys = keys;
    node->cap = cap;
    return SL_OK;
}

enum sl_rc sl_yaml_add(struct sl_arena *arena, struct sl_yaml *map, struct sl_yaml *key,
                       struct sl_yaml *value)
{
    if (!key || !value || make_room(arena, map) != SL_OK)
        return SL_NOMEM;
    map->keys[map->n] = key;
    map->items[map->n++] = value;
    return SL_OK;
}

enum sl_rc sl_yaml_set(struct sl_arena *arena, struct sl_yaml *map, sl_str key,
                       struct sl_yaml *value)
{
    if (!value)
        return SL_NOMEM;
    for (uint32_t i = 0; i < map->n; i++) {
        if (sl_str_eq(map->keys[i]->text, key)) {
            map->items[i] = value;
            return SL_OK;
        }
    }
    return sl_yaml_add(arena, map, sl_yaml_new_str(arena, key, value), value);
}

enum sl_rc sl_yaml_push(struct sl_arena *arena, struct sl_yaml *list, struct sl_yaml *value)
{
    if (!value || make_room(arena, list) != SL_OK)
        return SL_NOMEM;
    list->items[list->n++] = value;
    return SL_OK;
}

void sl_yaml_remove(struct sl_yaml *map, sl_str key)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < map->n; i++) {
        if (sl_str_eq(map->keys[i]->text, key))
            continue;
        map->keys[kept] = map->keys[i];
        map->items[kept++] = map->items[i];
    }
    map->n = kept;
}

static bool is_any_of(sl_str text, const char *const *words)
{
    for (; *words; words++)
        if (sl_str_eq(text, sl_str_from(*words)))
            return true;
    return false;
}

bool sl_yaml_is_null_text(sl_str text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL", NULL};
    return is_any_of(text, words);
}

bool sl_yaml_bool(const struct sl_yaml *scalar, bool *out)
{
    static const char *const yes[] = {"y",    "Y",    "yes", "Yes", "YES", "true",
                                      "True", "TRUE", "on",  "On",  "ON",  NULL};
    static const char *const no[] = {"n",     "N",     "no",  "No",  "NO",  "false",
                                     "False", "FALSE", "off", "Off", "OFF", NULL};
    if (!scalar || scalar->kind != SL_YAML_SCALAR || (scalar->is_quoted && !scalar->is_expanded))
        return false;
    if (!is_any_of(scalar->text, yes) && !is_any_of(scalar->text, no))
        return false;
    *out = is_any_of(scalar->text, yes);
    return true;
}
