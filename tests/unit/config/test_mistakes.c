/*
 * 1,600 single mistakes in four configurations, with the reference's verdict on each. Sluice
 * rejects what the reference rejects and says where; it also rejects every misspelt key, and
 * numbers out of their range; the rest it accepts. The deliberate differences are listed here.
 */
#include "support/fixtures.h"
#include "unit.h"

#include "codec/json.h"
#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct base {
    const char *name;
    const char *path; /* of the fixture */
    const char *folder;
    struct sl_yaml *root;
};

static struct base bases[] = {
    {"wide_priority.yaml", "compat/goldens/wide_priority.yaml", "compat/goldens", NULL},
    {"wire.yaml", "compat/goldens/wire.yaml", "compat/goldens", NULL},
    {"embed_soft_top1.yaml", "compat/goldens/embed/embed_soft_top1.yaml", "compat/goldens/embed",
     NULL},
    {"reference-config.yaml", "compat/reference-config.yaml", "compat/", NULL},
};

/* Rows where Sluice differs on purpose: path and operation, and why. */
static const struct {
    const char *path;
    const char *op;
    const char *why;
} deviations[] = {
    {"routing.signals.context[2].max_tokens", "set",
     "a token count that cannot be read: the reference skips the rule in silence"},
    {"routing.signals.context[0].min_tokens", "set",
     "a token count that cannot be read: the reference skips the rule in silence"},
    {"global.model_catalog.kbs[1].groups.escalate", "rename", "a free name, not a key"},
    {"global.services.authz.providers[0].headers.X-Plan", "rename", "a free name, not a key"},
    {"global.model_catalog.modules.classifier.mcp.env.MCP_MODE", "rename",
     "a free name, not a key"},
};

static struct sl_arena keep;  /* bases */
static struct sl_arena arena; /* one row */

static sl_str read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return (sl_str){NULL, 0};
    struct sl_buf text;
    sl_buf_init(&text, 64u << 20);
    size_t n;
    char *room;
    while ((room = sl_buf_reserve(&text, 65536)) && (n = fread(room, 1, 65536, file)) > 0)
        text.n += n;
    fclose(file);
    sl_str copy = sl_arena_dup(&keep, sl_buf_str(&text));
    sl_buf_free(&text);
    return copy;
}

/* ---- one change ---------------------------------------------------------------------------- */

static struct sl_yaml *node_of_json(const struct sl_json *j, sl_json_ref v)
{
    enum sl_json_type type = sl_json_type(j, v);
    if (type == SL_JSON_NULL)
        return sl_yaml_new(&arena, SL_YAML_NULL, NULL);
    if (type == SL_JSON_ARRAY || type == SL_JSON_OBJECT) {
        struct sl_yaml *node =
            sl_yaml_new(&arena, type == SL_JSON_ARRAY ? SL_YAML_LIST : SL_YAML_MAP, NULL);
        for (sl_json_ref r = sl_json_first(j, v); r != SL_JSON_NONE; r = sl_json_after(j, v, r)) {
            if (type == SL_JSON_ARRAY)
                assert_int_equal(sl_yaml_push(&arena, node, node_of_json(j, r)), SL_OK);
            else
                assert_int_equal(
                    sl_yaml_set(&arena, node, sl_json_str(j, r, &arena), node_of_json(j, r + 1)),
                    SL_OK);
        }
        return node;
    }
    bool is_text = type == SL_JSON_STRING;
    struct sl_yaml *node =
        sl_yaml_new_str(&arena, is_text ? sl_json_str(j, v, &arena) : sl_json_raw(j, v), NULL);
    node->is_quoted = is_text;
    return node;
}

struct place {
    struct sl_yaml *parent;
    uint32_t index;
};

static bool find(struct sl_yaml *root, const struct sl_json *j, sl_json_ref path, struct place *out,
                 struct sl_buf *text)
{
    struct sl_yaml *node = root;
    for (sl_json_ref r = sl_json_first(j, path); r != SL_JSON_NONE; r = sl_json_after(j, path, r)) {
        int64_t index;
        if (sl_json_i64(j, r, &index)) {
            sl_buf_printf(text, "[%lld]", (long long)index);
            out->index = (uint32_t)index;
        } else {
            sl_str key = sl_json_str(j, r, &arena);
            sl_buf_printf(text, "%s%.*s", text->n ? "." : "", SL_FMT(key));
            uint32_t at = 0;
            while (at < node->n && !sl_str_eq(node->keys[at]->text, key))
                at++;
            out->index = at;
        }
        if (out->index >= node->n)
            return false;
        out->parent = node;
        node = node->items[out->index];
    }
    return true;
}

