/* Post-processors: which tokens stand around the texts, and whether spans are trimmed. */
#include "ml/token/load.h"

#define MAX_NESTING 4
#define MAX_PARTS   64

static struct sl_template_part *add(struct sl_template *template)
{
    struct sl_template_part *part = &template->parts[template->n++];
    *part = (struct sl_template_part){.id = SL_TOKEN_NONE};
    return part;
}

static void add_text(struct sl_template *template, uint8_t text, uint8_t type)
{
    struct sl_template_part *part = add(template);
    part->text = text;
    part->type = type;
}

static void add_token(struct sl_template *template, uint32_t id, uint8_t type)
{
    struct sl_template_part *part = add(template);
    part->id = id;
    part->text = SL_TOKEN_OF_TEMPLATE;
    part->type = type;
    template->n_tokens++;
}

/* The ids that a template's special token stands for. */
static enum sl_rc add_special(struct sl_token_loader *l, sl_json_ref processor, sl_json_ref piece,
                              struct sl_template *out, uint8_t type)
{
    sl_json_ref all = sl_token_member(l, processor, "special_tokens");
    sl_str name;
    enum sl_rc rc = sl_token_get_str(l, piece, "id", &name);
    if (rc != SL_OK)
        return rc;
    sl_json_ref special = sl_json_get(&l->json, all, name);
    sl_json_ref ids = sl_token_member(l, special, "ids");
    if (ids == SL_JSON_NONE || sl_json_type(&l->json, ids) != SL_JSON_ARRAY)
        return sl_token_fail(l, piece, SL_INVALID, "TemplateProcessing: \"%.*s\" has no ids",
                             (int)(name.n < 60 ? name.n : 60), name.p ? name.p : "");
    for (sl_json_ref r = sl_json_first(&l->json, ids); r != SL_JSON_NONE;
         r = sl_json_after(&l->json, ids, r)) {
        int64_t id;
        if (!sl_json_i64(&l->json, r, &id) || id < 0 || id >= l->t->n_ids)
            return sl_token_fail(l, r, SL_INVALID,
                                 "TemplateProcessing: an id is not in the vocabulary");
        if (out->n == MAX_PARTS)
            return sl_token_fail(l, r, SL_LIMIT, "a template of more than %d parts", MAX_PARTS);
        add_token(out, (uint32_t)id, type);
    }
    return SL_OK;
}

static enum sl_rc load_list(struct sl_token_loader *l, sl_json_ref processor, const char *key,
                            struct sl_template *out)
{
    sl_json_ref list = sl_token_member(l, processor, key);
    if (list == SL_JSON_NONE || sl_json_type(&l->json, list) != SL_JSON_ARRAY)
        return sl_token_fail(l, processor, SL_INVALID, "TemplateProcessing has no list \"%s\"",
                             key);
    bool is_pair = key[0] == 'p', has[2] = {false, false};
    for (sl_json_ref r = sl_json_first(&l->json, list); r != SL_JSON_NONE;
         r = sl_json_after(&l->json, list, r)) {
        sl_json_ref text = sl_token_member(l, r, "Sequence");
        sl_json_ref token = sl_token_member(l, r, "SpecialToken");
        uint32_t type = 0;
        enum sl_rc rc = sl_token_get_id(l, text != SL_JSON_NONE ? text : token, "type_id", &type);
        if (rc != SL_OK)
            return rc;
        if (type > 255 || out->n == MAX_PARTS)
            return sl_token_fail(l, r, SL_LIMIT,
                                 "TemplateProcessing: a type above 255, or more than %d parts",
                                 MAX_PARTS);
        if (text == SL_JSON_NONE) {
            rc = add_special(l, processor, token, out, (uint8_t)type);
            if (rc != SL_OK)
                return rc;
            continue;
        }
        bool is_b = sl_json_is_str(&l->json, sl_token_member(l, text, "id"), SL_STR("B"));
        if ((is_b && !is_pair) || has[is_b])
            return sl_token_fail(l, text, SL_UNSUPPORTED,
                                 "TemplateProcessing: \"%s\" has text %s%s", key, is_b ? "B" : "A",
                                 has[is_b] ? " twice" : "");
        has[is_b] = true;
        add_text(out, is_b, (uint8_t)type);
    }
    if (!has[0] || has[1] != is_pair)
        return sl_token_fail(l, list, SL_INVALID, "TemplateProcessing: \"%s\" leaves out a text",
                             key);
    return SL_OK;
}

