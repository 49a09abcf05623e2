/*
 * sluice route: where would a prompt go? One prompt as a short table or as JSON, or a stream of
 * eval requests, one a line, each answered by one line.
 */
#include "admin/eval.h"
#include "base/clock.h"
#include "codec/json_write.h"
#include "main/options.h"
#include "main/policy_file.h"
#include "main/route_one.h"
#include "main/terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX_BYTES  ((size_t)256 << 20)
#define REQUEST_MAX_BYTES ((size_t)64 << 20) /* one line */
#define ARENA_MAX_BYTES   ((size_t)1 << 30)

struct router {
    struct sl_config *config;
    struct sl_scratch *scratch;
    struct sl_arena_pool pool;
    struct sl_arena arena;
    struct sl_buf out;
    struct sl_eval_options options;
    uint64_t n_requests;
};

static bool open_router(struct router *r, struct sl_config *config)
{
    *r = (struct router){.config = config, .scratch = sl_scratch_new()};
    sl_policy_file_attach(config);
    sl_arena_pool_init(&r->pool, 64);
    sl_arena_init(&r->arena, &r->pool, ARENA_MAX_BYTES);
    sl_buf_init(&r->out, ANSWER_MAX_BYTES);
    r->options.now_ns = sl_clock_ns;
    r->options.can_ask = config->engine != NULL;
    return r->scratch != NULL;
}

static void close_router(struct router *r)
{
    sl_arena_reset(&r->arena);
    sl_arena_pool_drain(&r->pool);
    sl_buf_free(&r->out);
    sl_scratch_free(r->scratch);
}

/* Appends the answer and a newline to r->out. */
static bool answer(struct router *r, sl_str body, int *status)
{
    r->options.unix_s = sl_clock_unix_s();
    r->options.random = r->n_requests++ * 0x9e3779b97f4a7c15u;
    struct sl_eval *eval;
    *status = sl_eval_start(&eval, r->config, body, &r->options, r->scratch, &r->arena, &r->out);
    while (!*status) {
        sl_engine_wait(r->config->engine, sl_eval_asks(eval));
        *status = sl_eval_resume(eval, r->scratch, &r->out);
    }
    sl_arena_reset(&r->arena);
    sl_buf_add_char(&r->out, '\n');
    return sl_buf_rc(&r->out) == SL_OK;
}

