/* Errors as the client's SDK expects them, with the type that the status means. */
#include "proxy/parts.h"

#include "dialect/openai/answer.h"

/* Names of the client's making may be in it, of any length. */
#define MAX_MESSAGE_BYTES 2048u

static sl_str cut(struct sl_arena *arena, sl_str message)
{
    if (message.n <= MAX_MESSAGE_BYTES)
        return message;
    size_t end = MAX_MESSAGE_BYTES;
    while (end && ((unsigned char)message.p[end] & 0xc0) == 0x80)
        end--; /* not within a character */
    sl_str shorter = sl_arena_printf(arena, "%.*s...", (int)end, message.p);
    return shorter.p ? shorter : SL_STR("out of memory");
}

static const char *metric_reason(int status)
{
    if (status == 504)
        return "timeout";
    if (status >= 500)
        return "upstream_5xx";
    return status == 400 ? "parse_error" : "upstream_4xx";
}

void sl_px_error(struct sl_px *px, int status, const char *format, ...)
{
    struct sl_exchange *x = px->x;
    struct sl_headers headers = {NULL, 0, 0};
    struct sl_buf body;
    va_list args;
    va_start(args, format);
    sl_str message = sl_arena_vprintf(x->arena, format, args);
    va_end(args);
    if (!message.p)
        message = SL_STR("out of memory");
    sl_buf_init(&body, 64 << 10);
    sl_answer_error(&body, status, cut(x->arena, message));
    px->status = status;
    px->path = "error";
    px->is_answered = true;
    if (!px->end)
        px->end = status >= 500 ? "upstream_failed" : "refused";
    const sl_str labels[2] = {px->has_verdict && px->verdict.model ? px->verdict.model->name
                                                                   : SL_STR("unknown"),
                              sl_str_from(metric_reason(status))};
    sl_cell_add(sl_metrics_cell(px->proxy->metrics, SL_M_REQUEST_ERRORS, labels, 2), 1);
    enum sl_rc rc =
        sl_headers_add(&headers, x->arena, SL_STR("content-type"), SL_STR("application/json"));
    if (rc == SL_OK)
        rc = sl_px_answer_headers(px, status, &headers);
    px->bytes_out = body.n;
    /* The exchange may be over when this returns. */
    sl_reply_all(x, status, &headers, rc == SL_OK ? sl_buf_str(&body) : SL_STR("{}"));
    sl_buf_free(&body);
}
