/* Descriptions from the records: one list of topics, three ways to show them. */
#include "config/describe.h"

#include "codec/json_write.h"
#include "config/sections.h"

#include <stdlib.h>

const char *const sl_topic_kinds[] = {"signal", "plugin", "algorithm", "section", NULL};

static const struct {
    const char *kind;
    const struct sl_feature *const *features;
} registries[] = {
    {"signal", sl_signal_features},
    {"plugin", sl_plugin_features},
    {"algorithm", sl_selector_features},
    {"algorithm", sl_looper_features},
};

static int compare(const void *a, const void *b)
{
    const struct sl_topic *x = a;
    const struct sl_topic *y = b;
    for (uint32_t i = 0; sl_topic_kinds[i]; i++) {
        bool is_x = !strcmp(x->kind, sl_topic_kinds[i]);
        bool is_y = !strcmp(y->kind, sl_topic_kinds[i]);
        if (is_x != is_y)
            return is_x ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

uint32_t sl_topics(struct sl_topic *out, uint32_t max)
{
    uint32_t n = 0;
    for (size_t r = 0; r < SL_COUNT(registries); r++) {
        for (const struct sl_feature *const *f = registries[r].features; *f && n < max; f++)
            out[n++] = (struct sl_topic){
                registries[r].kind, (*f)->name, (*f)->summary, (*f)->help, (*f)->example,
                (*f)->fields,       *f};
    }
    for (const struct sl_section *s = sl_sections; s->name && n < max; s++)
        out[n++] = (struct sl_topic){"section", s->name, s->summary, NULL, NULL, s->fields, NULL};
    qsort(out, n, sizeof(*out), compare);
    return n;
}

bool sl_topic_find(sl_str kind, sl_str name, struct sl_topic *out, const char **nearest)
{
    struct sl_topic topics[SL_TOPICS_MAX];
    const char *names[SL_TOPICS_MAX + 1];
    uint32_t n = sl_topics(topics, SL_TOPICS_MAX);
    uint32_t n_names = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool is_kind = !kind.n || sl_str_eq(kind, sl_str_from(topics[i].kind));
        if (is_kind && sl_str_eq(name, sl_str_from(topics[i].name))) {
            *out = topics[i];
            return true;
        }
        if (is_kind)
            names[n_names++] = topics[i].name;
    }
    names[n_names] = NULL;
    *nearest = sl_str_nearest(name, names);
    return false;
}

/* ---- types --------------------------------------------------------------------------------- */

static bool is_bounded(const struct sl_field *f)
{
    return (f->min != 0 || f->max != 0) && f->max < 1e15;
}

static void put_number(struct sl_buf *out, const char *what, const struct sl_field *f)
{
    sl_buf_printf(out, "%s", what);
    if (is_bounded(f))
        sl_buf_printf(out, "%s %.15g %s %.15g", f->flags & SL_OPEN_MIN ? " above" : " from", f->min,
                      f->flags & SL_OPEN_MIN ? "and at most" : "to", f->max);
}

static void put_choices(struct sl_buf *out, const struct sl_field *f)
{
    bool is_first = true;
    sl_buf_printf(out, "one of: ");
    for (uint32_t i = 0; f->choices[i]; i++) {
        if (!*f->choices[i])
            continue;
        sl_buf_printf(out, "%s%s", is_first ? "" : ", ", f->choices[i]);
        is_first = false;
    }
}

void sl_describe_type(struct sl_buf *out, const struct sl_field *f)
{
    static const char *const names[] = {
        [SL_F_BOOL] = "true or false",
        [SL_F_TRI] = "true or false",
        [SL_F_STR] = "text",
        [SL_F_DURATION] = "duration such as 30s or 1m30s",
        [SL_F_STRS] = "list of texts",
        [SL_F_INTS] = "list of whole numbers",
        [SL_F_STRUCT] = "map",
        [SL_F_STR_MAP] = "map of name to text",
        [SL_F_LIST] = "list of maps",
        [SL_F_MAP] = "map of name to map",
        [SL_F_NODE] = "see the meaning",
        [SL_F_CUSTOM] = "see the meaning",
    };
    if (f->type == SL_F_INT || f->type == SL_F_OPT_INT)
        put_number(out, "whole number", f);
    else if (f->type == SL_F_FLOAT || f->type == SL_F_OPT_FLOAT)
        put_number(out, "number", f);
    else if (f->type == SL_F_TOKENS)
        put_number(out, "token count such as 4096, 8K or 1M", f);
    else if (f->type == SL_F_ENUM)
        put_choices(out, f);
    else
        sl_buf_printf(out, "%s", names[f->type]);
}

/* A default worth showing: not an empty one. */
static const char *default_of(const struct sl_field *f)
{
    if (f->fallback_means)
        return f->fallback_means;
    return f->fallback && *f->fallback ? f->fallback : NULL;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void put_indented(struct sl_buf *out, const char *text, unsigned indent)
{
    bool is_line_start = true;
    for (; *text; text++) {
        if (is_line_start && *text != '\n')
            sl_buf_printf(out, "%*s", (int)indent, "");
        sl_buf_add_char(out, *text);
        is_line_start = *text == '\n';
    }
    if (!is_line_start)
        sl_buf_add_char(out, '\n');
}

/* Words of `text` in lines of at most `width` columns. */
static void put_wrapped(struct sl_buf *out, const char *text, unsigned indent, unsigned width)
{
    sl_str rest = sl_str_from(text);
    sl_str word;
    size_t column = 0;
    while (sl_str_split(&rest, ' ', &word)) {
        if (column && column + 1 + word.n > width) {
            sl_buf_add_char(out, '\n');
            column = 0;
        }
        if (!column) {
            sl_buf_printf(out, "%*s", (int)indent, "");
            column = indent;
        } else {
            sl_buf_add_char(out, ' ');
            column++;
        }
        sl_buf_add(out, word);
        column += word.n;
    }
    sl_buf_add_char(out, '\n');
}

/* Recursion follows the tables, which are finite. */
static void put_fields_text(struct sl_buf *out, const struct sl_field *fields, unsigned indent)
{
    for (const struct sl_field *f = fields; f->key; f++) {
        sl_buf_printf(out, "%*s%s: ", (int)indent, "", f->key);
        sl_describe_type(out, f);
        if (f->flags & SL_REQUIRED)
            sl_buf_printf(out, ", required");
        if (default_of(f))
            sl_buf_printf(out, ", default %s", default_of(f));
        sl_buf_add_char(out, '\n');
        put_wrapped(out, f->help, indent + 4, 96);
        if (f->sub)
            put_fields_text(out, f->sub, indent + 4);
    }
}

void sl_describe_text(struct sl_buf *out, const struct sl_topic *t)
{
    sl_buf_printf(out, "%s %s: %s\n\n", t->kind, t->name, t->summary);
    if (t->help) {
        put_wrapped(out, t->help, 0, 96);
        sl_buf_add_char(out, '\n');
    }
    if (t->feature && !t->feature->is_active)
        sl_buf_printf(out, "Configurations that use it load and are checked; its engine is not "
                           "built yet.\n\n");
    if (t->feature && t->feature->list_key)
        sl_buf_printf(out, "Declared in the list routing.signals.%s.\n\n", t->feature->list_key);
    if (t->fields) {
        sl_buf_printf(out, "Fields\n");
        put_fields_text(out, t->fields, 2);
    } else {
        sl_buf_printf(out, "It has no fields.\n");
    }
    if (t->example && *t->example) {
        sl_buf_printf(out, "\nExample\n");
        put_indented(out, t->example, 2);
    }
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_fields_json(struct sl_json_writer *w, const struct sl_field *fields)
{
    sl_json_open(w, '[');
    for (const struct sl_field *f = fields; f && f->key; f++) {
        struct sl_buf type;
        sl_buf_init(&type, 4096);
        sl_describe_type(&type, f);
        sl_json_open(w, '{');
        sl_json_add_str(w, "key", sl_str_from(f->key));
        sl_json_key(w, SL_STR("type"));
        sl_json_put_str(w, sl_buf_str(&type));
        sl_buf_free(&type);
        if (f->fallback)
            sl_json_add_str(w, "default", sl_str_from(f->fallback));
        if (f->fallback_means)
            sl_json_add_str(w, "default_means", sl_str_from(f->fallback_means));
        if (is_bounded(f)) {
            sl_json_key(w, SL_STR("min"));
            sl_json_put_f64(w, f->min);
            sl_json_key(w, SL_STR("max"));
            sl_json_put_f64(w, f->max);
        }
        if (f->type == SL_F_ENUM) {
            sl_json_key(w, SL_STR("choices"));
            sl_json_open(w, '[');
            for (uint32_t i = 0; f->choices[i]; i++)
                sl_json_put_str(w, sl_str_from(f->choices[i]));
            sl_json_close(w, ']');
        }
        sl_json_key(w, SL_STR("required"));
        sl_json_put_bool(w, f->flags & SL_REQUIRED);
        sl_json_add_str(w, "help", sl_str_from(f->help));
        if (f->sub) {
            sl_json_key(w, SL_STR("fields"));
            put_fields_json(w, f->sub);
        }
        sl_json_close(w, '}');
    }
    sl_json_close(w, ']');
}

void sl_describe_json(struct sl_buf *out, const struct sl_topic *t)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    sl_json_add_str(&w, "kind", sl_str_from(t->kind));
    sl_json_add_str(&w, "name", sl_str_from(t->name));
    sl_json_add_str(&w, "summary", sl_str_from(t->summary));
    if (t->help)
        sl_json_add_str(&w, "help", sl_str_from(t->help));
    if (t->feature) {
        sl_json_key(&w, SL_STR("is_active"));
        sl_json_put_bool(&w, t->feature->is_active);
        if (t->feature->list_key)
            sl_json_add_str(&w, "list_key", sl_str_from(t->feature->list_key));
    }
    if (t->example && *t->example)
        sl_json_add_str(&w, "example", sl_str_from(t->example));
    sl_json_key(&w, SL_STR("fields"));
    put_fields_json(&w, t->fields);
    sl_json_close(&w, '}');
}

/* ---- Markdown ------------------------------------------------------------------------------ */

/* Text of a table cell: the column mark is escaped, braces of templates stay literal. */
static void put_cell(struct sl_buf *out, sl_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '|')
            sl_buf_add_char(out, '\\');
        sl_buf_add_char(out, text.p[i]);
    }
}

