/*
 * Signal `language`: the language of the text, when the detector is sure enough for the rule.
 * Each rule has its own floor; a text that nothing is known of matches no rule.
 */
#include "match/language.h"
#include "route/rules.h"
#include "route/trace.h"

#include <stdio.h>

#define DEFAULT_FLOOR 0.3

/* ISO 639-1 codes that a rule may name. */
static const char *const codes[] = {
    "af", "am", "ar", "az", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de",
    "dv", "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fo", "fr", "fy", "ga", "gd", "gl",
    "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "jv", "ka", "kk", "km", "kn",
    "ko", "ku", "la", "lg", "lo", "lt", "lv", "mi", "mk", "ml", "mn", "mr", "ms", "my", "nb",
    "nl", "nn", "oc", "or", "pa", "pl", "pt", "ro", "ru", "si", "sk", "sl", "sn", "so", "sq",
    "sr", "st", "sv", "sw", "ta", "te", "th", "tk", "tl", "tn", "tr", "ts", "tt", "ug", "uk",
    "ur", "uz", "vi", "xh", "yi", "yo", "zh", "zu", "no", NULL};

struct language_rule {
    sl_str name;
    sl_str description;
    double threshold;
};

static const struct sl_field fields[] = {
    {.key = "name",
     .type = SL_F_STR,
     .offset = offsetof(struct language_rule, name),
     .flags = SL_REQUIRED,
     .help = "ISO 639-1 code in lower case."},
    {.key = "description",
     .type = SL_F_STR,
     .offset = offsetof(struct language_rule, description),
     .help = "What the rule is for."},
    {.key = "threshold",
     .type = SL_F_FLOAT,
     .offset = offsetof(struct language_rule, threshold),
     .fallback = "0",
     .min = 0,
     .max = 1,
     .help = "Least confidence; 0 or absent: 0.3."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct language_rule *r = decoded;
    for (size_t i = 0; codes[i]; i++)
        if (sl_str_eq(r->name, sl_str_from(codes[i])))
            return;
    if (r->name.n == 0)
        return;
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("name"));
    const char *nearest = sl_str_nearest(r->name, codes);
    sl_check_error(c, at ? at : node,
                   "language name \"%.*s\" must be a supported lowercase ISO 639-1 code, such as "
                   "\"en\"%s%s%s",
                   SL_FMT(r->name), nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                   nearest ? "\"?" : "");
}

struct language_state {
    struct sl_language_model *model;
    struct sl_signal_rules rules;
};

static enum sl_rc compile(struct sl_signal_build *b, void **out)
{
    struct language_state *s = SL_NEW(b->arena, struct language_state);
    if (!s)
        return SL_NOMEM;
    enum sl_rc rc = sl_signal_rules(b, &s->rules);
    if (rc == SL_OK)
        rc = sl_language_open(&s->model, b->arena, sl_language_data, sl_language_data_n, NULL);
    *out = rc == SL_OK && s->rules.n ? s : NULL;
    return rc;
}

/* `no` (Norwegian) stands for both written forms. */
static bool names(sl_str rule, const char *code)
{
    if (sl_str_eq(rule, SL_STR("no")))
        return strcmp(code, "nb") == 0 || strcmp(code, "nn") == 0;
    return sl_str_eq(rule, sl_str_from(code));
}

static void eval(const void *state, struct sl_signal_run *run)
{
    const struct language_state *s = state;
    struct sl_language_guess guess = sl_language_detect(s->model, run->text);
    for (uint32_t i = 0; i < s->rules.n; i++) {
        const struct language_rule *r = s->rules.decoded[i];
        sl_slot slot = s->rules.slots[i];
        double floor = r->threshold > 0 ? r->threshold : DEFAULT_FLOOR;
        if (guess.code[0] && guess.confidence >= floor && names(r->name, guess.code))
            sl_slot_match(run->out, slot);
        if (run->evidence) {
            char text[48];
            int n =
                snprintf(text, sizeof(text), "%s, %.2f sure, needs >= %.2f",
                         guess.code[0] ? guess.code : "unknown", (double)guess.confidence, floor);
            sl_trace_note(run, slot, sl_str_of(text, (size_t)n), (double)guess.confidence, floor,
                          true);
        }
    }
}

const struct sl_signal_type sl_signal_language = {
    .feature = {.name = "language",
                .list_key = "language",
                .summary = "Language of the text",
                .help = "Tells the language by script, and by character n-grams where languages "
                        "share a script. The rule whose name is the language matches when the "
                        "detector is at least as sure as its threshold (0.3 without one). A text "
                        "of few or no letters matches no rule.",
                .example = "name: es\nthreshold: 0.5\n",
                .fields = fields,
                .size = sizeof(struct language_rule),
                .is_active = true,
                .validate = validate},
    .matched_key = "language",
    .header = "x-vsr-matched-language",
    .cost = SL_COST_TEXT,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
    .compile = compile,
    .eval = eval,
};
