/* One table of exact paths; the prefixes that the reference treats alike are checked beside it. */
#include "proxy/gate.h"

static const struct {
    sl_str path;
    enum sl_http_method method;
    enum sl_gate gate;
} paths[] = {
    {SL_STR_INIT("/v1/chat/completions"), SL_POST, SL_GATE_CHAT},
    {SL_STR_INIT("/v1/completions"), SL_POST, SL_GATE_COMPLETIONS},
    {SL_STR_INIT("/v1/embeddings"), SL_POST, SL_GATE_EMBEDDINGS},
    {SL_STR_INIT("/v1/models"), SL_GET, SL_GATE_MODELS},
    {SL_STR_INIT("/health"), SL_GET, SL_GATE_HEALTH},
};

enum sl_gate sl_gate(enum sl_http_method method, sl_str path)
{
    /* The reference answers GET /v1/models/{anything} with the whole list. */
    if (method == SL_GET && sl_str_starts(path, SL_STR("/v1/models/")))
        return SL_GATE_MODELS;
    if (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    for (size_t i = 0; i < SL_COUNT(paths); i++) {
        if (!sl_str_eq(path, paths[i].path))
            continue;
        bool is_allowed =
            method == paths[i].method || (method == SL_HEAD && paths[i].gate == SL_GATE_HEALTH);
        return is_allowed ? paths[i].gate : SL_GATE_METHOD_NOT_ALLOWED;
    }
    return SL_GATE_NOT_FOUND;
}
