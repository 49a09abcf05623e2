/* sluice explain: the full trace of one prompt, readable, near misses included. */
#include "base/clock.h"
#include "main/explain_print.h"
#include "main/options.h"
#include "main/policy_file.h"
#include "main/route_one.h"

#define ARENA_MAX_BYTES ((size_t)1 << 30)

/* Once to warm up, once for the costs that are shown. */
static int explain(const struct sl_options *o, struct sl_config *config, struct sl_scratch *scratch,
                   struct sl_arena *arena)
{
    sl_str groups[SL_ROUTE_MAX_GROUPS];
    struct sl_trace trace;
    struct sl_err err = {0};
    struct sl_route_one one = {.config = config,
                               .model = sl_str_from(sl_option(o, "--model")),
                               .prompt = sl_str_from(o->operands[0]),
                               .user_id = sl_str_from(sl_option(o, "--user")),
                               .groups = groups,
                               .scratch = scratch,
                               .arena = arena};
    one.n_groups = sl_split_groups(sl_str_from(sl_option(o, "--groups")), groups);
    one.options = (struct sl_route_options){
        .evaluates_all = !sl_option_is_given(o, "--lazy"), .now_ns = sl_clock_ns, .trace = &trace};
    for (int i = 0; i < 2; i++) {
        trace = (struct sl_trace){.arena = arena, .now_ns = sl_clock_ns};
        if (sl_route_one_read(&one, &err) != SL_OK) {
            fprintf(stderr, "sluice explain: %s\n", err.message);
            return 1;
        }
        if (sl_route_one_run(&one) != SL_OK) {
            fprintf(stderr, "sluice explain: out of memory\n");
            return 1;
        }
    }
    sl_explain_print(stdout, config, &one.verdict, &trace);
    return one.verdict.status == SL_ROUTED || one.verdict.status == SL_ROUTE_PASSTHROUGH ? 0 : 1;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    struct sl_arena arena;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    const char *path = sl_option(&o, "--config");
    if (!path)
        return sl_usage_error(&o, "which policy? give -c FILE");
    if (o.n_operands != 1)
        return sl_usage_error(&o, "expected one prompt (in quotes)");
    struct sl_config *config = sl_policy_file_load(path, true);
    if (!config)
        return 1;
    sl_policy_file_attach(config);
    struct sl_scratch *scratch = sl_scratch_new();
    sl_arena_init(&arena, NULL, ARENA_MAX_BYTES);
    status = scratch ? explain(&o, config, scratch, &arena) : 1;
    sl_arena_reset(&arena);
    sl_scratch_free(scratch);
    sl_config_unref(config);
    return status;
}

static const struct sl_option options[] = {
    {"--config", 'c', "FILE", "the policy"},
    {"--lazy", 0, NULL, "evaluate only what a request needs, and show what was skipped"},
    {"--model", 'm', "NAME", "the request's model name (default: the automatic one)"},
    {"--user", 0, "ID", "identity that a trusted proxy would give"},
    {"--groups", 0, "LIST", "its groups, separated by commas"},
    {NULL, 0, NULL, NULL},
};

const struct sl_command sl_command_explain = {
    .name = "explain",
    .summary = "the whole way to a decision: every signal, score and rule",
    .usage = "sluice explain -c FILE PROMPT",
    .help = "Routes a prompt with every rule evaluated and shows what each of them found, what it\n"
            "cost, which decisions matched and which nearly did. `+` holds, `-` does not, `.` was\n"
            "not looked at.\n\n"
            "  sluice explain -c policy.yaml \"prove that there are infinitely many primes\"",
    .options = options,
    .run = run,
};
