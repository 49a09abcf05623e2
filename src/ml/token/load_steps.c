/* Normalisers and pre-tokenizers: nested sequences become one list. */
#include "codec/base64.h"
#include "ml/token/load.h"

#define MAX_NESTING 4

static enum sl_rc load_pattern(struct sl_token_loader *l, sl_json_ref v, const char *what,
                               struct sl_pattern *out)
{
    sl_json_ref pattern = sl_token_member(l, v, "pattern");
    sl_json_ref literal = sl_token_member(l, pattern, "String");
    sl_json_ref regex = sl_token_member(l, pattern, "Regex");
    sl_str text;
    enum sl_rc rc = sl_token_str(l, literal != SL_JSON_NONE ? literal : regex, &text);
    if (rc != SL_OK)
        return sl_token_fail(l, v, rc, "%s has no \"pattern\" of \"String\" or \"Regex\"", what);
    if (!text.n)
        return sl_token_fail(l, pattern, SL_INVALID, "%s: its \"pattern\" is empty", what);
    if (literal != SL_JSON_NONE) {
        *out = (struct sl_pattern){.kind = SL_PATTERN_LITERAL, .literal = text};
        return SL_OK;
    }
    if (!sl_pattern_of_regex(out, text))
        return sl_token_fail(l, regex, SL_UNSUPPORTED,
                             "%s: the regular expression \"%.*s\" is not among those known", what,
                             (int)(text.n < 100 ? text.n : 100), text.p);
    return SL_OK;
}

static uint32_t le32(const char *p)
{
    const unsigned char *b = (const unsigned char *)p;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static enum sl_rc load_map(struct sl_token_loader *l, sl_json_ref v, struct sl_normal_step *step)
{
    sl_str encoded;
    enum sl_rc rc = sl_token_get_str(l, v, "precompiled_charsmap", &encoded);
    if (rc != SL_OK)
        return rc;
    struct sl_buf bytes;
    sl_buf_init(&bytes, encoded.n + 16);
    rc = sl_base64_decode(&bytes, encoded);
    uint32_t size = rc == SL_OK && bytes.n >= 4 ? le32(bytes.p) : 0;
    sl_str rest = size ? sl_str_sub(sl_buf_str(&bytes), 4, bytes.n) : SL_STR("");
    if (rc != SL_OK || size < 4 || size % 4 || size > rest.n ||
        !sl_utf8_is_valid(sl_str_sub(rest, size, rest.n))) {
        rc = sl_token_fail(l, v, SL_INVALID, "Precompiled: \"precompiled_charsmap\" is damaged");
    } else {
        uint32_t *units = sl_arena_alloc(&l->t->arena, size);
        for (uint32_t i = 0; units && i < size / 4; i++)
            units[i] = le32(rest.p + (size_t)i * 4);
        step->map_units = units;
        step->n_map_units = size / 4;
        step->map_text = sl_arena_dup(&l->t->arena, sl_str_sub(rest, size, rest.n));
        rc = units && step->map_text.p ? SL_OK : sl_token_fail(l, v, SL_NOMEM, "out of memory");
    }
    sl_buf_free(&bytes);
    return rc;
}

static enum sl_rc load_bert(struct sl_token_loader *l, sl_json_ref v, struct sl_normal_step *step)
{
    enum sl_rc rc = sl_token_get_bool(l, v, "clean_text", true, &step->clean_text);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "handle_chinese_chars", true, &step->handle_chinese);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "lowercase", true, &step->lowercase);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "strip_accents", step->lowercase, &step->strip_accents);
    return rc;
}

