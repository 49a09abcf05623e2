/* global.model_catalog: embedding models, module models, external models and detectors. */
#include "config/field.h"
#include "config/global/kbs.h"
#include "config/global/tables.h"

/* ---- embeddings ---------------------------------------------------------------------------- */

const struct sl_field sl_prototype_fields[] = {
    {"enabled", SL_F_BOOL, SL_AT(sl_prototype_cfg, enabled), .fallback = "true",
     .help = "Groups similar examples and compares with one of each group."},
    {"cluster_similarity_threshold", SL_F_FLOAT,
     SL_AT(sl_prototype_cfg, cluster_similarity_threshold), SL_BETWEEN(0, 1), .fallback = "0.9",
     .help = "Similarity from which examples are one group."},
    {"max_prototypes", SL_F_INT, SL_AT(sl_prototype_cfg, max_prototypes), SL_BETWEEN(0, 1000000),
     .fallback = "8", .help = "Most groups."},
    {"best_weight", SL_F_FLOAT, SL_AT(sl_prototype_cfg, best_weight), SL_BETWEEN(0, 1),
     .fallback = "0.75",
     .help = "Weight of the best similarity; the rest goes to the mean of the best few."},
    {"top_m", SL_F_INT, SL_AT(sl_prototype_cfg, top_m), SL_BETWEEN(0, 1000000), .fallback = "2",
     .help = "How many the best few are; 0: all."},
    {"margin_threshold", SL_F_FLOAT, SL_AT(sl_prototype_cfg, margin_threshold), SL_BETWEEN(0, 1),
     .help = "Lead that the best preference must have."},
    SL_FIELD_END,
};

static const struct sl_field embedding_config_fields[] = {
    {"backend", SL_F_STR, SL_WITHIN(sl_catalog_cfg, embedding, backend), .fallback = "candle",
     .help = "`candle`, `openvino` (both: computed here) or `openai_compatible` (asked for)."},
    {"model_type", SL_F_STR, SL_WITHIN(sl_catalog_cfg, embedding, model_type), .fallback = "mmbert",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY,
     .help = "`mmbert`, `qwen3`, `gemma`, `bert`, `multimodal`, or `remote` with "
             "openai_compatible."},
    {"preload_embeddings", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Embeds the examples at start."},
    {"target_dimension", SL_F_INT, SL_WITHIN(sl_catalog_cfg, embedding, target_dimension),
     SL_BETWEEN(0, SL_MAX_DIMENSION), .fallback = "768", .help = "Length of the vectors."},
    {"target_layer", SL_F_INT, SL_WITHIN(sl_catalog_cfg, embedding, target_layer),
     SL_BETWEEN(0, 1024), .fallback = "22",
     .help = "Layer after which the model stops; 0: the last."},
    {"enable_soft_matching", SL_F_TRI, SL_WITHIN(sl_catalog_cfg, embedding, soft_matching),
     .fallback = "true", .help = "Without a hard match, rules above the minimum match."},
    {"top_k", SL_F_OPT_INT, SL_WITHIN(sl_catalog_cfg, embedding, top_k), SL_BETWEEN(0, 1000000),
     .fallback = "1", .help = "Embedding rules that may match at once; 0: any number."},
    {"min_score_threshold", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, embedding, min_score_threshold),
     SL_BETWEEN(0, 1), .fallback = "0.5", .help = "The minimum for soft matching."},
    {"prototype_scoring", SL_F_STRUCT, SL_WITHIN(sl_catalog_cfg, embedding, prototypes),
     .sub = sl_prototype_fields, .help = "How many examples become one score."},
    SL_FIELD_END,
};

