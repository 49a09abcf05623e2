/* Plugin "image_gen": images in place of text. Record only, no engine yet. */
#include "config/field.h"
#include "route/plugin.h"

struct image_gen_cfg {
    bool is_enabled;
    int backend;
};

static const struct sl_field backend_fields[] = {
    {"base_url", SL_F_STR, SL_CHECKED, .help = "URL of the image server."},
    {"model", SL_F_STR, SL_CHECKED, .help = "Model asked for."},
    {"api_key", SL_F_STR, .flags = SL_CHECKED_ONLY | SL_SECRET, .help = "Key (openai)."},
    {"quality", SL_F_STR, SL_CHECKED, .help = "Quality (openai)."},
    {"style", SL_F_STR, SL_CHECKED, .help = "Style (openai)."},
    {"num_inference_steps", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 10000),
     .help = "Steps (vllm_omni)."},
    {"cfg_scale", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1000), .help = "Guidance (vllm_omni)."},
    {"seed", SL_F_OPT_INT, SL_CHECKED, SL_BETWEEN(-9e15, 9e15), .help = "Seed (vllm_omni)."},
    SL_FIELD_END,
};

static const struct sl_field classifier_fields[] = {
    {"model_path", SL_F_STR, SL_CHECKED, .help = "Folder of the classifier."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .help = "Runs it on the CPU."},
    SL_FIELD_END,
};

static const struct sl_field detection_fields[] = {
    {"method", SL_F_ENUM, .flags = SL_CHECKED_ONLY | SL_EXACT,
     SL_CHOICES("", "classifier", "keyword", "hybrid"), .help = "How the wish is found."},
    {"classifier", SL_F_STRUCT, SL_CHECKED_SUB(classifier_fields), .help = "The classifier."},
    {"keywords", SL_F_STRS, SL_CHECKED, .help = "Words that ask for an image."},
    {"both_keywords", SL_F_STRS, SL_CHECKED, .help = "Words that ask for text and image."},
    {"confidence_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Confidence that is believed."},
    {"lower_threshold_ratio", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Share of it that still counts when the words are silent."},
    SL_FIELD_END,
};

static const struct sl_field fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(image_gen_cfg, is_enabled), .help = "Switches the plugin on."},
    {"backend", SL_F_ENUM, SL_AT(image_gen_cfg, backend), .flags = SL_EXACT,
     SL_CHOICES("", "vllm_omni", "openai"), .help = "Image server; required when enabled."},
    {"backend_config", SL_F_STRUCT, SL_CHECKED_SUB(backend_fields), .help = "How to reach it."},
    {"modality_detection", SL_F_STRUCT, SL_CHECKED_SUB(detection_fields),
     .help = "Accepted and checked; the detector is `global.model_catalog.modules."
             "modality_detector`."},
    {"default_width", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .fallback = "1024",
     .help = "Width in pixels."},
    {"default_height", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 65536), .fallback = "1024",
     .help = "Height in pixels."},
    {"max_inference_steps", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 10000),
     .help = "Most steps that a request may ask for; 0: any."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600),
     .help = "Time for an image; 0: 120 (vllm_omni) or 60 (openai)."},
    SL_FIELD_END,
};

static void validate(struct sl_check *c, const struct sl_yaml *node, const void *decoded)
{
    const struct image_gen_cfg *cfg = decoded;
    if (cfg->is_enabled && cfg->backend == 0)
        sl_check_error(c, node,
                       "backend is required when the plugin is enabled (supported: "
                       "vllm_omni, openai)");
}

const struct sl_plugin_type sl_plugin_image_gen = {
    .feature =
        {
            .name = "image_gen",
            .summary = "Answers with an image from an image server",
            .help = "Names the image server of a decision. Whether an image is wanted says the "
                    "modality detector.",
            .example = "enabled: true\n"
                       "backend: openai\n"
                       "backend_config:\n"
                       "  api_key: ${OPENAI_API_KEY}\n"
                       "  model: gpt-image-1\n"
                       "default_width: 1024\n"
                       "default_height: 1024\n",
            .fields = fields,
            .size = sizeof(struct image_gen_cfg),
            .is_lenient = true,
            .validate = validate,
        },
    .phase = SL_PHASE_NONE,
};