static enum sl_rc load_normal(struct sl_token_loader *l, sl_json_ref v, struct sl_normal_step *step,
                              int type)
{
    enum { BERT, NFC, NFD, NFKC, NFKD, LOWERCASE, STRIP, ACCENTS, REPLACE, PREPEND, PRECOMPILED };
    static const enum sl_normal_kind kinds[] = {
        SL_NORMAL_BERT,    SL_NORMAL_FORM,      SL_NORMAL_FORM,       SL_NORMAL_FORM,
        SL_NORMAL_FORM,    SL_NORMAL_LOWERCASE, SL_NORMAL_STRIP,      SL_NORMAL_STRIP_ACCENTS,
        SL_NORMAL_REPLACE, SL_NORMAL_PREPEND,   SL_NORMAL_PRECOMPILED};
    enum sl_rc rc = SL_OK;
    *step = (struct sl_normal_step){.kind = kinds[type],
                                    .is_composed = type == NFC || type == NFKC,
                                    .is_compatible = type == NFKC || type == NFKD};
    switch (type) {
    case BERT:
        return load_bert(l, v, step);
    case STRIP:
        rc = sl_token_get_bool(l, v, "strip_left", true, &step->left);
        return rc == SL_OK ? sl_token_get_bool(l, v, "strip_right", true, &step->right) : rc;
    case REPLACE:
        rc = load_pattern(l, v, "Replace", &step->pattern);
        return rc == SL_OK ? sl_token_get_str(l, v, "content", &step->content) : rc;
    case PREPEND:
        return sl_token_get_str(l, v, "prepend", &step->content);
    case PRECOMPILED:
        return load_map(l, v, step);
    default:
        return SL_OK;
    }
}

/* Calls `one` for v or, in a Sequence, for each of member `key`, in order. */
static enum sl_rc each(struct sl_token_loader *l, sl_json_ref v, const char *key, unsigned depth,
                       enum sl_rc (*one)(struct sl_token_loader *, sl_json_ref))
{
    if (!sl_json_is_str(&l->json, sl_token_member(l, v, "type"), SL_STR("Sequence")))
        return one(l, v);
    sl_json_ref list = sl_token_member(l, v, key);
    if (depth == MAX_NESTING)
        return sl_token_fail(l, v, SL_LIMIT, "Sequences within Sequences, more than %d",
                             MAX_NESTING);
    if (list == SL_JSON_NONE || sl_json_type(&l->json, list) != SL_JSON_ARRAY)
        return sl_token_fail(l, v, SL_INVALID, "a Sequence has no list \"%s\"", key);
    enum sl_rc rc = SL_OK;
    for (sl_json_ref r = sl_json_first(&l->json, list); rc == SL_OK && r != SL_JSON_NONE;
         r = sl_json_after(&l->json, list, r))
        rc = each(l, r, key, depth + 1, one);
    return rc;
}

static enum sl_rc one_normal(struct sl_token_loader *l, sl_json_ref v)
{
    static const char *const names[] = {
        "BertNormalizer", "NFC",          "NFD",     "NFKC",    "NFKD",        "Lowercase",
        "Strip",          "StripAccents", "Replace", "Prepend", "Precompiled", NULL};
    int type;
    enum sl_rc rc = sl_token_get_type(l, v, "normalizer", names, &type);
    if (rc != SL_OK)
        return rc;
    if (l->t->n_normal == SL_TOKEN_MAX_STEPS)
        return sl_token_fail(l, v, SL_LIMIT, "more than %d normalizers", SL_TOKEN_MAX_STEPS);
    return load_normal(l, v, &l->t->normal[l->t->n_normal++], type);
}

enum sl_rc sl_token_load_normalizer(struct sl_token_loader *l, sl_json_ref v)
{
    return v == SL_JSON_NONE ? SL_OK : each(l, v, "normalizers", 0, one_normal);
}

static enum sl_rc load_choice(struct sl_token_loader *l, sl_json_ref v, const char *key,
                              const char *const *names, int otherwise, int *out)
{
    sl_json_ref member = sl_token_member(l, v, key);
    *out = otherwise;
    if (member == SL_JSON_NONE && otherwise >= 0)
        return SL_OK;
    for (int i = 0; names[i]; i++) {
        *out = i;
        if (sl_json_is_str(&l->json, member, sl_str_from(names[i])))
            return SL_OK;
    }
    return sl_token_fail(l, member == SL_JSON_NONE ? v : member, SL_INVALID,
                         "\"%s\" is missing or none of its choices", key);
}

static enum sl_rc load_behavior(struct sl_token_loader *l, sl_json_ref v, int otherwise,
                                struct sl_pretoken_step *step)
{
    static const char *const names[] = {"Removed",        "Isolated",   "MergedWithPrevious",
                                        "MergedWithNext", "Contiguous", NULL};
    int choice;
    enum sl_rc rc = load_choice(l, v, "behavior", names, otherwise, &choice);
    step->behavior = (enum sl_split_behavior)choice;
    return rc;
}