/* "cls" and "sep" of BertProcessing and RobertaProcessing: ["[SEP]", 102]. */
static enum sl_rc load_named(struct sl_token_loader *l, sl_json_ref v, const char *key,
                             uint32_t *id)
{
    int64_t value;
    sl_json_ref pair = sl_token_member(l, v, key);
    if (pair == SL_JSON_NONE || sl_json_type(&l->json, pair) != SL_JSON_ARRAY ||
        sl_json_count(&l->json, pair) != 2 ||
        !sl_json_i64(&l->json, sl_json_at(&l->json, pair, 1), &value) || value < 0 ||
        value >= l->t->n_ids)
        return sl_token_fail(l, v, SL_INVALID,
                             "post_processor.%s is not a pair of a token and its id", key);
    *id = (uint32_t)value;
    return SL_OK;
}

static enum sl_rc load_fixed(struct sl_token_loader *l, sl_json_ref v, bool is_roberta,
                             struct sl_template templates[2])
{
    uint32_t cls, sep;
    enum sl_rc rc = load_named(l, v, "cls", &cls);
    if (rc == SL_OK)
        rc = load_named(l, v, "sep", &sep);
    if (rc != SL_OK)
        return rc;
    for (int i = 0; i < 2; i++) {
        add_token(&templates[i], cls, 0);
        add_text(&templates[i], 0, 0);
        add_token(&templates[i], sep, 0);
    }
    if (is_roberta)
        add_token(&templates[1], sep, 0);
    add_text(&templates[1], 1, !is_roberta);
    add_token(&templates[1], sep, !is_roberta);
    return SL_OK;
}

static enum sl_rc load_trim(struct sl_token_loader *l, sl_json_ref v)
{
    bool trims, keeps;
    enum sl_rc rc = sl_token_get_bool(l, v, "trim_offsets", true, &trims);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "add_prefix_space", true, &keeps);
    if (rc == SL_OK && trims) {
        l->t->trims_offsets = true;
        l->t->trim_keeps_prefix = keeps;
    }
    return rc;
}

static enum sl_rc load_one(struct sl_token_loader *l, sl_json_ref v, unsigned depth)
{
    enum { TEMPLATE, BERT, ROBERTA, BYTE_LEVEL, SEQUENCE };
    static const char *const names[] = {"TemplateProcessing", "BertProcessing", "RobertaProcessing",
                                        "ByteLevel",          "Sequence",       NULL};
    struct sl_template *templates = l->t->templates;
    int type;
    enum sl_rc rc = sl_token_get_type(l, v, "post_processor", names, &type);
    if (rc != SL_OK)
        return rc;
    if (type == ROBERTA || type == BYTE_LEVEL)
        rc = load_trim(l, v);
    if (rc != SL_OK || type == BYTE_LEVEL)
        return rc;
    if (type == SEQUENCE) {
        sl_json_ref list = sl_token_member(l, v, "processors");
        if (depth == MAX_NESTING || list == SL_JSON_NONE ||
            sl_json_type(&l->json, list) != SL_JSON_ARRAY)
            return sl_token_fail(l, v, SL_INVALID,
                                 "a Sequence has no list \"processors\", or nests too deep");
        for (sl_json_ref r = sl_json_first(&l->json, list); rc == SL_OK && r != SL_JSON_NONE;
             r = sl_json_after(&l->json, list, r))
            rc = load_one(l, r, depth + 1);
        return rc;
    }
    if (templates[0].n)
        return sl_token_fail(l, v, SL_UNSUPPORTED, "two post-processors that add tokens");
    if (type != TEMPLATE)
        return load_fixed(l, v, type == ROBERTA, templates);
    rc = load_list(l, v, "single", &templates[0]);
    return rc == SL_OK ? load_list(l, v, "pair", &templates[1]) : rc;
}

enum sl_rc sl_token_load_template(struct sl_token_loader *l, sl_json_ref v)
{
    for (int i = 0; i < 2; i++) {
        l->t->templates[i].parts = SL_NEW_ARRAY(&l->t->arena, struct sl_template_part, MAX_PARTS);
        if (!l->t->templates[i].parts)
            return sl_token_fail(l, v, SL_NOMEM, "out of memory");
    }
    enum sl_rc rc = v == SL_JSON_NONE ? SL_OK : load_one(l, v, 0);
    if (rc == SL_OK && !l->t->templates[0].n) {
        add_text(&l->t->templates[0], 0, 0);
        add_text(&l->t->templates[1], 0, 0);
        add_text(&l->t->templates[1], 1, 1);
    }
    return rc;
}