static const struct sl_field endpoint_fields[] = {
    {"base_url", SL_F_STR, SL_WITHIN(sl_catalog_cfg, endpoint, base_url),
     .help = "URL; /embeddings is appended."},
    {"model", SL_F_STR, SL_WITHIN(sl_catalog_cfg, endpoint, model), .help = "Model asked for."},
    {"api_key_env", SL_F_STR, SL_WITHIN(sl_catalog_cfg, endpoint, api_key_env),
     .help = "Environment variable that holds the key."},
    {"timeout_seconds", SL_F_INT, SL_WITHIN(sl_catalog_cfg, endpoint, timeout_seconds),
     SL_BETWEEN(0, SL_MAX_SECONDS), .fallback = "10", .help = "Time of one try."},
    {"max_retries", SL_F_INT, SL_WITHIN(sl_catalog_cfg, endpoint, max_retries), SL_BETWEEN(0, 100),
     .help = "Tries after the first."},
    {"dimensions", SL_F_INT, SL_WITHIN(sl_catalog_cfg, endpoint, dimensions),
     SL_BETWEEN(0, SL_MAX_COUNT), .help = "Length asked for; must equal target_dimension."},
    SL_FIELD_END,
};

static const struct sl_field semantic_fields[] = {
    {"qwen3_model_path", SL_F_STR, SL_AT(sl_catalog_cfg, folders.qwen3),
     .help = "Folder of the Qwen3 model."},
    {"gemma_model_path", SL_F_STR, SL_AT(sl_catalog_cfg, folders.gemma),
     .help = "Folder of the Gemma model."},
    {"mmbert_model_path", SL_F_STR, SL_AT(sl_catalog_cfg, folders.mmbert),
     .fallback = "models/mmbert-embed-32k-2d-matryoshka", .help = "Folder of the mmBERT model."},
    {"bert_model_path", SL_F_STR, SL_AT(sl_catalog_cfg, folders.bert),
     .help = "Folder of the BERT model."},
    {"multimodal_model_path", SL_F_STR, SL_AT(sl_catalog_cfg, folders.multimodal),
     .help = "Folder of the multimodal model."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"embedding_config", SL_F_STRUCT, SL_AT(sl_catalog_cfg, embedding),
     .sub = embedding_config_fields, .help = "Which model, and how scores are made."},
    {"endpoint", SL_F_STRUCT, SL_AT(sl_catalog_cfg, endpoint), .sub = endpoint_fields,
     .help = "The server of openai_compatible."},
    SL_FIELD_END,
};

static const struct sl_field embeddings_fields[] = {
    {"semantic", SL_F_STRUCT, .offset = 0, .sub = semantic_fields, .help = "Meaning of texts."},
    SL_FIELD_END,
};

/* ---- system, external ---------------------------------------------------------------------- */

