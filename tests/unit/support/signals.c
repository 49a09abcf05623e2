#include "signals.h"

#include "codec/yaml.h"
#include "route/trace.h"

#include <stdio.h>

struct building {
    struct signals *signals;
    const char *family;
};

static sl_slot add_slot(struct sl_signal_build *b, sl_str name)
{
    struct building *at = b->slots;
    struct signals *s = at->signals;
    sl_str full = sl_arena_printf(&s->arena, "%s:%.*s", at->family, SL_FMT(name));
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (sl_str_eq(s->slot_names[i], full))
            return i;
    s->slot_names[s->n_slots] = full;
    return s->n_slots++;
}

static struct sl_signal_cfg decode(struct signals *s, const struct sl_feature *feature,
                                   const struct sl_yaml *list)
{
    struct sl_signal_cfg cfg = {.feature = feature};
    struct sl_rule_cfg *rules = SL_NEW_ARRAY(&s->arena, struct sl_rule_cfg, list->n + 1);
    struct sl_check check = {.arena = &s->arena, .diags = &s->diags};
    sl_buf_init(&check.path, 4096);
    for (uint32_t i = 0; i < list->n; i++) {
        void *out = sl_arena_zero(&s->arena, 1, feature->size);
        sl_schema_decode(&check, feature->fields, list->items[i], out);
        if (feature->validate)
            feature->validate(&check, list->items[i], out);
        rules[i] = (struct sl_rule_cfg){.decoded = out, .node = list->items[i]};
        rules[i].name = *(const sl_str *)out;
    }
    sl_buf_free(&check.path);
    cfg.rules = rules;
    cfg.n_rules = list->n;
    return cfg;
}

static void compile(struct signals *s, const struct sl_signal_type *type,
                    const struct sl_signal_cfg *cfg)
{
    struct building at = {s, type->feature.name};
    struct signals_family *family = &s->families[s->n_families++];
    struct sl_signal_build b = {.config = &s->config,
                                .signal = cfg,
                                .arena = &s->arena,
                                .diags = &s->diags,
                                .slot = add_slot,
                                .slots = &at};
    b.scan = s->builder;
    family->type = type;
    if (type->compile(&b, &family->state) != SL_OK)
        sl_diags_add(&s->diags, SL_ERROR, 0, 0, SL_STR(""), "compile failed");
}

void signals_load(struct signals *s, sl_str yaml)
{
    memset(s, 0, sizeof(*s));
    sl_arena_init(&s->arena, NULL, 256 << 20);
    sl_diags_init(&s->diags, &s->arena, 1000);
    s->scratch = sl_scan_scratch_new();
    s->builder = sl_scan_builder_new(&s->arena);
    struct sl_yaml *root;
    struct sl_err err;
    if (sl_yaml_parse(&root, &s->arena, yaml, NULL, &err) != SL_OK) {
        sl_diags_add(&s->diags, SL_ERROR, err.line, err.column, SL_STR(""), "%s", err.message);
        return;
    }
    const struct sl_yaml *signals =
        sl_yaml_get(sl_yaml_get(root, SL_STR("routing")), SL_STR("signals"));
    if (!signals)
        signals = root;
    for (const struct sl_feature *const *f = sl_signal_features; *f; f++) {
        const struct sl_signal_type *type = (const struct sl_signal_type *)*f;
        const struct sl_yaml *list = sl_yaml_get(signals, sl_str_from((*f)->list_key));
        if (!list || list->kind != SL_YAML_LIST || !type->compile)
            continue;
        struct sl_signal_cfg *cfg = SL_NEW(&s->arena, struct sl_signal_cfg);
        *cfg = decode(s, *f, list);
        if (s->diags.n_errors == 0)
            compile(s, type, cfg);
    }
    if (s->diags.n_errors == 0 && sl_scan_compile(s->builder, &s->scan, NULL) != SL_OK)
        sl_diags_add(&s->diags, SL_ERROR, 0, 0, SL_STR(""), "compile failed");
}

void signals_free(struct signals *s)
{
    for (uint32_t i = 0; i < s->n_families; i++) {
        if (s->families[i].type->destroy && s->families[i].state)
            s->families[i].type->destroy(s->families[i].state);
    }
    sl_scan_scratch_free(s->scratch);
    sl_arena_reset(&s->arena);
}

struct sl_slots signals_eval(struct signals *s, const struct sl_facts *facts,
                             struct sl_arena *arena, const char **error)
{
    uint32_t n_words = s->n_slots / 64 + 1;
    struct sl_slots out = {.n_slots = s->n_slots};
    out.matched = SL_NEW_ARRAY(arena, uint64_t, n_words);
    out.has_conf = SL_NEW_ARRAY(arena, uint64_t, n_words);
    out.has_value = SL_NEW_ARRAY(arena, uint64_t, n_words);
    out.has_error = SL_NEW_ARRAY(arena, uint64_t, n_words);
    out.conf = SL_NEW_ARRAY(arena, double, s->n_slots + 1);
    out.value = SL_NEW_ARRAY(arena, double, s->n_slots + 1);
    out.order = SL_NEW_ARRAY(arena, sl_slot, s->n_slots + 1);
    struct sl_signal_run run = {.facts = facts, .text = facts->eval, .out = &out, .arena = arena};
    struct sl_scan_hits hits;
    if (s->scan && sl_scan_run(s->scan, run.text, s->scratch, arena, &hits) == SL_OK)
        run.hits = &hits;
    for (uint32_t i = 0; i < s->n_families; i++)
        if (s->families[i].state)
            s->families[i].type->eval(s->families[i].state, &run);
    if (error)
        *error = run.error;
    return out;
}

struct sl_facts signals_text_facts(sl_str text)
{
    return (struct sl_facts){.current = text,
                             .eval = text,
                             .all_bytes = text.n,
                             .has_message_facts = true,
                             .conversation = {.n_user = 1, .n_messages = 1},
                             .context = {.text_bytes = text.n + 4, .framing_tok = 4}};
}

sl_slot signals_slot(const struct signals *s, const char *name)
{
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (sl_str_eq(s->slot_names[i], sl_str_from(name)))
            return i;
    return UINT32_MAX;
}

bool signals_matched(const struct signals *s, const struct sl_slots *out, const char *name)
{
    sl_slot slot = signals_slot(s, name);
    return slot != UINT32_MAX && sl_slot_is_matched(out, slot);
}
