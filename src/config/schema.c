/*
 * Field tables against a YAML tree: one walk decodes, fills defaults and reports every mistake.
 * Recursion follows the tables, which are finite, never the document.
 */
#include "config/schema.h"

#include "config/feature.h"
#include "config/scalar.h"

#include <math.h>
#include <stdio.h>

enum { MAX_NAMES = 128 };

static const struct sl_field *find_field(const struct sl_field *fields, sl_str key)
{
    for (; fields->key; fields++)
        if (sl_str_eq(key, sl_str_from(fields->key)))
            return fields;
    return NULL;
}

/* "a, b, c" of a table's keys, cut where it would no longer help. */
static void list_keys(const struct sl_field *fields, char *out, size_t size)
{
    size_t at = 0;
    out[0] = 0;
    for (; fields->key && at + 40 < size; fields++)
        at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", fields->key);
    if (fields->key)
        snprintf(out + at, size - at, ", ...");
}

static void report_unknown(struct sl_check *c, const struct sl_field *fields,
                           const struct sl_yaml *key)
{
    const char *names[MAX_NAMES];
    size_t n = 0;
    for (const struct sl_field *f = fields; f->key && n + 1 < MAX_NAMES; f++)
        names[n++] = f->key;
    names[n] = NULL;
    const char *nearest = sl_str_nearest(key->text, names);
    size_t length = sl_check_push(c, key->text);
    char known[400];
    list_keys(fields, known, sizeof known);
    if (nearest)
        sl_check_error(c, key, "unknown field; did you mean \"%s\"?", nearest);
    else if (n)
        sl_check_error(c, key, "unknown field; expected one of: %s", known);
    else
        sl_check_error(c, key, "unknown field; none is expected here");
    sl_check_pop(c, length);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static bool has_max(const struct sl_field *f)
{
    return (f->max != 0 || f->min < 0) && f->max < 1e15;
}

static bool has_min(const struct sl_field *f)
{
    return (f->min != 0 || f->max != 0 || (f->flags & SL_OPEN_MIN)) && f->min > -1e15;
}

static void describe_bounds(const struct sl_field *f, const char *what, char *out, size_t size)
{
    const char *above = f->flags & SL_OPEN_MIN ? "above" : "of at least";
    if (has_min(f) && has_max(f) && !(f->flags & SL_OPEN_MIN))
        snprintf(out, size, "%s between %.15g and %.15g", what, f->min, f->max);
    else if (has_min(f) && has_max(f))
        snprintf(out, size, "%s above %.15g and at most %.15g", what, f->min, f->max);
    else if (has_min(f))
        snprintf(out, size, "%s %s %.15g", what, above, f->min);
    else if (has_max(f))
        snprintf(out, size, "%s of at most %.15g", what, f->max);
    else
        snprintf(out, size, "%s", what);
}

static void check_bounds(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                         double value, const char *what)
{
    bool is_low = has_min(f) && (f->flags & SL_OPEN_MIN ? value <= f->min : value < f->min);
    if (!is_low && !(has_max(f) && value > f->max))
        return;
    char expected[160];
    describe_bounds(f, what, expected, sizeof expected);
    if (f->flags & SL_LENIENT)
        sl_check_warn(c, node, "found %s, expected %s", sl_found(node).text, expected);
    else
        sl_check_error(c, node, "found %s, expected %s", sl_found(node).text, expected);
}

static void report_type(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        const char *what)
{
    char expected[160];
    describe_bounds(f, what, expected, sizeof expected);
    bool is_number_in_quotes = false;
    if (node->kind == SL_YAML_SCALAR && node->is_quoted) {
        struct sl_yaml plain = *node;
        plain.is_quoted = false;
        double number;
        bool truth;
        is_number_in_quotes = f->type == SL_F_BOOL || f->type == SL_F_TRI
                                  ? sl_yaml_bool(&plain, &truth)
                                  : sl_scalar_float(&plain, &number);
    }
    sl_check_error(c, node, "found %s, expected %s%s", sl_found(node).text, expected,
                   is_number_in_quotes ? "; take away the quotes" : "");
}

/* ---- scalars ------------------------------------------------------------------------------- */

/* True when "" or 0 stands for the default here. */
static bool means_default(const struct sl_field *f, const struct sl_yaml *node)
{
    if (!(f->flags & SL_KEEPS_DEFAULT_ON_EMPTY) || node->kind != SL_YAML_SCALAR)
        return false;
    double number;
    return sl_str_trim(node->text).n == 0 || (sl_scalar_float(node, &number) && number == 0);
}

static bool decode_int(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                       int64_t *out)
{
    if (!sl_scalar_int(node, out)) {
        report_type(c, f, node, "a whole number");
        return false;
    }
    check_bounds(c, f, node, (double)*out, "a whole number");
    return true;
}

static bool decode_float(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                         double *out)
{
    if (!sl_scalar_float(node, out)) {
        report_type(c, f, node, "a number");
        return false;
    }
    check_bounds(c, f, node, *out, "a number");
    return true;
}

static bool decode_bool(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        bool *out)
{
    if (sl_yaml_bool(node, out))
        return true;
    report_type(c, f, node, "true or false");
    return false;
}

static bool is_text(const struct sl_check *c, const struct sl_yaml *node)
{
    double number;
    bool truth;
    return !c->wants_texts || (!sl_scalar_float(node, &number) && !sl_yaml_bool(node, &truth)) ||
           node->is_expanded;
}

static bool decode_text(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        sl_str *out)
{
    if (node->kind != SL_YAML_SCALAR || !is_text(c, node)) {
        report_type(c, f, node, "a text");
        return false;
    }
    *out = f->flags & SL_TRIMMED ? sl_str_trim(node->text) : node->text;
    return true;
}

/* Names and efforts become header values of answers: one line each. */
static void refuse_control_bytes(struct sl_check *c, const struct sl_field *f,
                                 const struct sl_yaml *node)
{
    if (strcmp(f->key, "name") != 0 && strcmp(f->key, "reasoning_effort") != 0)
        return;
    for (size_t i = 0; i < node->text.n; i++) {
        unsigned char byte = (unsigned char)node->text.p[i];
        if (byte < 0x20 || byte == 0x7f) {
            sl_check_error(c, node,
                           "found the control character 0x%02x, expected a text of one "
                           "line",
                           byte);
            return;
        }
    }
}

static void decode_enum(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        int *out)
{
    if (node->kind != SL_YAML_SCALAR) {
        report_type(c, f, node, "a text");
        return;
    }
    sl_str text = f->flags & SL_EXACT ? node->text : sl_str_trim(node->text);
    char choices[400];
    size_t at = 0;
    choices[0] = 0;
    for (int i = 0; f->choices[i]; i++) {
        sl_str choice = sl_str_from(f->choices[i]);
        if (f->flags & SL_EXACT ? sl_str_eq(text, choice) : sl_str_eq_nocase(text, choice)) {
            *out = i;
            return;
        }
        if (choice.n && at + choice.n + 3 < sizeof choices)
            at += (size_t)snprintf(choices + at, sizeof choices - at, "%s%s", at ? ", " : "",
                                   f->choices[i]);
    }
    if (!text.n && !(f->flags & SL_EXACT))
        return; /* blank: the default stays; a required one was reported before */
    const char *nearest = sl_str_nearest(text, f->choices);
    bool has_hint = nearest && *nearest;
    void (*report)(struct sl_check *, const struct sl_yaml *, const char *, ...) =
        f->flags & SL_LENIENT ? sl_check_warn : sl_check_error;
    report(c, node, "found %s, expected one of: %s%s%s%s", sl_found(node).text, choices,
           has_hint ? "; did you mean \"" : "", has_hint ? nearest : "", has_hint ? "\"?" : "");
}

static void decode_duration(struct sl_check *c, const struct sl_field *f,
                            const struct sl_yaml *node, int64_t *out)
{
    int64_t seconds;
    if ((f->flags & SL_LENIENT) && sl_scalar_int(node, &seconds) && seconds >= 0 &&
        seconds < INT64_MAX / 1000) {
        *out = seconds * 1000;
        if (seconds)
            sl_check_warn(c, node, "found %s without a unit, taken as seconds; write %llds",
                          sl_found(node).text, (long long)seconds);
        return;
    }
    if (node->kind != SL_YAML_SCALAR || !sl_parse_duration(node->text, out)) {
        sl_check_error(c, node, "found %s, expected a duration such as 30s, 1m30s or 500ms",
                       sl_found(node).text);
        return;
    }
    check_bounds(c, f, node, (double)*out, "a duration, in milliseconds,");
}

static void decode_tokens(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                          int64_t *out)
{
    if (node->kind != SL_YAML_SCALAR || !sl_parse_tokens(node->text, out)) {
        sl_check_error(c, node, "found %s, expected a token count such as 4096, 8K or 1M",
                       sl_found(node).text);
        return;
    }
    check_bounds(c, f, node, (double)*out, "a token count");
}

/* ---- collections --------------------------------------------------------------------------- */

static bool expect_kind(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        enum sl_yaml_kind kind, const char *what)
{
    if (node->kind == kind)
        return true;
    report_type(c, f, node, what);
    return false;
}

static void decode_strs(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        struct sl_strs *out)
{
    *out = (struct sl_strs){NULL, 0};
    if (node->kind == SL_YAML_NULL || !expect_kind(c, f, node, SL_YAML_LIST, "a list of texts"))
        return;
    sl_str *items = SL_NEW_ARRAY(c->arena, sl_str, node->n);
    if (!items)
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        items[i] = SL_STR("");
        if (node->items[i]->kind != SL_YAML_NULL)
            (void)decode_text(c, f, node->items[i], &items[i]);
        sl_check_pop(c, length);
    }
    *out = (struct sl_strs){items, node->n};
}