static const struct sl_field system_fields[] = {
    {"prompt_guard", SL_F_STR, SL_CHECKED, .fallback = "models/mmbert32k-jailbreak-detector-merged",
     .help = "The guard model."},
    {"domain_classifier", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-intent-classifier-merged", .help = "The domain model."},
    {"pii_classifier", SL_F_STR, SL_CHECKED, .fallback = "models/mmbert32k-pii-detector-merged",
     .help = "The personal data model."},
    {"fact_check_classifier", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-factcheck-classifier-merged", .help = "The fact-check model."},
    {"hallucination_detector", SL_F_STR, SL_CHECKED, .fallback = "models/mom-halugate-detector",
     .help = "The hallucination model."},
    {"hallucination_explainer", SL_F_STR, SL_CHECKED, .fallback = "models/mom-halugate-explainer",
     .help = "The explainer model."},
    {"feedback_detector", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-feedback-detector-merged", .help = "The feedback model."},
    SL_FIELD_END,
};

static const struct sl_field llm_endpoint_fields[] = {
    {"address", SL_F_STR, SL_WITHIN(sl_external_model_cfg, llm_endpoint, address),
     .help = "Host name or address."},
    {"port", SL_F_INT, SL_WITHIN(sl_external_model_cfg, llm_endpoint, port),
     SL_BETWEEN(0, SL_MAX_PORT), .help = "TCP port."},
    {"protocol", SL_F_STR, SL_WITHIN(sl_external_model_cfg, llm_endpoint, protocol),
     .help = "`http` (default) or `https`."},
    {"name", SL_F_STR, SL_CHECKED, .help = "Name, for people."},
    {"use_chat_template", SL_F_BOOL, SL_CHECKED, .help = "Wraps the prompt in a template."},
    {"prompt_template", SL_F_STR, SL_CHECKED, .help = "That template."},
    SL_FIELD_END,
};

static const struct sl_field external_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_external_model_cfg, name), .help = "Name that classifiers use."},
    {"llm_provider", SL_F_STR, SL_CHECKED, .help = "Kind of provider."},
    {"model_role", SL_F_STR, SL_AT(sl_external_model_cfg, model_role),
     .help = "`guardrail`, `classification`, `scoring`, `preference`, `memory_rewrite` or "
             "`memory_extraction`; the first entry of a role is used."},
    {"llm_endpoint", SL_F_STRUCT, SL_AT(sl_external_model_cfg, llm_endpoint),
     .sub = llm_endpoint_fields, .help = "Where it is."},
    {"llm_model_name", SL_F_STR, SL_AT(sl_external_model_cfg, llm_model_name),
     .help = "Model asked for."},
    {"llm_timeout_seconds", SL_F_INT, SL_AT(sl_external_model_cfg, llm_timeout_seconds),
     SL_BETWEEN(0, SL_MAX_SECONDS), .help = "Time for an answer; 0: the use's own default."},
    {"parser_type", SL_F_ENUM, SL_CHECKED_CHOICE("", "auto", "qwen3guard", "json", "simple"),
     .help = "How a guard's answer is read."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Score that counts."},
    {"access_key", SL_F_STR, SL_AT(sl_external_model_cfg, access_key), .flags = SL_SECRET,
     .help = "Key, sent as Bearer."},
    {"max_tokens", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, SL_MAX_TOKENS), .help = "Longest answer."},
    {"temperature", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 2), .help = "Temperature."},
    SL_FIELD_END,
};

/* ---- modules ------------------------------------------------------------------------------- */

#define MODEL_FIELDS(default_ref)                                                                  \
    {"model_ref", SL_F_STR, SL_CHECKED, .fallback = default_ref,                                   \
     .help = "Entry of `global.model_catalog.system` with the model's folder."},                   \
    {                                                                                              \
        "model_id", SL_F_STR, SL_CHECKED,                                                          \
            .help = "The model's folder itself; wins over model_ref."                              \
    }

static const struct sl_field compression_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_catalog_cfg, prompt_compression, enabled),
     .help = "Signals read a shortened text."},
    {"profile", SL_F_STR, SL_WITHIN(sl_catalog_cfg, prompt_compression, profile),
     .fallback = "default",
     .help = "`default`, `coding`, `medical`, `security` or `multi_turn`: the weights below."},
    {"max_tokens", SL_F_INT, SL_WITHIN(sl_catalog_cfg, prompt_compression, max_tokens),
     SL_BETWEEN(0, SL_MAX_TOKENS), .help = "Size aimed at; 0: nothing is shortened."},
    {"min_length", SL_F_INT, SL_WITHIN(sl_catalog_cfg, prompt_compression, min_length),
     SL_BETWEEN(0, SL_MAX_COUNT), .help = "Texts of at most so many bytes are left alone."},
    {"skip_signals", SL_F_STRS, SL_WITHIN(sl_catalog_cfg, prompt_compression, skip_signals),
     .fallback = "[jailbreak, pii]", .help = "Signal types that read the whole text."},
    {"textrank_weight", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_compression, textrank_weight),
     SL_BETWEEN(0, 1), .help = "0: the profile's."},
    {"position_weight", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_compression, position_weight),
     SL_BETWEEN(0, 1), .help = "0: the profile's."},
    {"tfidf_weight", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_compression, tfidf_weight),
     SL_BETWEEN(0, 1), .help = "0: the profile's."},
    {"novelty_weight", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_compression, novelty_weight),
     SL_BETWEEN(0, 1), .help = "0: the profile's."},
    {"position_depth", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_compression, position_depth),
     SL_BETWEEN(0, 1), .help = "0: the profile's."},
    {"preserve_first_n", SL_F_INT, SL_WITHIN(sl_catalog_cfg, prompt_compression, preserve_first_n),
     SL_BETWEEN(0, 10000), .help = "0: the profile's."},
    {"preserve_last_n", SL_F_INT, SL_WITHIN(sl_catalog_cfg, prompt_compression, preserve_last_n),
     SL_BETWEEN(0, 10000), .help = "0: the profile's."},
    SL_FIELD_END,
};

