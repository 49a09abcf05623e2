/* Signal "pii": personal data in the request. Record only, no engine yet. */
#include "config/field.h"
#include "route/signal.h"

struct pii_rule {
    sl_str name;
    sl_str description;
    struct sl_opt_float threshold; /* unset: the module's */
    struct sl_strs pii_types_allowed;
    bool include_history;
};

static const struct sl_field fields[] = {
    {"name", SL_F_STR, SL_AT(pii_rule, name), .flags = SL_REQUIRED,
     .help = "Name that decisions use."},
    {"description", SL_F_STR, SL_AT(pii_rule, description), .help = "For people."},
    {"threshold", SL_F_OPT_FLOAT, SL_AT(pii_rule, threshold), SL_BETWEEN(0, 1),
     .help = "Confidence from which a finding counts; omitted: the PII module's threshold."},
    {"pii_types_allowed", SL_F_STRS, SL_AT(pii_rule, pii_types_allowed),
     .help = "Kinds that may pass, case ignored: AGE, CREDIT_CARD, EMAIL_ADDRESS, IBAN_CODE, "
             "IP_ADDRESS, ORGANIZATION, PERSON, PHONE_NUMBER, US_SSN, ..."},
    {"include_history", SL_F_BOOL, SL_AT(pii_rule, include_history),
     .help = "Also scans earlier turns and the system prompt."},
    SL_FIELD_END,
};

const struct sl_signal_type sl_signal_pii = {
    .feature =
        {
            .name = "pii",
            .list_key = "pii",
            .summary = "The request holds personal data that may not pass",
            .help = "A token classifier finds personal data in the whole text. The rule matches "
                    "when a finding of at least `threshold` is of a kind that is not in "
                    "`pii_types_allowed`. When the classifier fails, the rule matches: safety "
                    "fails closed.",
            .example = "name: restricted_pii\n"
                       "threshold: 0.85\n"
                       "pii_types_allowed: [EMAIL_ADDRESS]\n"
                       "include_history: true\n",
            .fields = fields,
            .size = sizeof(struct pii_rule),
        },
    .matched_key = "pii",
    .header = "x-vsr-matched-pii",
    .cost = SL_COST_MODEL,
    .on_failure = SL_FAIL_MATCH,
};