static bool flush_answers(struct router *r)
{
    size_t done = 0;
    while (done < r->out.n) {
        ssize_t n = write(STDOUT_FILENO, r->out.p + done, r->out.n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    sl_buf_reset(&r->out);
    return true;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* Answers the complete lines of `in` and keeps the rest at its front. */
static bool answer_lines(struct router *r, struct sl_buf *in)
{
    size_t from = 0;
    char *end;
    int status;
    while (from < in->n && (end = memchr(in->p + from, '\n', in->n - from)) != NULL) {
        size_t to = (size_t)(end - in->p);
        if (!answer(r, sl_str_of(in->p + from, to - from), &status))
            return false;
        if (r->out.n > 65536 && !flush_answers(r))
            return false;
        from = to + 1;
    }
    memmove(in->p, in->p + from, in->n - from);
    in->n -= from;
    return true;
}

/* Answers go out whenever the input pauses, so that a caller may wait for each of them. */
static bool serve_lines(struct router *r, struct sl_buf *in)
{
    int status;
    for (;;) {
        char *at = sl_buf_reserve(in, 65536);
        if (!at) {
            fprintf(stderr, "sluice route: a line is longer than %zu bytes\n", REQUEST_MAX_BYTES);
            return false;
        }
        ssize_t n = read(STDIN_FILENO, at, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        in->n += (size_t)n;
        if (!answer_lines(r, in) || !flush_answers(r))
            return false;
    }
    if (in->n && !answer(r, sl_buf_str(in), &status))
        return false;
    return flush_answers(r);
}

static int run_lines(struct router *r)
{
    struct sl_buf in;
    sl_buf_init(&in, REQUEST_MAX_BYTES);
    bool is_ok = serve_lines(r, &in);
    sl_buf_free(&in);
    return is_ok ? 0 : 1;
}

/* ---- one prompt --------------------------------------------------------------------------- */

static int run_json(struct router *r, const struct sl_options *o, sl_str prompt)
{
    struct sl_buf body;
    int status;
    sl_buf_init(&body, REQUEST_MAX_BYTES);
    sl_prompt_request(&body, prompt, sl_str_from(sl_option(o, "--model")));
    r->options.wants_trace = sl_option_is_given(o, "--trace");
    bool is_ok = answer(r, sl_buf_str(&body), &status) && flush_answers(r);
    sl_buf_free(&body);
    return is_ok && status == 200 ? 0 : 1;
}

static void line(const char *label, sl_str value)
{
    printf("%s%-11s%s %.*s\n", sl_style(stdout, SL_DIM), label, sl_style(stdout, SL_PLAIN),
           SL_FMT(value));
}

static void print_verdict(const struct sl_verdict *v, uint64_t cost_ns)
{
    line("decision", v->decision ? v->decision->name : SL_STR("(none)"));
    line("model", v->model_name.n ? v->model_name : SL_STR("(none)"));
    if (v->recipe)
        line("recipe", v->recipe->name);
    if (v->decision) {
        printf("%s%-11s%s %.4f\n", sl_style(stdout, SL_DIM), "confidence",
               sl_style(stdout, SL_PLAIN), v->confidence);
        line("selection", sl_str_from(v->method));
        if (v->use_reasoning)
            line("reasoning", v->effort);
    }
    for (uint32_t i = 0; i < v->n_matched_rules; i++)
        line(i ? "" : "because", v->matched_rules[i]);
    if (v->decision && !v->n_matched_rules)
        line("because", v->decision->has_rules ? SL_STR("none of its exclusions hold")
                                               : SL_STR("it always does"));
    if (v->error)
        line("error", sl_str_from(v->error));
    printf("%s%-11s%s %.1f us\n", sl_style(stdout, SL_DIM), "cost", sl_style(stdout, SL_PLAIN),
           (double)cost_ns / 1000);
}

/* Routed twice: the second time shows the cost of a router that is warm. */
static int run_table(struct router *r, const struct sl_options *o, sl_str prompt)
{
    struct sl_route_one one = {.config = r->config,
                               .model = sl_str_from(sl_option(o, "--model")),
                               .prompt = prompt,
                               .user_id = r->options.user_id,
                               .groups = r->options.groups,
                               .n_groups = r->options.n_groups,
                               .scratch = r->scratch,
                               .arena = &r->arena};
    uint64_t cost = 0;
    struct sl_err err = {0};
    for (int i = 0; i < 2; i++) {
        if (sl_route_one_read(&one, &err) != SL_OK) {
            fprintf(stderr, "sluice route: %s\n", err.message);
            return 1;
        }
        uint64_t from = sl_clock_ns();
        if (sl_route_one_run(&one) != SL_OK) {
            fprintf(stderr, "sluice route: out of memory\n");
            return 1;
        }
        cost = sl_clock_ns() - from;
    }
    print_verdict(&one.verdict, cost);
    return one.verdict.status == SL_ROUTED || one.verdict.status == SL_ROUTE_PASSTHROUGH ? 0 : 1;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    struct router r;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    const char *path = sl_option(&o, "--config");
    bool has_lines = sl_option_is_given(&o, "--jsonl");
    if (!path)
        return sl_usage_error(&o, "which policy? give -c FILE");
    if (has_lines ? o.n_operands != 0 : o.n_operands != 1)
        return sl_usage_error(&o, has_lines ? "--jsonl reads standard input and takes no prompt"
                                            : "expected one prompt (in quotes)");
    struct sl_config *config = sl_policy_file_load(path, true);
    if (!config)
        return 1;
    status = 1;
    if (open_router(&r, config)) {
        sl_str groups[SL_ROUTE_MAX_GROUPS];
        r.options.user_id = sl_str_from(sl_option(&o, "--user"));
        r.options.groups = groups;
        r.options.n_groups = sl_split_groups(sl_str_from(sl_option(&o, "--groups")), groups);
        if (has_lines)
            status = run_lines(&r);
        else if (sl_option_is_given(&o, "--json"))
            status = run_json(&r, &o, sl_str_from(o.operands[0]));
        else
            status = run_table(&r, &o, sl_str_from(o.operands[0]));
    }
    close_router(&r);
    sl_config_unref(config);
    return status;
}

static const struct sl_option options[] = {
    {"--config", 'c', "FILE", "the policy"},
    {"--json", 0, NULL, "answer as JSON, as /api/v1/eval does"},
    {"--jsonl", 0, NULL, "read one /api/v1/eval request a line, write one answer a line"},
    {"--trace", 0, NULL, "with --json: the whole decision trace"},
    {"--model", 'm', "NAME", "the request's model name (default: the automatic one)"},
    {"--user", 0, "ID", "identity that a trusted proxy would give"},
    {"--groups", 0, "LIST", "its groups, separated by commas"},
    {NULL, 0, NULL, NULL},
};

const struct sl_command sl_command_route = {
    .name = "route",
    .summary = "where a prompt would go: decision, model, reasons",
    .usage = "sluice route -c FILE [--json] PROMPT\n       sluice route -c FILE --jsonl < requests",
    .help = "Routes a prompt by a policy without forwarding anything.\n\n"
            "  sluice route -c policy.yaml \"prove that there are infinitely many primes\"\n"
            "  sluice route -c policy.yaml --json \"hello\"\n"
            "  echo '{\"text\": \"hello\"}' | sluice route -c policy.yaml --jsonl\n\n"
            "`sluice explain` shows the whole way to the decision.",
    .options = options,
    .run = run,
};
