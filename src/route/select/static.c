/*
 * Selection `static`: the candidate with the highest configured score. Scores come from
 * `model_scores` of the domain that has the decision's name; without one a candidate counts 1.0,
 * the earlier candidate wins a tie, and a best score of exactly 1.0 means the first candidate
 * (the reference's rule, which lets an order of candidates stand over partial scores).
 */
#include "codec/yaml.h"
#include "route/selector.h"

static const struct sl_yaml *scores_of(const struct sl_selection_input *in)
{
    const struct sl_recipe_cfg *recipe = in->recipe;
    for (uint32_t i = 0; recipe && recipe->signals && sl_signal_features[i]; i++) {
        const struct sl_signal_cfg *signal = &recipe->signals[i];
        if (strcmp(sl_signal_features[i]->name, "domain") != 0)
            continue;
        for (uint32_t k = 0; k < signal->n_rules; k++)
            if (sl_str_eq(signal->rules[k].name, in->decision->name))
                return sl_yaml_get(signal->rules[k].node, SL_STR("model_scores"));
    }
    return NULL;
}

static double score_of(const struct sl_yaml *scores, const struct sl_model_ref *ref)
{
    double score;
    for (uint32_t i = 0; scores && scores->kind == SL_YAML_LIST && i < scores->n; i++) {
        const struct sl_yaml *model = sl_yaml_get(scores->items[i], SL_STR("model"));
        const struct sl_yaml *value = sl_yaml_get(scores->items[i], SL_STR("score"));
        if (model && value && sl_str_eq(sl_str_trim(model->text), ref->name) &&
            sl_str_to_f64(value->text, &score))
            return score;
    }
    return 1;
}

static uint32_t select_static(const void *decoded, const struct sl_selection_input *in)
{
    (void)decoded;
    const struct sl_yaml *scores = scores_of(in);
    uint32_t best = 0;
    double best_score = 0;
    if (!in->decision->n_refs)
        return SL_NO_INDEX;
    for (uint32_t i = 0; scores && i < in->decision->n_refs; i++) {
        double score = score_of(scores, &in->decision->refs[i]);
        if (i == 0 || score > best_score) {
            best = i;
            best_score = score;
        }
    }
    return best_score == 1.0 ? 0 : best;
}

const struct sl_selector_type sl_selector_static = {
    .feature = {.name = "static",
                .summary = "The best configured score, else the first candidate",
                .help = "Picks the candidate with the highest `model_scores` entry of the domain "
                        "that has the decision's name; without scores, the first candidate. Ties "
                        "go to the earlier candidate, and so does a best score of exactly 1.0. "
                        "This is what a decision without `algorithm` uses.",
                .example = "type: static\n",
                .is_active = true},
    .select = select_static,
};