static void decode_ints(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        struct sl_ints *out)
{
    *out = (struct sl_ints){NULL, 0};
    if (node->kind == SL_YAML_NULL ||
        !expect_kind(c, f, node, SL_YAML_LIST, "a list of whole numbers"))
        return;
    int64_t *items = SL_NEW_ARRAY(c->arena, int64_t, node->n);
    if (!items)
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        (void)decode_int(c, f, node->items[i], &items[i]);
        sl_check_pop(c, length);
    }
    *out = (struct sl_ints){items, node->n};
}

static void decode_str_map(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                           struct sl_str_pairs *out)
{
    *out = (struct sl_str_pairs){NULL, 0};
    if (node->kind == SL_YAML_NULL ||
        !expect_kind(c, f, node, SL_YAML_MAP, "a map of name to text"))
        return;
    struct sl_str_pair *items = SL_NEW_ARRAY(c->arena, struct sl_str_pair, node->n);
    if (!items)
        return;
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push(c, node->keys[i]->text);
        items[i] = (struct sl_str_pair){node->keys[i]->text, SL_STR("")};
        if (node->items[i]->kind != SL_YAML_NULL)
            (void)decode_text(c, f, node->items[i], &items[i].value);
        sl_check_pop(c, length);
    }
    *out = (struct sl_str_pairs){items, node->n};
}