static const struct sl_field guard_fields[] = {
    MODEL_FIELDS("prompt_guard"),
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_catalog_cfg, prompt_guard, enabled), .fallback = "true",
     .help = "Switches the guard on."},
    {"threshold", SL_F_FLOAT, SL_WITHIN(sl_catalog_cfg, prompt_guard, threshold), SL_BETWEEN(0, 1),
     .fallback = "0.7", .help = "Risk that counts where a rule names none."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"variant", SL_F_STR, SL_WITHIN(sl_catalog_cfg, prompt_guard, variant), .fallback = "mmbert32k",
     .help = "Local model: `mmbert32k` or `candle`; empty with protocol."},
    {"protocol", SL_F_STR, SL_WITHIN(sl_catalog_cfg, prompt_guard, protocol),
     .help = "External model: `http_classify` or `http_chat`."},
    {"on_error", SL_F_STR, SL_WITHIN(sl_catalog_cfg, prompt_guard, on_error),
     .help = "What a failed guard means: `allow` (no match) or `block` (a match)."},
    {"positive_labels", SL_F_STRS, SL_CHECKED, .fallback = "[jailbreak]",
     .help = "Labels that are attacks."},
    {"jailbreak_mapping_path", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-jailbreak-detector-merged/jailbreak_type_mapping.json",
     .help = "File that names the labels."},
    {"use_modernbert", SL_F_BOOL, SL_CHECKED, .help = "Accepted for older files."},
    {"use_mmbert_32k", SL_F_BOOL, SL_CHECKED, .help = "Accepted for older files."},
    SL_FIELD_END,
};

static const struct sl_field domain_fields[] = {
    MODEL_FIELDS("domain_classifier"),
    {"enabled", SL_F_TRI, SL_CHECKED, .help = "false switches the classifier off."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.5",
     .help = "Probability that counts."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"use_modernbert", SL_F_BOOL, SL_CHECKED, .help = "Accepted for older files."},
    {"use_mmbert_32k", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "The 32K model."},
    {"category_mapping_path", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-intent-classifier-merged/category_mapping.json",
     .help = "File that names the labels."},
    {"fallback_category", SL_F_STR, SL_CHECKED, .help = "Category of the unknown."},
    SL_FIELD_END,
};

static const struct sl_field mcp_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Classifies through an MCP server."},
    {"transport_type", SL_F_STR, SL_CHECKED, .help = "`stdio` or `streamable-http`."},
    {"command", SL_F_STR, SL_CHECKED, .help = "Program of stdio."},
    {"args", SL_F_STRS, SL_CHECKED, .help = "Its arguments."},
    {"env", SL_F_STR_MAP, SL_CHECKED, .help = "Its environment."},
    {"url", SL_F_STR, SL_CHECKED, .help = "URL of the server."},
    {"tool_name", SL_F_STR, SL_CHECKED, .help = "Tool that classifies."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .help = "Confidence that counts."},
    {"timeout_seconds", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 3600), .help = "Time for an answer."},
    SL_FIELD_END,
};

static const struct sl_field pii_fields[] = {
    MODEL_FIELDS("pii_classifier"),
    {"enabled", SL_F_TRI, SL_CHECKED, .help = "false switches the classifier off."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.9",
     .help = "Confidence that counts where a rule names none."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"use_modernbert", SL_F_BOOL, SL_CHECKED, .help = "Accepted for older files."},
    {"use_mmbert_32k", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "The 32K model."},
    {"pii_mapping_path", SL_F_STR, SL_CHECKED,
     .fallback = "models/mmbert32k-pii-detector-merged/pii_type_mapping.json",
     .help = "File that names the kinds."},
    SL_FIELD_END,
};

