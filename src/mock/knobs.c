/* The knobs of an answer: one table serves options, headers, bodies and POST /mock/faults. */
#include "mock/mock_impl.h"

#define KNOB(name, member, min, max, help)                                                         \
    {                                                                                              \
        name, offsetof(struct sl_mock_plan, member), min, max, help                                \
    }

const struct sl_mock_knob sl_mock_knobs[] = {
    KNOB("tokens", tokens, 0, 1000000, "words of an answer, one a frame"),
    KNOB("first-token-ms", first_token_ms, 0, 3600000, "wait before the first frame"),
    KNOB("token-ms", token_ms, 0, 3600000, "wait between two frames"),
    KNOB("delay-ms", delay_ms, 0, 3600000, "wait before the head of the answer"),
    KNOB("status", status, 0, 599, "answer with this status and an error in OpenAI's shape"),
    KNOB("retry-after", retry_after_s, -1, 86400, "retry-after header, in seconds"),
    KNOB("cut-after", cut_after, -1, 1000000000,
         "break the connection after so many frames, or "
         "bytes of a JSON answer"),
    KNOB("error-after", error_after, -1, 1000000000, "an error event after so many frames"),
    KNOB("slow-byte-ms", slow_byte_ms, 0, 60000, "send a JSON answer byte by byte, this far apart"),
    KNOB("close", close, 0, 1, "1: close without an answer"),
    KNOB("hang", hang, 0, 1, "1: never answer"),
    KNOB("malformed", malformed, 0, 1, "1: a body that is not valid JSON, or such a frame"),
    KNOB("end-early", end_early, 0, 1, "1: a stream ends in order but without [DONE]"),
    KNOB("echo", echo, 0, 1, "1: what was received, in the answer's field mock_received"),
    KNOB("timestamps", timestamps, 0, 1, "1: mock_sent_ns (monotonic clock) in every frame"),
    KNOB("every", every, 1, 1000000, "faults: only each so-many-th request"),
    KNOB("count", count, 0, 1000000000, "faults: end after so many; 0 = until deleted"),
    {.name = NULL},
};

static bool is_same(const char *name, sl_str given)
{
    if (strlen(name) != given.n)
        return false;
    for (size_t i = 0; i < given.n; i++)
        if (name[i] != (given.p[i] == '_' ? '-' : given.p[i]))
            return false;
    return true;
}

bool sl_mock_set(struct sl_mock_plan *plan, sl_str name, int64_t value)
{
    for (const struct sl_mock_knob *knob = sl_mock_knobs; knob->name; knob++) {
        if (!is_same(knob->name, name))
            continue;
        if (value < knob->min || value > knob->max)
            return false;
        memcpy((char *)plan + knob->offset, &value, sizeof(value));
        return true;
    }
    return false;
}

bool sl_mock_read_object(const struct sl_json *json, sl_json_ref v, struct sl_mock_plan *plan,
                         struct sl_arena *arena, sl_str *bad)
{
    if (v == SL_JSON_NONE || sl_json_type(json, v) != SL_JSON_OBJECT)
        return true;
    for (sl_json_ref r = sl_json_first(json, v); r != SL_JSON_NONE; r = sl_json_after(json, v, r)) {
        int64_t number;
        bool flag;
        sl_str key = sl_json_str(json, r, arena);
        if (sl_json_bool(json, r + 1, &flag))
            number = flag;
        else if (!sl_json_i64(json, r + 1, &number))
            continue; /* texts such as "model" belong to the caller */
        if (!sl_mock_set(plan, key, number)) {
            *bad = key;
            return false;
        }
    }
    return true;
}

void sl_mock_read_knobs(struct sl_mock_request *r)
{
    static const sl_str prefix = SL_STR_INIT("x-mock-");
    for (uint32_t i = 0; i < r->x->headers.n; i++) {
        const struct sl_header *h = &r->x->headers.items[i];
        int64_t value;
        if (h->name.n <= prefix.n || !sl_str_eq_nocase(sl_str_sub(h->name, 0, prefix.n), prefix))
            continue;
        char lower[32];
        sl_str name = sl_str_sub(h->name, prefix.n, h->name.n);
        if (name.n > sizeof(lower) || !sl_str_to_i64(h->value, &value))
            continue;
        for (size_t k = 0; k < name.n; k++)
            lower[k] = (char)(name.p[k] >= 'A' && name.p[k] <= 'Z' ? name.p[k] | 0x20 : name.p[k]);
        sl_mock_set(&r->plan, sl_str_of(lower, name.n), value);
    }
    sl_str bad;
    if (r->body.n_nodes)
        sl_mock_read_object(&r->body, sl_json_get(&r->body, 0, SL_STR("mock")), &r->plan,
                            r->x->arena, &bad);
}