static void decode_struct(struct sl_check *c, const struct sl_field *fields,
                          const struct sl_yaml *node, char *out);

/* Memory for the elements of a list or map; NULL when they are only checked. */
static char *new_elements(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                          void *at)
{
    if (!at || !f->sub_size)
        return NULL;
    return sl_arena_zero(c->arena, node->n, f->sub_size);
}

static void decode_list(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                        struct sl_list *out)
{
    if (out)
        *out = (struct sl_list){NULL, 0};
    if (node->kind == SL_YAML_NULL || !expect_kind(c, f, node, SL_YAML_LIST, "a list of maps"))
        return;
    char *items = new_elements(c, f, node, out);
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push_index(c, i);
        decode_struct(c, f->sub, node->items[i], items ? items + i * (size_t)f->sub_size : NULL);
        sl_check_pop(c, length);
    }
    if (items)
        *out = (struct sl_list){items, node->n};
}

static void decode_map(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                       struct sl_named_list *out)
{
    if (out)
        *out = (struct sl_named_list){NULL, 0};
    if (node->kind == SL_YAML_NULL || !expect_kind(c, f, node, SL_YAML_MAP, "a map of names"))
        return;
    char *items = new_elements(c, f, node, out);
    for (uint32_t i = 0; i < node->n; i++) {
        size_t length = sl_check_push(c, node->keys[i]->text);
        char *item = items ? items + i * (size_t)f->sub_size : NULL;
        decode_struct(c, f->sub, node->items[i], item);
        if (item)
            *(sl_str *)(void *)item = node->keys[i]->text;
        sl_check_pop(c, length);
    }
    if (items)
        *out = (struct sl_named_list){items, node->n};
}

