/*
 * JSON Schema (2020-12) of the configuration file, for editors. It says what the tables say:
 * names, types, bounds, choices. Whatever needs more than one field is `sluice check`'s.
 * Numbers may be written as `${NAME}`, so numeric fields take texts that begin with a dollar.
 */
#include "codec/json_write.h"
#include "config/describe.h"
#include "config/sections.h"

#include <stdio.h>

static void put(struct sl_json_writer *w, const char *key, const char *value)
{
    sl_json_key(w, sl_str_from(key));
    sl_json_put_str(w, sl_str_from(value));
}

/* "type": ["a", "b", ...] of a blank-separated list. */
static void put_types(struct sl_json_writer *w, const char *types)
{
    sl_str rest = sl_str_from(types);
    sl_str piece;
    sl_json_key(w, SL_STR("type"));
    sl_json_open(w, '[');
    while (sl_str_split(&rest, ' ', &piece))
        sl_json_put_str(w, piece);
    sl_json_close(w, ']');
}

static void put_object(struct sl_json_writer *w, const struct sl_field *fields);

/* Fields that keep a raw node, and the definition that says what is in it. */
static const struct {
    const char *key;
    const char *definition;
    bool is_list;
} references[] = {
    {"listeners", "listeners[]", true},
    {"providers", "providers", false},
    {"routing", "routing", false},
    {"entrypoints", "entrypoints[]", true},
    {"recipes", "recipes[]", true},
    {"global", "global", false},
    {"modelCards", "routing.modelCards[]", true},
    {"modelRefs", "routing.decisions[].modelRefs[]", true},
    {"signals", "signals", false},
    {"projections", "routing.projections", false},
    {"decisions", "routing.decisions[]", true},
    {"rules", "rule", false},
    {"composer", "rule", false},
    {"algorithm", "algorithm", false},
    {"plugins", "plugin", true},
    {"learning", "global.router.learning", false},
};

static bool is_defined(const char *definition)
{
    static const char *const own[] = {"signals", "rule", "algorithm", "plugin", "global", NULL};
    for (uint32_t i = 0; own[i]; i++) {
        if (!strcmp(own[i], definition))
            return true;
    }
    for (const struct sl_section *s = sl_sections; s->name; s++) {
        if (!strcmp(s->name, definition))
            return true;
    }
    return false;
}

static void put_reference_to(struct sl_json_writer *w, const char *definition)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "#/$defs/%s", definition);
    put(w, "$ref", path);
}

/* What is in a raw node of this key, as far as a definition says it. */
static void put_reference(struct sl_json_writer *w, const char *key)
{
    for (size_t i = 0; i < SL_COUNT(references); i++) {
        if (strcmp(references[i].key, key) != 0 || !is_defined(references[i].definition))
            continue;
        if (!references[i].is_list) {
            put_reference_to(w, references[i].definition);
            return;
        }
        put_types(w, "array null");
        sl_json_key(w, SL_STR("items"));
        sl_json_open(w, '{');
        put_reference_to(w, references[i].definition);
        sl_json_close(w, '}');
        return;
    }
}

static void put_number(struct sl_json_writer *w, const struct sl_field *f, const char *types)
{
    put_types(w, types);
    put(w, "pattern", "^\\$");
    if ((f->min == 0 && f->max == 0) || f->max >= 1e15)
        return;
    sl_json_key(w, f->flags & SL_OPEN_MIN ? SL_STR("exclusiveMinimum") : SL_STR("minimum"));
    sl_json_put_f64(w, f->min);
    sl_json_key(w, SL_STR("maximum"));
    sl_json_put_f64(w, f->max);
}

static void put_enum(struct sl_json_writer *w, const struct sl_field *f)
{
    put_types(w, "string null");
    sl_json_key(w, f->flags & (SL_LENIENT) ? SL_STR("examples") : SL_STR("enum"));
    sl_json_open(w, '[');
    for (uint32_t i = 0; f->choices[i]; i++)
        sl_json_put_str(w, sl_str_from(f->choices[i]));
    if (!(f->flags & SL_LENIENT)) {
        sl_json_put_null(w);
    }
    sl_json_close(w, ']');
}