static const struct sl_field preference_fields[] = {
    {"use_contrastive", SL_F_TRI, SL_WITHIN(sl_catalog_cfg, preference, is_contrastive),
     .fallback = "true", .help = "Compares with examples; false asks an external model."},
    {"embedding_model", SL_F_STR, SL_CHECKED, .help = "Embedding model; empty: mmbert."},
    {"prototype_scoring", SL_F_STRUCT, SL_WITHIN(sl_catalog_cfg, preference, prototypes),
     .sub = sl_prototype_fields, .help = "How many examples become one score."},
    SL_FIELD_END,
};

static const struct sl_field classifier_fields[] = {
    {"domain", SL_F_STRUCT, SL_CHECKED_SUB(domain_fields), .help = "Fields of knowledge."},
    {"mcp", SL_F_STRUCT, SL_CHECKED_SUB(mcp_fields), .help = "An MCP server."},
    {"pii", SL_F_STRUCT, SL_CHECKED_SUB(pii_fields), .help = "Personal data."},
    {"preference", SL_F_STRUCT, SL_AT(sl_catalog_cfg, preference), .sub = preference_fields,
     .help = "Preferences."},
    SL_FIELD_END,
};

static const struct sl_field complexity_fields[] = {
    {"prototype_scoring", SL_F_STRUCT, SL_AT(sl_catalog_cfg, complexity_prototypes),
     .sub = sl_prototype_fields, .help = "How many examples become one score."},
    SL_FIELD_END,
};

static const struct sl_field fact_check_fields[] = {
    MODEL_FIELDS("fact_check_classifier"),
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.6",
     .help = "Probability from which checking is needed."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"use_mmbert_32k", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "The 32K model."},
    SL_FIELD_END,
};

static const struct sl_field detector_fields[] = {
    MODEL_FIELDS("hallucination_detector"),
    {"backend", SL_F_STR, SL_CHECKED, .fallback = "candle",
     .help = "`candle` (computed here) or `endpoint`."},
    {"endpoint", SL_F_STR, SL_CHECKED, .help = "URL of endpoint."},
    {"include_explanation", SL_F_BOOL, SL_CHECKED, .help = "Asks the endpoint for reasons."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.8",
     .help = "Probability from which a token is unsupported."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"min_span_length", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 10000), .fallback = "2",
     .help = "Words of the shortest finding."},
    {"min_span_confidence", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.6",
     .help = "Confidence of the weakest finding."},
    {"context_window_size", SL_F_INT, SL_CHECKED, SL_BETWEEN(0, 1000000), .fallback = "50",
     .help = "Words around a finding that are shown."},
    {"enable_nli_filtering", SL_F_BOOL, SL_CHECKED, .fallback = "true",
     .help = "Drops findings that the context entails."},
    {"nli_entailment_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.75",
     .help = "Probability from which it does."},
    SL_FIELD_END,
};

static const struct sl_field explainer_fields[] = {
    MODEL_FIELDS("hallucination_explainer"),
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.9",
     .help = "Confidence below which a finding weighs less."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    SL_FIELD_END,
};

static const struct sl_field hallucination_fields[] = {
    {"enabled", SL_F_BOOL, SL_CHECKED, .help = "Switches detection on."},
    {"on_hallucination_detected", SL_F_STR, SL_CHECKED, .help = "What a finding does."},
    {"fact_check", SL_F_STRUCT, SL_CHECKED_SUB(fact_check_fields), .help = "Is checking needed?"},
    {"detector", SL_F_STRUCT, SL_CHECKED_SUB(detector_fields), .help = "Unsupported parts."},
    {"explainer", SL_F_STRUCT, SL_CHECKED_SUB(explainer_fields), .help = "Contradiction or not."},
    SL_FIELD_END,
};