static void put_rows(struct sl_buf *out, const struct sl_field *fields, sl_str prefix)
{
    for (const struct sl_field *f = fields; f->key; f++) {
        struct sl_buf path, type;
        sl_buf_init(&path, 1024);
        sl_buf_init(&type, 4096);
        sl_buf_printf(&path, "%.*s%s%s", SL_FMT(prefix), prefix.n ? "." : "", f->key);
        sl_describe_type(&type, f);
        sl_buf_printf(out, "| `%.*s` | ", SL_FMT(sl_buf_str(&path)));
        put_cell(out, sl_buf_str(&type));
        sl_buf_printf(out, "%s | ", f->flags & SL_REQUIRED ? ", **required**" : "");
        if (default_of(f))
            sl_buf_printf(out, "`%s`", default_of(f));
        sl_buf_printf(out, " | ");
        put_cell(out, sl_str_from(f->help));
        sl_buf_printf(out, " |\n");
        if (f->sub) {
            if (f->type == SL_F_LIST)
                sl_buf_printf(&path, "[]");
            else if (f->type == SL_F_MAP)
                sl_buf_printf(&path, ".<name>");
            put_rows(out, f->sub, sl_buf_str(&path));
        }
        sl_buf_free(&path);
        sl_buf_free(&type);
    }
}