static void put_items(struct sl_json_writer *w, const char *types)
{
    put_types(w, "array null");
    sl_json_key(w, SL_STR("items"));
    sl_json_open(w, '{');
    put_types(w, types);
    sl_json_close(w, '}');
}

/* The members that say what a value of the field may be. */
static void put_value(struct sl_json_writer *w, const struct sl_field *f)
{
    switch (f->type) {
    case SL_F_BOOL:
    case SL_F_TRI:
        put_types(w, "boolean string null");
        put(w, "pattern", "^(\\$.*|true|false|yes|no|on|off|y|n)$");
        return;
    case SL_F_INT:
    case SL_F_OPT_INT:
        put_number(w, f, "integer string null");
        return;
    case SL_F_FLOAT:
    case SL_F_OPT_FLOAT:
        put_number(w, f, "number string null");
        return;
    case SL_F_TOKENS:
        put_types(w, "integer string null");
        return;
    case SL_F_ENUM:
        put_enum(w, f);
        return;
    case SL_F_STR:
    case SL_F_DURATION:
        put_types(w, "string number boolean null");
        return;
    case SL_F_STRS:
        put_items(w, "string number boolean null");
        return;
    case SL_F_INTS:
        put_items(w, "integer");
        return;
    case SL_F_STR_MAP:
        put_types(w, "object null");
        sl_json_key(w, SL_STR("additionalProperties"));
        sl_json_open(w, '{');
        put_types(w, "string number boolean null");
        sl_json_close(w, '}');
        return;
    case SL_F_STRUCT:
        put_object(w, f->sub);
        return;
    case SL_F_LIST:
    case SL_F_MAP:
        put_types(w, f->type == SL_F_LIST ? "array null" : "object null");
        sl_json_key(w, f->type == SL_F_LIST ? SL_STR("items") : SL_STR("additionalProperties"));
        sl_json_open(w, '{');
        put_object(w, f->sub);
        sl_json_close(w, '}');
        return;
    case SL_F_NODE:
        put_reference(w, f->key);
        return;
    case SL_F_CUSTOM:
        return;
    }
}

/* One property of the enclosing "properties". */
static void put_property(struct sl_json_writer *w, const struct sl_field *f)
{
    sl_json_key(w, sl_str_from(f->key));
    sl_json_open(w, '{');
    put(w, "description", f->help);
    put_value(w, f);
    const char *fallback = f->fallback_means ? f->fallback_means : f->fallback;
    if (fallback && *fallback)
        put(w, "$comment", fallback);
    sl_json_close(w, '}');
}

/* The members of an object schema. Recursion follows the tables, which are finite. */
static void put_object(struct sl_json_writer *w, const struct sl_field *fields)
{
    bool has_required = false;
    put_types(w, "object null");
    sl_json_key(w, SL_STR("properties"));
    sl_json_open(w, '{');
    for (const struct sl_field *f = fields; f && f->key; f++)
        put_property(w, f);
    sl_json_close(w, '}');
    for (const struct sl_field *f = fields; f && f->key; f++)
        has_required = has_required || f->flags & SL_REQUIRED;
    if (has_required) {
        sl_json_key(w, SL_STR("required"));
        sl_json_open(w, '[');
        for (const struct sl_field *f = fields; f->key; f++) {
            if (f->flags & SL_REQUIRED)
                sl_json_put_str(w, sl_str_from(f->key));
        }
        sl_json_close(w, ']');
    }
    sl_json_key(w, SL_STR("additionalProperties"));
    sl_json_put_bool(w, false);
}