static const struct sl_field feedback_fields[] = {
    MODEL_FIELDS("feedback_detector"),
    {"enabled", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Switches the detector on."},
    {"threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1), .fallback = "0.7",
     .help = "Confidence that counts."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "Runs on the CPU."},
    {"use_modernbert", SL_F_BOOL, SL_CHECKED, .help = "Accepted for older files."},
    {"use_mmbert_32k", SL_F_BOOL, SL_CHECKED, .fallback = "true", .help = "The 32K model."},
    {"feedback_mapping_path", SL_F_STR, SL_CHECKED, .help = "File that names the labels."},
    SL_FIELD_END,
};

static const struct sl_field modality_classifier_fields[] = {
    {"model_path", SL_F_STR, SL_CHECKED, .help = "Folder of the model."},
    {"use_cpu", SL_F_BOOL, SL_CHECKED, .help = "Runs on the CPU."},
    SL_FIELD_END,
};

static const struct sl_field modality_fields[] = {
    {"enabled", SL_F_BOOL, SL_WITHIN(sl_catalog_cfg, modality_detector, enabled),
     .help = "Switches the detector on."},
    {"method", SL_F_STR, SL_CHECKED, .help = "`classifier`, `keyword` or `hybrid`."},
    {"classifier", SL_F_STRUCT, SL_CHECKED_SUB(modality_classifier_fields), .help = "The model."},
    {"keywords", SL_F_STRS, SL_CHECKED, .help = "Words that ask for an image."},
    {"both_keywords", SL_F_STRS, SL_CHECKED, .help = "Words that ask for text and image."},
    {"confidence_threshold", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Confidence of the model that is believed."},
    {"lower_threshold_ratio", SL_F_FLOAT, SL_CHECKED, SL_BETWEEN(0, 1),
     .help = "Share of it that still counts when the words are silent."},
    {"prompt_prefixes", SL_F_STRS, SL_CHECKED, .help = "Cut off before the image is asked for."},
    SL_FIELD_END,
};

static const struct sl_field modules_fields[] = {
    {"prompt_compression", SL_F_STRUCT, SL_AT(sl_catalog_cfg, prompt_compression),
     .sub = compression_fields,
     .help = "A shorter text for signals; what is sent does not change."},
    {"prompt_guard", SL_F_STRUCT, SL_AT(sl_catalog_cfg, prompt_guard), .sub = guard_fields,
     .help = "The guard against attacks."},
    {"classifier", SL_F_STRUCT, .offset = 0, .sub = classifier_fields, .help = "Classifiers."},
    {"complexity", SL_F_STRUCT, .offset = 0, .sub = complexity_fields, .help = "Difficulty."},
    {"hallucination_mitigation", SL_F_STRUCT, SL_CHECKED_SUB(hallucination_fields),
     .help = "Answers that their context does not support."},
    {"feedback_detector", SL_F_STRUCT, SL_CHECKED_SUB(feedback_fields), .help = "Contentment."},
    {"modality_detector", SL_F_STRUCT, SL_AT(sl_catalog_cfg, modality_detector),
     .sub = modality_fields, .help = "Text or image."},
    SL_FIELD_END,
};

const struct sl_field sl_global_catalog_fields[] = {
    {"embeddings", SL_F_STRUCT, .offset = 0, .sub = embeddings_fields, .help = "Embedding models."},
    {"system", SL_F_STRUCT, SL_CHECKED_SUB(system_fields),
     .help = "Folders of the modules' models."},
    {"external", SL_F_LIST, SL_AT(sl_catalog_cfg, external),
     SL_SUB(external_fields, sl_external_model_cfg), .help = "Models that are asked over HTTP."},
    {"kbs", SL_F_LIST, SL_AT(sl_catalog_cfg, kbs), SL_SUB(sl_kb_fields, sl_kb_cfg),
     .help = "Knowledge bases; omitted: privacy_kb and mmlu_kb."},
    {"modules", SL_F_STRUCT, .offset = 0, .sub = modules_fields, .help = "What uses the models."},
    SL_FIELD_END,
};

const struct sl_external_model_cfg *sl_catalog_external(const struct sl_catalog_cfg *catalog,
                                                        sl_str name)
{
    const struct sl_external_model_cfg *all = catalog->external.items;
    for (uint32_t i = 0; i < catalog->external.n; i++) {
        if (sl_str_eq(all[i].name, name))
            return &all[i];
    }
    return NULL;
}