static void change(const struct place *at, sl_str op, struct sl_yaml *value)
{
    struct sl_yaml *parent = at->parent;
    if (sl_str_eq(op, SL_STR("set"))) {
        parent->items[at->index] = value;
    } else if (sl_str_eq(op, SL_STR("rename"))) {
        struct sl_yaml *key = sl_yaml_new_str(&arena, value->text, NULL);
        parent->keys[at->index] = key;
    } else if (sl_str_eq(op, SL_STR("append_copy"))) {
        assert_int_equal(
            sl_yaml_push(&arena, parent, sl_yaml_copy(&arena, parent->items[at->index])), SL_OK);
    } else {
        for (uint32_t i = at->index; i + 1 < parent->n; i++) {
            parent->items[i] = parent->items[i + 1];
            if (parent->keys)
                parent->keys[i] = parent->keys[i + 1];
        }
        parent->n--;
    }
}

/* ---- verdict ------------------------------------------------------------------------------- */

/* True when the error is at the mistake, above it by one step, or within it. */
static bool is_at(sl_str found, sl_str mistake)
{
    if (sl_str_starts(found, mistake) || sl_str_eq(found, mistake))
        return true;
    size_t cut = mistake.n;
    while (cut > 0 && mistake.p[cut - 1] != '.' && mistake.p[cut - 1] != '[')
        cut--;
    sl_str parent = sl_str_sub(mistake, 0, cut ? cut - 1 : 0);
    if (!parent.n || !sl_str_starts(found, parent))
        return false;
    return found.n == parent.n ||
           sl_str_chr(sl_str_sub(found, parent.n + 1, found.n), '.') == found.n - parent.n - 1;
}

/* True when the message names what the change took away: the broken reference. */
static bool names_old(sl_str message, const struct sl_yaml *old)
{
    const struct sl_yaml *name = sl_yaml_get(old, SL_STR("name"));
    if (old->kind == SL_YAML_SCALAR && old->text.n)
        return sl_str_find(message, old->text) != SIZE_MAX;
    if (name)
        return sl_str_find(message, name->text) != SIZE_MAX;
    for (uint32_t i = 0; i < old->n; i++)
        if (names_old(message, old->items[i]))
            return true;
    return false;
}

struct outcome {
    bool is_rejected;
    bool is_placed;
    bool is_range; /* every error is about a number's range */
    char first[300];
};

static struct outcome load(const struct base *base, sl_str text, sl_str mistake,
                           const struct sl_yaml *old, sl_str old_key)
{
    struct outcome out = {.is_range = true};
    struct sl_diags diags;
    sl_diags_init(&diags, &arena, 1000);
    struct sl_config *config = NULL;
    const struct sl_load_options options = {.base_dir = sl_str_from(fixture(base->folder))};
    out.is_rejected = sl_config_load_text(&config, text, &options, &diags) != SL_OK;
    sl_config_unref(config);
    for (uint32_t i = 0; i < diags.n; i++) {
        const struct sl_diag *d = &diags.items[i];
        if (d->severity != SL_ERROR)
            continue;
        out.is_placed |= is_at(d->path, mistake) || names_old(d->message, old) ||
                         (old_key.n && sl_str_find(d->message, old_key) != SIZE_MAX);
        out.is_range &= sl_str_find(d->message, SL_STR("number")) != SIZE_MAX ||
                        sl_str_find(d->message, SL_STR("token count")) != SIZE_MAX;
        if (!out.first[0])
            snprintf(out.first, sizeof out.first, "%u:%u: %.*s: %.*s", d->line, d->column,
                     SL_FMT(d->path), SL_FMT(d->message));
    }
    return out;
}