/* ---- one field, one struct ----------------------------------------------------------------- */

/* Where a scalar goes that is validated but not stored. */
union scratch {
    bool truth;
    enum sl_tri tri;
    int choice;
    int64_t whole;
    double real;
    sl_str text;
    struct sl_opt_int opt_int;
    struct sl_opt_float opt_float;
    struct sl_strs strs;
    struct sl_ints ints;
    struct sl_str_pairs pairs;
    const struct sl_yaml *node;
};

static void decode_scalar(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                          void *at)
{
    bool truth;
    switch (f->type) {
    case SL_F_BOOL:
        if (decode_bool(c, f, node, &truth))
            *(bool *)at = truth;
        return;
    case SL_F_TRI:
        if (decode_bool(c, f, node, &truth))
            *(enum sl_tri *)at = truth ? SL_YES : SL_NO;
        return;
    case SL_F_INT:
        (void)decode_int(c, f, node, at);
        return;
    case SL_F_FLOAT:
        (void)decode_float(c, f, node, at);
        return;
    case SL_F_OPT_INT: {
        struct sl_opt_int *out = at;
        out->is_set = decode_int(c, f, node, &out->value);
        return;
    }
    case SL_F_OPT_FLOAT: {
        struct sl_opt_float *out = at;
        out->is_set = decode_float(c, f, node, &out->value);
        return;
    }
    case SL_F_STR:
        if (decode_text(c, f, node, at))
            refuse_control_bytes(c, f, node);
        return;
    case SL_F_ENUM:
        decode_enum(c, f, node, at);
        return;
    case SL_F_DURATION:
        decode_duration(c, f, node, at);
        return;
    default:
        decode_tokens(c, f, node, at);
        return;
    }
}

/* `at` is NULL when the value is only checked. */
static void decode_value(struct sl_check *c, const struct sl_field *f, const struct sl_yaml *node,
                         void *at)
{
    union scratch scratch = {.whole = 0};
    switch (f->type) {
    case SL_F_STRUCT:
        if (node->kind != SL_YAML_NULL)
            decode_struct(c, f->sub, node, at);
        return;
    case SL_F_LIST:
        decode_list(c, f, node, at);
        return;
    case SL_F_MAP:
        decode_map(c, f, node, at);
        return;
    case SL_F_CUSTOM:
        f->decode(c, node, at);
        return;
    case SL_F_STRS:
        decode_strs(c, f, node, at ? at : &scratch);
        return;
    case SL_F_INTS:
        decode_ints(c, f, node, at ? at : &scratch);
        return;
    case SL_F_STR_MAP:
        decode_str_map(c, f, node, at ? at : &scratch);
        return;
    case SL_F_NODE:
        if (at)
            *(const struct sl_yaml **)at = node;
        return;
    default:
        if (node->kind != SL_YAML_NULL && !means_default(f, node))
            decode_scalar(c, f, node, at ? at : &scratch);
        return;
    }
}

static bool is_missing(const struct sl_yaml *node)
{
    return !node || node->kind == SL_YAML_NULL ||
           (node->kind == SL_YAML_SCALAR && sl_str_trim(node->text).n == 0);
}