/* "name": {"type": "array", "items": {...}} for every signal type. */
static void put_signals(struct sl_json_writer *w)
{
    put(w, "type", "object");
    sl_json_key(w, SL_STR("properties"));
    sl_json_open(w, '{');
    for (const struct sl_feature *const *f = sl_signal_features; *f; f++) {
        sl_json_key(w, sl_str_from((*f)->list_key));
        sl_json_open(w, '{');
        put(w, "description", (*f)->summary);
        put_types(w, "array null");
        sl_json_key(w, SL_STR("items"));
        sl_json_open(w, '{');
        put_object(w, (*f)->fields);
        sl_json_close(w, '}');
        sl_json_close(w, '}');
    }
    sl_json_close(w, '}');
    sl_json_key(w, SL_STR("additionalProperties"));
    sl_json_put_bool(w, false);
}

/* {"type": ..., "configuration": ...}: the type says which configuration. */
static void put_plugins(struct sl_json_writer *w)
{
    put(w, "type", "object");
    sl_json_key(w, SL_STR("required"));
    sl_json_put_raw(w, SL_STR("[\"type\",\"configuration\"]"));
    sl_json_key(w, SL_STR("properties"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("type"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("enum"));
    sl_json_open(w, '[');
    for (const struct sl_feature *const *f = sl_plugin_features; *f; f++)
        sl_json_put_str(w, sl_str_from((*f)->name));
    sl_json_put_str(w, SL_STR("semantic-cache"));
    sl_json_put_str(w, SL_STR("semantic_cache"));
    sl_json_put_str(w, SL_STR("response-cache"));
    sl_json_close(w, ']');
    sl_json_close(w, '}');
    sl_json_close(w, '}');
    sl_json_key(w, SL_STR("allOf"));
    sl_json_open(w, '[');
    for (const struct sl_feature *const *f = sl_plugin_features; *f; f++) {
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("if"));
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("properties"));
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("type"));
        sl_json_open(w, '{');
        put(w, "const", (*f)->name);
        sl_json_close(w, '}');
        sl_json_close(w, '}');
        sl_json_close(w, '}');
        sl_json_key(w, SL_STR("then"));
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("properties"));
        sl_json_open(w, '{');
        sl_json_key(w, SL_STR("configuration"));
        sl_json_open(w, '{');
        put_object(w, (*f)->fields);
        sl_json_close(w, '}');
        sl_json_close(w, '}');
        sl_json_close(w, '}');
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

static void put_algorithm_names(struct sl_json_writer *w, const struct sl_feature *const *features)
{
    for (; *features; features++)
        sl_json_put_str(w, sl_str_from((*features)->name));
}

static void put_algorithm_blocks(struct sl_json_writer *w, const struct sl_feature *const *features)
{
    for (; *features; features++) {
        if (!(*features)->fields)
            continue;
        sl_json_key(w, sl_str_from((*features)->name));
        sl_json_open(w, '{');
        put(w, "description", (*features)->summary);
        put_object(w, (*features)->fields);
        sl_json_close(w, '}');
    }
}

