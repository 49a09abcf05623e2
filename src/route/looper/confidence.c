/* Algorithm "confidence": small models first, larger ones when unsure. Record only. */
#include "config/field.h"
#include "route/selector.h"

enum { METHOD_UNSET, METHOD_LOGPROB, METHOD_MARGIN, METHOD_HYBRID, METHOD_VERIFY, METHOD_AUTOMIX };

struct confidence_cfg {
    int method;
    struct {
        struct sl_opt_float logprob, margin;
    } weights;
    struct sl_opt_float tradeoff;
    sl_str verifier_url;
    int64_t verifier_timeout_seconds;
};

static const struct sl_field weight_fields[] = {
    {"logprob_weight", SL_F_OPT_FLOAT, SL_WITHIN(confidence_cfg, weights, logprob),
     SL_BETWEEN(0, 1), .help = "Weight of the token probabilities; 0: 0.5."},
    {"margin_weight", SL_F_OPT_FLOAT, SL_WITHIN(confidence_cfg, weights, margin), SL_BETWEEN(0, 1),
     .help = "Weight of the lead over the second token; 0: 0.5."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"confidence_method", SL_F_ENUM, SL_AT(confidence_cfg, method), .flags = SL_EXACT,
     SL_CHOICES("", "avg_logprob", "margin", "hybrid", "self_verify", "automix_entailment"),
     .help = "How sure an answer is: by token probabilities, by the lead of the chosen tokens, by "
             "both, by asking the model, or by asking a verifier."},
    {"threshold", SL_F_OPT_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Confidence that is enough; omitted or 0: the method's default."},
    {"hybrid_weights", SL_F_STRUCT, SL_AT(confidence_cfg, weights), .sub = weight_fields,
     .help = "Weights of method `hybrid`; they add up to 1."},
    {"on_error", SL_F_ENUM, SL_CHECKED_EXACT("", "skip", "fail"), .fallback = "skip",
     .help = "A failed call goes on to the next model, or fails the request."},
    {"escalation_order", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "size", "small_to_large", "declared", "cost", "automix"), .fallback = "size",
     .help = "Order in which candidates are asked."},
    {"cost_quality_tradeoff", SL_F_OPT_FLOAT, SL_AT(confidence_cfg, tradeoff), SL_BETWEEN(0, 1),
     .help = "For order `automix`: 0 quality alone, 1 cost alone; omitted: 0.3."},
    {"token_filter", SL_F_ENUM, SL_CHECKED_EXACT("", "all", "tool_call_args"), .fallback = "all",
     .help = "Which tokens count."},
    {"verifier_server_url", SL_F_STR, SL_AT(confidence_cfg, verifier_url),
     .help = "URL of the verifier; required by and only for `automix_entailment`."},
    {"verifier_timeout_seconds", SL_F_INT, SL_AT(confidence_cfg, verifier_timeout_seconds),
     SL_BETWEEN(0, 3600), .help = "Time for the verifier; 0: 60 seconds."},
    SL_FIELD_END,
};

static void check_weights(struct sl_check *c, const struct sl_yaml *node,
                          const struct confidence_cfg *cfg)
{
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("hybrid_weights"));
    if (!at || at->kind != SL_YAML_MAP)
        return;
    if (cfg->method != METHOD_HYBRID) {
        sl_check_error(c, at, "hybrid_weights is only supported when confidence_method=\"hybrid\"");
        return;
    }
    double logprob = cfg->weights.logprob.value != 0 ? cfg->weights.logprob.value : 0.5;
    double margin = cfg->weights.margin.value != 0 ? cfg->weights.margin.value : 0.5;
    double sum = logprob + margin;
    if (sum < 1 - 1e-9 || sum > 1 + 1e-9)
        sl_check_error(c, at, "hybrid_weights must add up to 1, got %.15g", sum);
}

/* Absolute http(s) without credentials, query, fragment or blanks around it. */
static bool is_plain_url(sl_str url)
{
    size_t start = sl_str_starts(url, SL_STR("http://"))    ? 7
                   : sl_str_starts(url, SL_STR("https://")) ? 8
                                                            : 0;
    if (!start || url.n == start || url.p[start] == '/' || url.p[start] == ':')
        return false;
    for (size_t i = 0; i < url.n; i++) {
        if (url.p[i] == '@' || url.p[i] == '?' || url.p[i] == '#' || url.p[i] == ' ')
            return false;
    }
    return true;
}

static void check_verifier(struct sl_check *c, const struct sl_yaml *node,
                           const struct confidence_cfg *cfg)
{
    const struct sl_yaml *at = sl_yaml_get(node, SL_STR("verifier_server_url"));
    if (cfg->method == METHOD_AUTOMIX) {
        if (!cfg->verifier_url.n)
            sl_check_error(c, at ? at : node,
                           "verifier_server_url is required by automix_entailment");
        else if (!is_plain_url(cfg->verifier_url))
            sl_check_error(c, at,
                           "verifier_server_url must be an absolute http(s) URL without "
                           "credentials, query or fragment, found \"%.*s\"",
                           SL_FMT(cfg->verifier_url));
    } else if (cfg->verifier_url.n || cfg->verifier_timeout_seconds) {
        sl_check_error(c, at ? at : node,
                       "verifier_server_url and verifier_timeout_seconds are only supported when "
                       "confidence_method=\"automix_entailment\"");
    }
}

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct confidence_cfg *cfg = decoded;
    if (!node || node->kind != SL_YAML_MAP)
        return;
    check_weights(c, node, cfg);
    check_verifier(c, node, cfg);
}

const struct sl_selector_type sl_looper_confidence = {
    .feature =
        {
            .name = "confidence",
            .summary = "Small models first, larger ones when the answer is unsure",
            .help = "Asks the candidates in order until an answer is sure enough. The answer with "
                    "its confidence goes to the client.",
            .example = "confidence_method: hybrid\n"
                       "threshold: 0.72\n"
                       "hybrid_weights: {logprob_weight: 0.65, margin_weight: 0.35}\n"
                       "escalation_order: small_to_large\n",
            .fields = fields,
            .size = sizeof(struct confidence_cfg),
            .validate = validate,
        },
};
