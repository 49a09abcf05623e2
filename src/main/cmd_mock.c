/* sluice mock: the fake provider as a program. */
#include "main/logging.h"
#include "main/loops.h"
#include "main/options.h"
#include "main/terminal.h"
#include "mock/mock.h"
#include "net/listen.h"

#include <stdlib.h>

#define MAX_MODELS 256

struct mock_command {
    struct sl_mock_options options;
    struct sl_mock_shared *shared;
    sl_str models[MAX_MODELS];
    sl_str address;
    uint16_t port;
    bool is_quiet;
    struct sl_mock *mocks[SL_LOOPS_MAX];
    struct sl_server *servers[SL_LOOPS_MAX];
};

static bool start(void *ctx, unsigned i, struct sl_loop *loop)
{
    struct mock_command *c = ctx;
    struct sl_err err;
    c->mocks[i] = sl_mock_new(c->shared, loop);
    if (!c->mocks[i]) {
        sl_logging_fatal("mock", "out of memory");
        return false;
    }
    struct sl_server_options options = {
        .handler = sl_mock_handler(c->mocks[i]),
        .limits = {.max_header_bytes = 1 << 20,
                   .max_body_bytes = 256 << 20,
                   .max_connections = 100000,
                   .header_timeout_ms = 60000,
                   .body_timeout_ms = 60000,
                   .idle_timeout_ms = 600000},
    };
    if ((i == 0 && sl_listen_is_free(c->address, c->port, &err) != SL_OK) ||
        sl_server_listen(&c->servers[i], loop, c->address, c->port, &options, &c->port, &err) !=
            SL_OK) {
        sl_logging_fatal("mock", "%s", err.message);
        sl_mock_free(c->mocks[i]);
        return false;
    }
    return true;
}

static void stop(void *ctx, unsigned i, struct sl_loop *loop)
{
    struct mock_command *c = ctx;
    (void)loop;
    sl_server_destroy(c->servers[i]);
    sl_mock_free(c->mocks[i]);
}

static void on_ready(void *ctx)
{
    struct mock_command *c = ctx;
    bool is_ipv6 = sl_str_chr(c->address, ':') < c->address.n;
    if (c->is_quiet)
        return;
    printf("mock provider on http://%s%.*s%s:%u/v1 with", is_ipv6 ? "[" : "", SL_FMT(c->address),
           is_ipv6 ? "]" : "", c->port);
    for (uint32_t i = 0; i < c->options.n_models; i++)
        printf("%s %.*s", i ? "," : "", SL_FMT(c->options.models[i]));
    printf("\n");
    fflush(stdout);
}

static bool read_knobs(const struct sl_options *o, struct sl_mock_plan *plan)
{
    const char *text;
    for (unsigned i = 0; (text = sl_option_at(o, "--set", i)); i++) {
        sl_str s = sl_str_from(text);
        size_t equals = sl_str_chr(s, '=');
        int64_t value;
        if (equals == s.n || !sl_str_to_i64(sl_str_sub(s, equals + 1, s.n), &value) ||
            !sl_mock_set(plan, sl_str_sub(s, 0, equals), value)) {
            const char *names[32];
            unsigned n = 0;
            for (const struct sl_mock_knob *k = sl_mock_knobs; k->name; k++)
                names[n++] = k->name;
            names[n] = NULL;
            const char *nearest = sl_str_nearest(sl_str_sub(s, 0, equals), names);
            sl_usage_error(o, "--set: found \"%s\", expected NAME=NUMBER within its bounds%s%s",
                           text, nearest ? "; nearest name: " : "", nearest ? nearest : "");
            return false;
        }
    }
    return true;
}