static void put_algorithm(struct sl_json_writer *w)
{
    put(w, "type", "object");
    sl_json_key(w, SL_STR("properties"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("type"));
    sl_json_open(w, '{');
    sl_json_key(w, SL_STR("enum"));
    sl_json_open(w, '[');
    put_algorithm_names(w, sl_selector_features);
    put_algorithm_names(w, sl_looper_features);
    sl_json_close(w, ']');
    sl_json_close(w, '}');
    sl_json_key(w, SL_STR("on_error"));
    sl_json_put_raw(w, SL_STR("{\"type\":\"string\"}"));
    put_algorithm_blocks(w, sl_selector_features);
    put_algorithm_blocks(w, sl_looper_features);
    sl_json_close(w, '}');
    sl_json_key(w, SL_STR("additionalProperties"));
    sl_json_put_bool(w, false);
}

/* AND, OR and NOT over leaves, to any depth. */
static const char rule[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"type\":{\"type\":\"string\"},\"name\":{\"type\":[\"string\",\"number\"]},"
    "\"label\":{\"type\":\"string\"},"
    "\"predicate\":{\"type\":\"object\",\"properties\":{\"gt\":{\"type\":\"number\"},"
    "\"gte\":{\"type\":\"number\"},\"lt\":{\"type\":\"number\"},\"lte\":{\"type\":\"number\"}},"
    "\"additionalProperties\":false},"
    "\"on_error\":{\"enum\":[\"\",\"no_match\",\"match\"]},"
    "\"operator\":{\"type\":\"string\",\"pattern\":\"^([Aa][Nn][Dd]|[Oo][Rr]|[Nn][Oo][Tt])?$\"},"
    "\"conditions\":{\"type\":[\"array\",\"null\"],\"items\":{\"$ref\":\"#/$defs/rule\"}}},"
    "\"additionalProperties\":false}";

static void put_global(struct sl_json_writer *w);

static void put_definitions(struct sl_json_writer *w)
{
    static const struct {
        const char *name;
        void (*put)(struct sl_json_writer *w);
    } parts[] = {{"signals", put_signals},
                 {"plugin", put_plugins},
                 {"algorithm", put_algorithm},
                 {"global", put_global}};
    sl_json_key(w, SL_STR("$defs"));
    sl_json_open(w, '{');
    for (size_t i = 0; i < SL_COUNT(parts); i++) {
        sl_json_key(w, sl_str_from(parts[i].name));
        sl_json_open(w, '{');
        parts[i].put(w);
        sl_json_close(w, '}');
    }
    sl_json_key(w, SL_STR("rule"));
    sl_json_put_raw(w, sl_str_of(rule, sizeof(rule) - 1));
    for (const struct sl_section *s = sl_sections; s->name; s++) {
        sl_json_key(w, sl_str_from(s->name));
        sl_json_open(w, '{');
        put(w, "description", s->summary);
        put_object(w, s->fields);
        sl_json_close(w, '}');
    }
    sl_json_close(w, '}');
}

/* "global": its parts are sections of their own. */
static void put_global(struct sl_json_writer *w)
{
    static const char *const parts[] = {"router",       "services",      "stores",
                                        "integrations", "model_catalog", NULL};
    put_types(w, "object null");
    sl_json_key(w, SL_STR("properties"));
    sl_json_open(w, '{');
    for (uint32_t i = 0; parts[i]; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "global.%s", parts[i]);
        sl_json_key(w, sl_str_from(parts[i]));
        sl_json_open(w, '{');
        if (is_defined(name))
            put_reference_to(w, name);
        sl_json_close(w, '}');
    }
    sl_json_close(w, '}');
    sl_json_key(w, SL_STR("additionalProperties"));
    sl_json_put_bool(w, false);
}

void sl_describe_schema(struct sl_buf *out)
{
    static const char *const parts[] = {"listeners", "providers", "routing", "entrypoints",
                                        "recipes",   "global",    NULL};
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    put(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put(&w, "title", "Sluice configuration");
    put(&w, "type", "object");
    sl_json_key(&w, SL_STR("properties"));
    sl_json_open(&w, '{');
    sl_json_key(&w, SL_STR("version"));
    sl_json_put_raw(&w, SL_STR("{\"type\":[\"string\",\"number\"]}"));
    sl_json_key(&w, SL_STR("setup"));
    sl_json_put_raw(&w, SL_STR("{}"));
    for (uint32_t i = 0; parts[i]; i++) {
        sl_json_key(&w, sl_str_from(parts[i]));
        sl_json_open(&w, '{');
        put_reference(&w, parts[i]);
        sl_json_close(&w, '}');
    }
    sl_json_close(&w, '}');
    sl_json_key(&w, SL_STR("additionalProperties"));
    sl_json_put_bool(&w, false);
    put_definitions(&w);
    sl_json_close(&w, '}');
    sl_buf_add_char(out, '\n');
}
