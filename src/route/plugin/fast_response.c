/* Plugin "fast_response": the decision answers itself, with a fixed text and no model. */
#include "config/field.h"
#include "route/plugin.h"

struct fast_response {
    sl_str message;
};

static const struct sl_field fields[] = {
    {"message", SL_F_STR, SL_AT(fast_response, message), .flags = SL_REQUIRED,
     .help = "The answer, byte for byte; blank is refused."},
    SL_FIELD_END,
};

static enum sl_rc apply(const void *decoded, struct sl_rewrite *r)
{
    const struct fast_response *cfg = decoded;
    r->answer = cfg->message;
    return SL_OK;
}

const struct sl_plugin_type sl_plugin_fast_response = {
    .feature = {.name = "fast_response",
                .summary = "Answers at once with a fixed text; no model is asked",
                .help = "The client gets a complete answer (status 200, model `router`, usage 0), "
                        "as JSON or as a stream, whichever it asked for. White space and line "
                        "breaks arrive as written. Rate limits do not apply. Refusals of a "
                        "safety decision are written this way.",
                .example = "message: This assistant cannot help with that.\n",
                .fields = fields,
                .size = sizeof(struct fast_response),
                .is_active = true,
                .is_lenient = true},
    .phase = SL_PHASE_ANSWER,
    .apply = apply,
};