static enum sl_rc load_metaspace(struct sl_token_loader *l, sl_json_ref v,
                                 struct sl_pretoken_step *step)
{
    static const char *const schemes[] = {"always", "first", "never", NULL};
    int scheme;
    bool adds_prefix;
    enum sl_rc rc = sl_token_get_str(l, v, "replacement", &step->replacement);
    if (rc == SL_OK)
        rc = load_choice(l, v, "prepend_scheme", schemes, SL_PREPEND_ALWAYS, &scheme);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "add_prefix_space", true, &adds_prefix);
    if (rc == SL_OK)
        rc = sl_token_get_bool(l, v, "split", true, &step->has_split);
    if (rc != SL_OK)
        return rc;
    if (sl_utf8_count(step->replacement) != 1)
        return sl_token_fail(l, v, SL_INVALID, "Metaspace: \"replacement\" is not one character");
    step->prepend = adds_prefix ? (enum sl_prepend_scheme)scheme : SL_PREPEND_NEVER;
    step->behavior = SL_SPLIT_WITH_NEXT;
    step->pattern = (struct sl_pattern){.kind = SL_PATTERN_LITERAL, .literal = step->replacement};
    return SL_OK;
}

static enum sl_rc load_byte_level(struct sl_token_loader *l, sl_json_ref v,
                                  struct sl_pretoken_step *step)
{
    enum sl_rc rc = sl_token_get_bool(l, v, "add_prefix_space", true, &step->add_prefix_space);
    step->behavior = SL_SPLIT_ISOLATED;
    step->pattern = (struct sl_pattern){.kind = SL_PATTERN_GPT2};
    return rc == SL_OK ? sl_token_get_bool(l, v, "use_regex", true, &step->has_split) : rc;
}

static enum sl_rc one_pretoken(struct sl_token_loader *l, sl_json_ref v)
{
    static const char *const names[] = {
        "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits",
        "Metaspace",        "Split",      "ByteLevel",       NULL};
    struct sl_tokenizer *t = l->t;
    int type;
    bool is_single;
    enum sl_rc rc = sl_token_get_type(l, v, "pre_tokenizer", names, &type);
    if (rc != SL_OK)
        return rc;
    if (t->n_pretoken == SL_TOKEN_MAX_STEPS)
        return sl_token_fail(l, v, SL_LIMIT, "more than %d pre-tokenizers", SL_TOKEN_MAX_STEPS);
    if (t->n_pretoken && t->pretoken[t->n_pretoken - 1].kind == SL_PRETOKEN_BYTE_LEVEL)
        return sl_token_fail(l, v, SL_UNSUPPORTED, "a pre-tokenizer behind ByteLevel (%s)",
                             names[type]);
    struct sl_pretoken_step *step = &t->pretoken[t->n_pretoken++];
    *step = (struct sl_pretoken_step){.kind = (enum sl_pretoken_kind)type};
    switch (step->kind) {
    case SL_PRETOKEN_PUNCTUATION:
        return load_behavior(l, v, SL_SPLIT_ISOLATED, step);
    case SL_PRETOKEN_DIGITS:
        rc = sl_token_get_bool(l, v, "individual_digits", false, &is_single);
        step->behavior = is_single ? SL_SPLIT_ISOLATED : SL_SPLIT_CONTIGUOUS;
        return rc;
    case SL_PRETOKEN_METASPACE:
        return load_metaspace(l, v, step);
    case SL_PRETOKEN_SPLIT:
        rc = load_pattern(l, v, "Split", &step->pattern);
        if (rc == SL_OK)
            rc = load_behavior(l, v, -1, step);
        return rc == SL_OK ? sl_token_get_bool(l, v, "invert", false, &step->is_inverted) : rc;
    case SL_PRETOKEN_BYTE_LEVEL:
        return load_byte_level(l, v, step);
    default:
        return SL_OK;
    }
}

enum sl_rc sl_token_load_pretokenizer(struct sl_token_loader *l, sl_json_ref v)
{
    return v == SL_JSON_NONE ? SL_OK : each(l, v, "pretokenizers", 0, one_pretoken);
}
