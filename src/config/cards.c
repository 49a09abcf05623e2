/* routing.modelCards: the models that a policy may name, with their adapters. */
#include "config/field.h"
#include "config/load.h"

struct card {
    sl_str name, param_size, description, modality;
    int64_t context_window_size;
    double quality_score;
    struct sl_strs capabilities, tags;
    struct sl_list loras; /* struct sl_lora_cfg */
};

static const struct sl_field lora_fields[] = {
    {"name", SL_F_STR, SL_AT(sl_lora_cfg, name), .flags = SL_REQUIRED,
     .help = "Name of the adapter; usable as a model name."},
    {"description", SL_F_STR, SL_AT(sl_lora_cfg, description), .help = "What it is good at."},
    SL_FIELD_END,
};

const struct sl_field sl_card_fields[] = {
    {"name", SL_F_STR, SL_AT(card, name), .flags = SL_REQUIRED,
     .help = "Logical name of the model, unique."},
    {"param_size", SL_F_STR, SL_AT(card, param_size), .help = "Size, such as 8B."},
    {"context_window_size", SL_F_INT, SL_AT(card, context_window_size),
     SL_BETWEEN(0, SL_MAX_TOKENS), .help = "Context window in tokens; 0: not known."},
    {"description", SL_F_STR, SL_AT(card, description), .help = "What the model is good at."},
    {"capabilities", SL_F_STRS, SL_AT(card, capabilities),
     .help = "Free words, such as tools or vision."},
    {"loras", SL_F_LIST, SL_AT(card, loras), SL_SUB(lora_fields, sl_lora_cfg),
     .help = "Adapters that its backends serve."},
    {"quality_score", SL_F_FLOAT, SL_AT(card, quality_score), SL_BETWEEN(0, SL_MAX_COUNT),
     .help = "Prior of its quality, 0 to 1."},
    {"modality", SL_F_STR, SL_AT(card, modality),
     .help = "What it produces: ar, diffusion, omni, text, multimodal, ..."},
    {"tags", SL_F_STRS, SL_AT(card, tags), .help = "Free words."},
    SL_FIELD_END,
};

static void fill(struct sl_model_cfg *model, const struct card *card)
{
    *model = (struct sl_model_cfg){
        .name = card->name,
        .param_size = card->param_size,
        .context_window_size = card->context_window_size,
        .description = card->description,
        .capabilities = card->capabilities,
        .loras = card->loras.items,
        .n_loras = card->loras.n,
        .quality_score = card->quality_score,
        .modality = card->modality,
        .tags = card->tags,
        .reasoning_family = SL_NO_INDEX,
    };
}

/* Cards first, so that a card wins over an adapter of the same name. */
static void index_names(struct sl_load *l, const struct sl_yaml *node)
{
    struct sl_config *config = l->config;
    for (uint32_t i = 0; i < config->n_models; i++) {
        uint64_t first;
        sl_str name = config->models[i].name;
        if (name.n && sl_map_get(&config->model_by_name, name, &first)) {
            size_t length = sl_check_push_index(&l->c, i);
            sl_check_push(&l->c, SL_STR("name"));
            sl_check_error(&l->c, node->items[i],
                           "duplicate model name \"%.*s\"; first at routing.modelCards[%u]",
                           SL_FMT(name), (unsigned)first);
            sl_check_pop(&l->c, length);
        } else if (name.n && sl_map_put(&config->model_by_name, name, i) != SL_OK) {
            l->is_nomem = true;
        }
    }
    for (uint32_t i = 0; i < config->n_models; i++) {
        for (uint32_t k = 0; k < config->models[i].n_loras; k++) {
            uint64_t taken;
            sl_str name = config->models[i].loras[k].name;
            if (name.n && !sl_map_get(&config->model_by_name, name, &taken) &&
                sl_map_put(&config->model_by_name, name, i) != SL_OK)
                l->is_nomem = true;
        }
    }
}

void sl_load_cards(struct sl_load *l)
{
    const struct sl_yaml *routing = sl_yaml_get(l->root, SL_STR("routing"));
    const struct sl_yaml *node = sl_yaml_get(routing, SL_STR("modelCards"));
    sl_map_init(&l->config->model_by_name, l->arena, 0);
    if (!node)
        return;
    size_t length = sl_check_push(&l->c, SL_STR("routing.modelCards"));
    struct sl_list cards;
    sl_schema_decode_list(&l->c, sl_card_fields, sizeof(struct card), node, &cards);
    struct sl_model_cfg *models = SL_LOAD_ARRAY(l, struct sl_model_cfg, cards.n);
    for (uint32_t i = 0; models && i < cards.n; i++)
        fill(&models[i], &((struct card *)cards.items)[i]);
    l->config->models = models;
    l->config->n_models = models ? cards.n : 0;
    index_names(l, node);
    sl_check_pop(&l->c, length);
}
