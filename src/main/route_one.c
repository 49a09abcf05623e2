/* See route_one.h. */
#include "main/route_one.h"

#include "codec/json_write.h"
#include "dialect/openai/chat.h"

void sl_prompt_request(struct sl_buf *out, sl_str prompt, sl_str model)
{
    struct sl_json_writer w;
    sl_json_writer_init(&w, out);
    sl_json_open(&w, '{');
    if (model.n) {
        sl_json_key(&w, SL_STR("model"));
        sl_json_put_str(&w, model);
    }
    sl_json_key(&w, SL_STR("text"));
    sl_json_put_str(&w, prompt);
    sl_json_close(&w, '}');
}

enum sl_rc sl_route_one_read(struct sl_route_one *one, struct sl_err *err)
{
    struct sl_buf body;
    struct sl_json json;
    sl_buf_init(&body, (size_t)256 << 20);
    sl_prompt_request(&body, one->prompt, one->model);
    sl_str copy = sl_arena_dup(one->arena, sl_buf_str(&body));
    enum sl_rc rc = copy.p ? sl_buf_rc(&body) : SL_NOMEM;
    sl_buf_free(&body);
    if (rc != SL_OK)
        return sl_err_set(err, rc, "out of memory");
    rc = sl_json_parse(&json, one->arena, copy, NULL, err);
    if (rc == SL_OK)
        rc = sl_eval_facts(&json, one->arena, &one->facts, err);
    one->facts.user_id = one->user_id;
    one->facts.groups = one->groups;
    one->facts.n_groups = one->n_groups;
    return rc;
}

enum sl_rc sl_route_one_run(struct sl_route_one *one)
{
    sl_str model = one->model;
    for (uint32_t i = 0; !model.n && i < one->config->n_names; i++)
        if (one->config->names[i].kind == SL_NAME_AUTO)
            model = one->config->names[i].name;
    if (!model.n)
        model = SL_STR("auto");
    struct sl_infer infer;
    sl_infer_init(&infer, one->arena, SL_INFER_MAX_ASKS);
    one->options.infer = one->config->engine ? &infer : NULL;
    enum sl_rc rc = sl_route(one->config, model, &one->facts, &one->options, one->scratch,
                             one->arena, &one->verdict);
    while (rc == SL_AGAIN) {
        sl_engine_wait(one->config->engine, &infer);
        rc = sl_route_resume(one->config, model, one->scratch, &one->verdict);
    }
    return rc;
}

uint32_t sl_split_groups(sl_str list, sl_str *out)
{
    sl_str piece;
    uint32_t n = 0;
    while (list.n && n < SL_ROUTE_MAX_GROUPS && sl_str_split(&list, ',', &piece))
        if (sl_str_trim(piece).n)
            out[n++] = sl_str_trim(piece);
    return n;
}