static void *place_of(const struct sl_field *f, char *out)
{
    return out && !(f->flags & SL_CHECKED_ONLY) ? out + f->offset : NULL;
}

static void fill_default(struct sl_check *c, const struct sl_field *f, void *at)
{
    if (f->type == SL_F_STRUCT) {
        sl_schema_defaults(c, f->sub, at);
        return;
    }
    if (!f->fallback)
        return;
    sl_str text = sl_str_from(f->fallback);
    struct sl_yaml plain = {.kind = SL_YAML_SCALAR, .text = text};
    struct sl_yaml *node = &plain;
    bool is_collection = f->type == SL_F_STRS || f->type == SL_F_INTS || f->type == SL_F_STR_MAP ||
                         f->type == SL_F_LIST || f->type == SL_F_MAP || f->type == SL_F_NODE;
    if (is_collection && sl_yaml_parse(&node, c->arena, text, NULL, NULL) != SL_OK)
        return;
    struct sl_field unmarked = *f;
    unmarked.flags &= ~(uint32_t)(SL_REQUIRED | SL_KEEPS_DEFAULT_ON_EMPTY);
    decode_value(c, &unmarked, node, at);
}

static void fill_defaults(struct sl_check *c, const struct sl_field *fields, char *out)
{
    for (const struct sl_field *f = fields; out && f->key; f++)
        if (place_of(f, out) && f->type != SL_F_CUSTOM)
            fill_default(c, f, place_of(f, out));
}

void sl_schema_defaults(struct sl_check *c, const struct sl_field *fields, void *out)
{
    fill_defaults(c, fields, out);
    for (const struct sl_field *f = fields; f->key; f++)
        if (f->type == SL_F_CUSTOM && place_of(f, out))
            f->decode(c, NULL, place_of(f, out));
}

/* A present block; a null one in a list is an empty map. */
static void decode_struct(struct sl_check *c, const struct sl_field *fields,
                          const struct sl_yaml *node, char *out)
{
    fill_defaults(c, fields, out);
    if (node->kind != SL_YAML_MAP && node->kind != SL_YAML_NULL) {
        char known[400];
        list_keys(fields, known, sizeof known);
        sl_check_error(c, node, "found %s, expected a map with: %s", sl_found(node).text, known);
        return;
    }
    for (uint32_t i = 0; i < node->n; i++)
        if (!find_field(fields, node->keys[i]->text))
            report_unknown(c, fields, node->keys[i]);
    for (const struct sl_field *f = fields; f->key; f++) {
        const struct sl_yaml *value = sl_yaml_get(node, sl_str_from(f->key));
        size_t length = sl_check_push(c, sl_str_from(f->key));
        if ((f->flags & SL_REQUIRED) && is_missing(value))
            sl_check_error(c, value ? value : node, "required, but %s",
                           !value                        ? "missing"
                           : value->kind == SL_YAML_NULL ? "null"
                                                         : "blank");
        else if (value || f->type == SL_F_CUSTOM)
            decode_value(c, f, value, place_of(f, out));
        sl_check_pop(c, length);
    }
}

void sl_schema_decode_list(struct sl_check *c, const struct sl_field *fields, uint32_t size,
                           const struct sl_yaml *node, struct sl_list *out)
{
    const struct sl_field list = {.type = SL_F_LIST, .sub = fields, .sub_size = size};
    *out = (struct sl_list){NULL, 0};
    if (node)
        decode_list(c, &list, node, out);
}

void sl_schema_decode(struct sl_check *c, const struct sl_field *fields, const struct sl_yaml *node,
                      void *out)
{
    if (!node || node->kind == SL_YAML_NULL) {
        if (out)
            sl_schema_defaults(c, fields, out);
        return;
    }
    decode_struct(c, fields, node, out);
}

const struct sl_feature *sl_feature_find(const struct sl_feature *const *registry, sl_str name)
{
    for (; *registry; registry++)
        if (sl_str_eq(name, sl_str_from((*registry)->name)))
            return *registry;
    return NULL;
}