static void put_topic_markdown(struct sl_buf *out, const struct sl_topic *t)
{
    sl_buf_printf(out, "## %s\n\n%s\n\n", t->name, t->summary);
    if (t->help)
        sl_buf_printf(out, "%s\n\n", t->help);
    if (t->feature && t->feature->list_key)
        sl_buf_printf(out, "Declared in `routing.signals.%s`.\n\n", t->feature->list_key);
    if (t->feature && !t->feature->is_active)
        sl_buf_printf(out, "*Loads and is checked; its engine is not built yet.*\n\n");
    if (t->fields) {
        sl_buf_printf(out, "| field | type | default | meaning |\n| --- | --- | --- | --- |\n");
        put_rows(out, t->fields, SL_STR(""));
        sl_buf_add_char(out, '\n');
    }
    if (t->example && *t->example)
        sl_buf_printf(out, "```yaml\n%s```\n\n", t->example);
}

void sl_describe_page(struct sl_buf *out, const char *kind)
{
    struct sl_topic topics[SL_TOPICS_MAX];
    uint32_t n = sl_topics(topics, SL_TOPICS_MAX);
    sl_buf_printf(out,
                  "# Reference: %ss\n\nWritten from the program's own records by `sluice "
                  "describe --markdown`.\n\n",
                  kind);
    for (uint32_t i = 0; i < n; i++) {
        if (!strcmp(topics[i].kind, kind))
            put_topic_markdown(out, &topics[i]);
    }
}
