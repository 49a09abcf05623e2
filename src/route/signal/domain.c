/* Signal "domain": the subject of the request, by classifier. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct domain_rule {
    sl_str name;
    sl_str description;
    struct sl_strs mmlu_categories;
};

/* Labels of the classifier, alphabetical. */
static const char *const labels[] = {
    "biology",   "business",    "chemistry", "computer science",
    "economics", "engineering", "health",    "history",
    "law",       "math",        "other",     "philosophy",
    "physics",   "psychology",  NULL,
};

static const struct sl_field model_score_fields[] = {
    {"model", SL_F_STR, SL_CHECKED, .help = "Name of a model card."},
    {"score", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "How well the model does here."},
    {"use_reasoning", SL_F_TRI, SL_CHECKED, .help = "Whether the model should think."},
    {"reasoning_description", SL_F_STR, SL_CHECKED, .help = "Why."},
    {"reasoning_effort", SL_F_STR, SL_CHECKED, .help = "How much."},
    {"lora_name", SL_F_STR, SL_CHECKED, .help = "Adapter of the model."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(domain_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(domain_rule, description), .help = "For people."},
    {"mmlu_categories", SL_F_STRS, SL_AT(domain_rule, mmlu_categories),
     .help = "Labels of the classifier that count as this domain: biology, business, chemistry, "
             "computer science, economics, engineering, health, history, law, math, other, "
             "philosophy, physics, psychology."},
    {"model_scores", SL_F_LIST, SL_CHECKED_SUB(model_score_fields),
     .help = "Scores of models; read by algorithm `static` in a decision of the domain's name."},
    SL_FIELD_END,
};

static bool is_label(sl_str name)
{
    for (uint32_t i = 0; labels[i]; i++) {
        if (sl_str_eq(sl_str_from(labels[i]), name))
            return true;
    }
    return false;
}

/* The label meant by a misspelt one: case and underscores first, then distance. */
static const char *nearest_label(sl_str found)
{
    char plain[64];
    if (found.n >= sizeof(plain))
        return NULL;
    for (size_t i = 0; i < found.n; i++) {
        char ch = found.p[i];
        plain[i] = ch == '_' || ch == '-' ? ' ' : ch >= 'A' && ch <= 'Z' ? (char)(ch | 32) : ch;
    }
    return sl_str_nearest(sl_str_trim(sl_str_of(plain, found.n)), labels);
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct domain_rule *rule = decoded;
    const struct sl_yaml *list = sl_yaml_get(node, SL_STR("mmlu_categories"));
    size_t length = sl_check_push(c, SL_STR("mmlu_categories"));
    for (uint32_t i = 0; i < rule->mmlu_categories.n; i++) {
        sl_str label = rule->mmlu_categories.items[i];
        if (is_label(label))
            continue;
        size_t at = sl_check_push_index(c, i);
        const char *near = nearest_label(label);
        sl_check_error(c, list && i < list->n ? list->items[i] : list,
                       "unsupported value \"%.*s\"; supported values: biology, business, "
                       "chemistry, computer science, economics, engineering, health, history, "
                       "law, math, other, philosophy, physics, psychology%s%s%s",
                       SL_FMT(label), near ? "; did you mean \"" : "", near ? near : "",
                       near ? "\"?" : "");
        sl_check_pop(c, at);
    }
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_domain = {
    .feature =
        {
            .name = "domain",
            .list_key = "domains",
            .summary = "The request belongs to a field of knowledge",
            .help = "A classifier with 14 labels reads the current user turn. A domain matches "
                    "when one of its `mmlu_categories` wins with at least the configured "
                    "threshold; the probability is the confidence.",
            .example = "name: computing\n"
                       "description: Programming and computer science.\n"
                       "mmlu_categories: [\"computer science\", engineering]\n",
            .fields = fields,
            .size = sizeof(struct domain_rule),
            .validate = validate,
        },
    .matched_key = "domains",
    .header = "x-vsr-matched-domains",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
