/* Signal "embedding": nearness of the request to example texts. Record only, no engine yet. */
#include "config/field.h"
#include "config/scope.h"
#include "route/signal.h"

enum { MODALITY_UNSET, MODALITY_TEXT, MODALITY_IMAGE, MODALITY_AUDIO };

struct embedding_rule {
    sl_str name;
    double threshold;
    struct sl_strs candidates;
    int aggregation_method;
    int query_modality;
    sl_str model;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(embedding_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"threshold", SL_F_FLOAT, SL_AT(embedding_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Score from which the rule matches; 0 matches every text with a score of at least 0."},
    {"candidates", SL_F_STRS, SL_AT(embedding_rule, candidates),
     .help = "Example texts that the request is compared with."},
    {"aggregation_method", SL_F_ENUM, SL_AT(embedding_rule, aggregation_method),
     .flags = SL_LENIENT, SL_CHOICES("", "max", "mean", "any"),
     .help = "How the similarities to the examples become one score: `mean` is their plain mean; "
             "the others weigh the best with the mean of the best few."},
    {"query_modality", SL_F_ENUM, SL_AT(embedding_rule, query_modality), .flags = SL_TRIMMED,
     SL_CHOICES("", "text", "image", "audio"),
     .help = "What of the request is compared: its text (default) or its inline image; `audio` is "
             "not supported."},
    {"model", SL_F_STR, SL_AT(embedding_rule, model),
     .help = "Accepted for older files and ignored: the embedding model is chosen in "
             "`global.model_catalog.embeddings`."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct embedding_rule *rule = decoded;
    if (rule->query_modality != MODALITY_AUDIO)
        return;
    size_t length = sl_check_push(c, SL_STR("query_modality"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("query_modality")),
                   "query_modality \"audio\" is not supported; use \"text\" or \"image\"");
    sl_check_pop(c, length);
}

static void validate_in(struct sl_check *c, const struct sl_recipe_scope *scope,
                        const struct sl_yaml *node, const void *decoded)
{
    const struct embedding_rule *rule = decoded;
    if (rule->query_modality != MODALITY_IMAGE)
        return;
    sl_str type = sl_str_trim(scope->catalog->embedding.model_type);
    if (sl_str_eq_nocase(type, SL_STR("multimodal")))
        return;
    size_t length = sl_check_push(c, SL_STR("query_modality"));
    sl_check_error(c, sl_yaml_get(node, SL_STR("query_modality")),
                   "query_modality \"image\" needs "
                   "global.model_catalog.embeddings.semantic.embedding_config.model_type "
                   "\"multimodal\", found \"%.*s\"",
                   SL_FMT(type));
    sl_check_pop(c, length);
}

const struct sl_signal_type sl_signal_embedding = {
    .feature =
        {
            .name = "embedding",
            .list_key = "embeddings",
            .summary = "The request is near in meaning to example texts",
            .help = "Embeds the current user turn (or its image) and compares it with the rule's "
                    "`candidates`. A rule whose score reaches `threshold` matches; when none does "
                    "and soft matching is on, rules above the general minimum match instead. The "
                    "best `top_k` matches are kept. The score is the rule's confidence.",
            .example = "name: technical_support\n"
                       "threshold: 0.75\n"
                       "aggregation_method: max\n"
                       "candidates:\n"
                       "  - how to configure the system\n"
                       "  - installation guide\n",
            .fields = fields,
            .size = sizeof(struct embedding_rule),
            .validate = validate,
            .validate_in = validate_in,
        },
    .matched_key = "embeddings",
    .header = "x-vsr-matched-embeddings",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_NO_MATCH,
    .reads_window = true,
};
