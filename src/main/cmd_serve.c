/* sluice serve: the router. */
#include "admin/management.h"
#include "main/command.h"
#include "main/logging.h"
#include "main/options.h"
#include "main/serve.h"
#include "main/serve_found.h"

#include <stdio.h>

static const struct sl_option options[] = {
    {"--config", 'c', "FILE", "the configuration to serve; reloaded when it changes or on SIGHUP"},
    {"--listen", 'l', "ADDR:PORT", "listen here instead of on the configuration's listeners"},
    {"--allow-inactive", 0, NULL, "serve although some features of the file have no engine"},
    {"--management-port", 0, "PORT", "instead of the configuration's (8080); 0: none"},
    {"--metrics-port", 0, "PORT", "also serve /metrics here; 0: not (default 9190)"},
    {"--access-log", 0, NULL, "write one JSON line a request to standard output"},
    SL_LOGGING_OPTIONS,
    {.name = NULL},
};

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    struct sl_serve_options serve = {
        .listen_address = SL_STR("0.0.0.0"),
        .has_listen = sl_option_is_given(&o, "--listen"),
        .allows_inactive = sl_option_is_given(&o, "--allow-inactive"),
        .has_access_log = sl_option_is_given(&o, "--access-log"),
        .has_management_port = sl_option_is_given(&o, "--management-port"),
        .has_metrics_port = sl_option_is_given(&o, "--metrics-port"),
    };
    const char *file = sl_option(&o, "--config");
    uint64_t metrics_port = SL_METRICS_PORT, management_port = 0;
    if (!sl_option_u64(&o, "--metrics-port", 0, 65535, &metrics_port) ||
        !sl_option_u64(&o, "--management-port", 0, 65535, &management_port) ||
        !sl_logging_setup(&o))
        return 2;
    serve.management_port = (uint16_t)management_port;
    serve.metrics_port = (uint16_t)metrics_port;
    if (!sl_option_address(&o, "--listen", &serve.listen_address, &serve.listen_port))
        return 2;
    if (o.n_operands)
        return sl_usage_error(&o, "unexpected \"%s\"; the file is given with -c", o.operands[0]);
    struct sl_config *config =
        file ? sl_serve_load(sl_str_from(file), &serve.load, serve.allows_inactive, NULL)
             : sl_serve_found(&serve);
    return config ? sl_serve_with_config(config, &serve) : 1;
}

const struct sl_command sl_command_serve = {
    .name = "serve",
    .summary = "route requests",
    .usage = "sluice serve [-c FILE] [--listen ADDR:PORT] [options]",
    .help =
        "Serves the OpenAI-compatible API on the configuration's listeners, and health, metrics\n"
        "and evaluation on its management address.\n\n"
        "Without a file it looks for model servers on the usual local ports and for provider keys\n"
        "in the environment, makes a policy of what it finds, and says what that is.\n\n"
        "The file is loaded again when it changes or on SIGHUP: running requests keep the\n"
        "configuration they began with, and a file with mistakes changes nothing.\n"
        "SIGTERM ends in order: no new connections, running requests are finished.\n\n"
        "Example:\n  sluice serve -c config.yaml --listen 127.0.0.1:8801",
    .options = options,
    .run = run,
};