static const char *judge(const struct outcome *got, bool is_ok, sl_str op, bool is_number)
{
    if (!is_ok && !got->is_rejected)
        return "accepted, the reference rejects";
    if (!is_ok && !got->is_placed)
        return "rejected, but not at the mistake";
    if (is_ok && sl_str_eq(op, SL_STR("rename")))
        return !got->is_rejected ? "a misspelt key was accepted"
               : !got->is_placed ? "a misspelt key was rejected elsewhere"
                                 : NULL;
    if (is_ok && got->is_rejected && !(is_number && got->is_range))
        return "rejected, the reference accepts";
    return NULL;
}

static bool is_deliberate(sl_str path, sl_str op)
{
    for (size_t i = 0; i < SL_COUNT(deviations); i++)
        if (sl_str_eq(path, sl_str_from(deviations[i].path)) &&
            sl_str_eq(op, sl_str_from(deviations[i].op)))
            return true;
    return false;
}

static bool run_row(sl_str line, unsigned number)
{
    struct sl_json j;
    assert_int_equal(sl_json_parse(&j, &arena, line, NULL, NULL), SL_OK);
    struct base *base = NULL;
    for (size_t i = 0; i < SL_COUNT(bases); i++)
        if (sl_json_is_str(&j, sl_json_get(&j, 0, SL_STR("base")), sl_str_from(bases[i].name)))
            base = &bases[i];
    assert_non_null(base);
    bool is_ok = false;
    assert_true(sl_json_bool(&j, sl_json_get(&j, 0, SL_STR("ok")), &is_ok));
    sl_str op = sl_json_str(&j, sl_json_get(&j, 0, SL_STR("op")), &arena);
    sl_json_ref json_value = sl_json_get(&j, 0, SL_STR("value"));
    struct sl_yaml *value = node_of_json(&j, json_value);
    struct sl_yaml *root = sl_yaml_copy(&arena, base->root);
    struct place at = {NULL, 0};
    struct sl_buf path;
    struct sl_buf text;
    sl_buf_init(&path, 4096);
    sl_buf_init(&text, 8u << 20);
    assert_true(find(root, &j, sl_json_get(&j, 0, SL_STR("path")), &at, &path));
    const struct sl_yaml *old = at.parent->items[at.index];
    sl_str old_key = at.parent->keys ? at.parent->keys[at.index]->text : SL_STR("");
    change(&at, op, value);
    sl_yaml_dump(&text, root);
    assert_int_equal(sl_buf_rc(&text), SL_OK);
    struct outcome got = load(base, sl_buf_str(&text), sl_buf_str(&path), old, old_key);
    bool is_number = json_value != SL_JSON_NONE && sl_json_type(&j, json_value) == SL_JSON_NUMBER;
    const char *wrong = judge(&got, is_ok, op, is_number);
    if (wrong && is_deliberate(sl_buf_str(&path), op))
        wrong = NULL;
    if (wrong)
        print_message("row %u %s %.*s %.*s %.*s: %s (%s)\n", number, base->name, SL_FMT(op),
                      SL_FMT(sl_buf_str(&path)), SL_FMT(sl_json_raw(&j, json_value)), wrong,
                      got.first[0] ? got.first : "no error");
    sl_buf_free(&path);
    sl_buf_free(&text);
    return wrong == NULL;
}

static void test_single_mistakes(void **state)
{
    (void)state;
    skip_without_fixture("compat/goldens/config.jsonl");
    sl_arena_init(&keep, NULL, 64u << 20);
    sl_arena_init(&arena, NULL, 256u << 20);
    sl_str rows = read_all(fixture("compat/goldens/config.jsonl"));
    for (size_t i = 0; i < SL_COUNT(bases); i++) {
        sl_str text = read_all(fixture(bases[i].path));
        assert_int_equal(sl_yaml_parse(&bases[i].root, &keep, text, NULL, NULL), SL_OK);
    }
    unsigned n = 0;
    unsigned n_wrong = 0;
    sl_str line;
    while (sl_str_split(&rows, '\n', &line)) {
        if (!line.n)
            continue;
        n_wrong += !run_row(line, n);
        n++;
        sl_arena_reset(&arena);
    }
    print_message("%u of %u mistakes judged right\n", n - n_wrong, n);
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_single_mistakes)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sl_arena_reset(&keep);
    sl_arena_reset(&arena);
    return failed;
}
