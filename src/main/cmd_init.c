/* sluice init: writes the policy that zero configuration would use, to be kept and changed. */
#include "discover/discover.h"
#include "main/options.h"
#include "main/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MAX_SERVERS 16

struct init {
    struct sl_discover_options discover;
    struct sl_policy_options policy;
    sl_str servers[MAX_SERVERS];
    char answers[4][256];
    const char *output;
    bool overwrites;
};

/* One line from the person; the default when it is empty or at the end of input. */
static sl_str ask(char answer[256], const char *question, const char *otherwise)
{
    fprintf(stderr, "%s [%s] ", question, otherwise);
    if (!fgets(answer, 256, stdin))
        return sl_str_from(otherwise);
    sl_str text = sl_str_trim(sl_str_from(answer));
    if (!text.n)
        return sl_str_from(otherwise);
    answer[(size_t)(text.p - answer) + text.n] = '\0';
    return text;
}

static bool ask_all(const struct sl_options *o, struct init *init)
{
    if (!sl_option_is_given(o, "--server")) {
        sl_str server =
            ask(init->answers[0], "A model server besides those on the usual ports?", "none");
        if (!sl_str_eq(server, SL_STR("none")))
            init->servers[init->discover.n_servers++] = server;
    }
    if (!sl_option_is_given(o, "--listen")) {
        sl_str address = ask(init->answers[1], "Listen where?", "127.0.0.1:8801");
        if (!sl_listen_parse(address, &init->policy.address, &init->policy.port)) {
            fprintf(stderr, "sluice init: found \"%.*s\", expected ADDRESS:PORT\n",
                    SL_FMT(address));
            return false;
        }
    }
    if (!init->output)
        init->output = ask(init->answers[2], "Write to which file?", "sluice.yaml").p;
    return true;
}

static int write_file(const struct init *init, sl_str text)
{
    if (!init->output || !strcmp(init->output, "-"))
        return fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0 ? 0 : 1;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (init->overwrites ? O_TRUNC : O_EXCL);
    int fd = open(init->output, flags, 0644);
    if (fd < 0) {
        char reason[128];
        fprintf(stderr, "sluice init: %s: %s%s\n", init->output,
                strerror_r(errno, reason, sizeof(reason)),
                errno == EEXIST ? " (--force overwrites)" : "");
        return 1;
    }
    size_t done = 0;
    while (done < text.n) {
        ssize_t n = write(fd, text.p + done, text.n - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (close(fd) != 0 || done < text.n) {
        fprintf(stderr, "sluice init: %s: not written whole\n", init->output);
        return 1;
    }
    fprintf(stderr, "\nwrote %s; next:\n  sluice check %s\n  sluice serve -c %s\n", init->output,
            init->output, init->output);
    return 0;
}

static int make(struct init *init)
{
    struct sl_pool *pool = NULL;
    struct sl_err err;
    struct sl_buf text, report;
    int status = 1;
    sl_buf_init(&text, 4 << 20);
    sl_buf_init(&report, 1 << 20);
    enum sl_rc rc = sl_discover(&pool, &init->discover, &err);
    if (rc == SL_NOTFOUND) {
        sl_pool_advise(&report);
        fwrite(report.p, 1, report.n, stderr);
    } else if (rc != SL_OK) {
        fprintf(stderr, "sluice init: %s\n", err.message);
    } else {
        sl_pool_describe(&report, pool);
        fwrite(report.p, 1, report.n, stderr);
        sl_pool_policy(&text, pool, &init->policy);
        status = sl_buf_rc(&text) == SL_OK ? write_file(init, sl_buf_str(&text)) : 1;
    }
    sl_pool_free(pool);
    sl_buf_free(&text);
    sl_buf_free(&report);
    return status;
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    struct init init = {.policy = {.address = SL_STR("127.0.0.1"), .port = 8801}};
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (o.n_operands)
        return sl_usage_error(&o, "unexpected \"%s\"; the file is given with --output",
                              o.operands[0]);
    const char *server;
    uint64_t management = 0;
    for (unsigned i = 0; i < MAX_SERVERS - 1 && (server = sl_option_at(&o, "--server", i)); i++)
        init.servers[init.discover.n_servers++] = sl_str_from(server);
    if (!sl_option_address(&o, "--listen", &init.policy.address, &init.policy.port) ||
        !sl_option_u64(&o, "--management-port", 1, 65535, &management))
        return 2;
    init.policy.management_port = (uint16_t)management;
    init.discover.servers = init.servers;
    init.discover.skips_usual_ports = sl_option_is_given(&o, "--only");
    init.discover.skips_environment = sl_option_is_given(&o, "--only");
    init.output = sl_option(&o, "--output");
    init.overwrites = sl_option_is_given(&o, "--force");
    bool is_interactive = isatty(0) && isatty(2) && !sl_option_is_given(&o, "--from-env") &&
                          !sl_option_is_given(&o, "--only");
    if (is_interactive && !ask_all(&o, &init))
        return 2;
    return make(&init);
}

static const struct sl_option options[] = {
    {"--from-env", 0, NULL, "ask nothing: usual ports and the keys in the environment"},
    {"--server", 's', "URL", "a model server to ask too: http://HOST:PORT; may be repeated"},
    {"--only", 0, NULL, "nothing but the --server ones"},
    {"--output", 'o', "FILE", "where to write; - or absent: standard output"},
    {"--force", 'f', NULL, "overwrite the file"},
    {"--listen", 'l', "ADDR:PORT", "address of the router in the policy (127.0.0.1:8801)"},
    {"--management-port", 0, "PORT", "port of its management address (8080, or 8081 when taken)"},
    {.name = NULL},
};

const struct sl_command sl_command_init = {
    .name = "init",
    .summary = "write a policy for the models found here",
    .usage = "sluice init [--from-env] [--server URL]... [--output FILE]",
    .help =
        "Looks for model servers on the usual loopback ports (Ollama 11434, llama.cpp 8080, vLLM\n"
        "8000, LM Studio 1234, SGLang 30000) and for provider keys in the environment, sorts what "
        "it\n"
        "finds by size, price, window and skill, and writes a commented policy that routes code,\n"
        "mathematics, long conversations, tools, images, extraction and small talk each to the\n"
        "model that suits. Keys stay in the environment: the file names the variable.\n"
        "\n"
        "At a terminal it asks a few questions; elsewhere, or with --from-env, it asks none.\n"
        "\n"
        "  sluice init --from-env -o sluice.yaml && sluice serve -c sluice.yaml",
    .options = options,
    .run = run,
};