static bool read_options(const struct sl_options *o, struct mock_command *c, uint64_t *loops)
{
    uint64_t recorded = c->options.n_recorded;
    const char *models = sl_option(o, "--models");
    const char *key = sl_option(o, "--api-key");
    if (!sl_option_address(o, "--listen", &c->address, &c->port) ||
        !sl_option_u64(o, "--loops", 1, SL_LOOPS_MAX, loops) ||
        !sl_option_u64(o, "--record", 0, 100000, &recorded) || !read_knobs(o, &c->options.plan))
        return false;
    if (models) {
        sl_str rest = sl_str_from(models), name;
        c->options.models = c->models;
        c->options.n_models = 0;
        while (sl_str_split(&rest, ',', &name))
            if (sl_str_trim(name).n && c->options.n_models < MAX_MODELS)
                c->models[c->options.n_models++] = sl_str_trim(name);
    }
    c->options.n_recorded = (uint32_t)recorded;
    c->options.is_strict = sl_option_is_given(o, "--strict");
    c->options.api_key = sl_str_from(key);
    c->is_quiet = sl_option_is_given(o, "--quiet");
    return true;
}

static void print_knobs(void)
{
    for (const struct sl_mock_knob *k = sl_mock_knobs; k->name; k++)
        printf("  %-16s %s\n", k->name, k->help);
}

static int run(int argc, char **argv)
{
    static struct mock_command c;
    struct sl_options o;
    uint64_t loops = 1;
    sl_mock_default_options(&c.options);
    c.address = SL_STR("127.0.0.1");
    c.port = 8000;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (sl_option_is_given(&o, "--knobs")) {
        print_knobs();
        return 0;
    }
    if (o.n_operands)
        return sl_usage_error(&o, "unexpected \"%s\"", o.operands[0]);
    if (!read_options(&o, &c, &loops) || !sl_logging_setup(&o))
        return 2;
    c.shared = sl_mock_shared_new(&c.options);
    if (!c.shared)
        return 1;
    struct sl_loops group = {
        .n = (unsigned)loops, .start = start, .stop = stop, .on_ready = on_ready, .ctx = &c};
    bool is_ok = sl_loops_run(&group);
    sl_mock_shared_free(c.shared);
    return is_ok ? 0 : 1;
}

static const struct sl_option options[] = {
    {"--listen", 'l', "ADDR:PORT", "where to listen (127.0.0.1:8000; port 0 picks one)"},
    {"--models", 'm', "A,B,...", "model names of /v1/models (mock-small,mock-large)"},
    {"--strict", 0, NULL, "404 for other model names"},
    {"--api-key", 0, "KEY", "401 without this bearer token"},
    {"--set", 's', "NAME=N", "a knob: pace, length, failures; may be repeated"},
    {"--knobs", 0, NULL, "list the knobs and end"},
    {"--record", 0, "N", "requests kept for GET /mock/requests (32; 0 is fastest)"},
    {"--loops", 0, "N", "event loops, one a thread (1)"},
    {"--quiet", 'q', NULL, "say nothing"},
    SL_LOGGING_OPTIONS,
    {.name = NULL},
};

const struct sl_command sl_command_mock = {
    .name = "mock",
    .summary = "run a fake provider, for tests and measurements",
    .usage = "sluice mock [--listen ADDR:PORT] [options]",
    .help =
        "Answers /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models and /health as\n"
        "an OpenAI-shaped provider would: whole or streamed at a set pace, with usage, tool calls\n"
        "and schema-shaped answers when the request asks for them.\n"
        "\n"
        "Knobs (`--knobs` lists them) set the pace and make it fail; the later wins:\n"
        "  --set token-ms=20            for every request\n"
        "  POST /mock/faults            {\"status\": 503, \"count\": 3, \"model\": \"m\"}\n"
        "  a request's headers          x-mock-cut-after: 5\n"
        "  a request's body             {\"mock\": {\"delay-ms\": 100}, ...}\n"
        "GET /mock/requests tells what was received, GET /mock/stats counts; DELETE resets each.\n"
        "\n"
        "  sluice mock --listen 127.0.0.1:8000 --models small,large --set tokens=64",
    .options = options,
    .run = run,
};
