/* Chat bodies: any bytes through shape, facts and a rewrite whose result must be JSON again. */
#include "dialect/openai/chat.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void rewrite(const struct sl_json *body, struct sl_arena *arena,
                    const struct sl_chat_request *request, unsigned choice)
{
    struct sl_reasoning_family family = {.type = (int)(choice % 3),
                                         .parameter = SL_STR("reasoning_effort")};
    struct sl_config config = {
        .families = &family, .n_families = 1, .default_effort = SL_STR("medium")};
    struct sl_model_cfg model = {.name = SL_STR("m")};
    struct sl_backend_cfg backend = {.dialect = (enum sl_backend_dialect)(choice / 3 % 5)};
    struct sl_verdict verdict = {.status = SL_ROUTED,
                                 .model = &model,
                                 .model_name = model.name,
                                 .has_reasoning = true,
                                 .use_reasoning = choice & 64};
    struct sl_rewrite r = {.body = body, .edits = sl_splice_new(body, arena), .arena = arena};
    struct sl_json again;
    sl_str out;
    if (sl_chat_rewrite(&r, request, &config, &verdict, &backend) ||
        sl_splice_flat(r.edits, &out) || sl_json_parse(&again, arena, out, NULL, NULL) ||
        !sl_json_is_str(&again, sl_json_get(&again, 0, SL_STR("model")), SL_STR("m")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct sl_arena arena;
    struct sl_json body;
    struct sl_chat_request request;
    struct sl_facts facts;
    struct sl_err err;
    sl_arena_init(&arena, NULL, 64 << 20);
    sl_str text = sl_str_of(data + 1, size - 1);
    if (sl_chat_parse(text, &arena, NULL, &body, &request, &err) == SL_OK) {
        if (sl_chat_facts(&body, &arena, &facts))
            abort();
        rewrite(&body, &arena, &request, data[0]);
    }
    if (sl_json_parse(&body, &arena, text, NULL, NULL) == SL_OK &&
        sl_eval_facts(&body, &arena, &facts, &err) == SL_NOMEM)
        abort();
    sl_arena_reset(&arena);
    return 0;
}
