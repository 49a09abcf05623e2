/* The program: finds the subcommand in the registry and runs it. Everything else is elsewhere. */
#include "base/rc.h"
#include "base/str.h"
#include "main/command.h"
#include "main/terminal.h"

#include <signal.h>
#include <stdio.h>

static void print_commands(FILE *to)
{
    fprintf(to,
            "sluice routes LLM requests: one binary between your applications and your models.\n"
            "\n%susage:%s sluice COMMAND [options]\n\n%scommands:%s\n",
            sl_style(to, SL_BOLD), sl_style(to, SL_PLAIN), sl_style(to, SL_BOLD),
            sl_style(to, SL_PLAIN));
    for (const struct sl_command *const *c = sl_commands; *c; c++)
        fprintf(to, "  %-12s %s\n", (*c)->name, (*c)->summary);
    fprintf(to, "\n`sluice COMMAND --help` tells more.\n");
}

static const struct sl_command *find(const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        if (!strcmp((*c)->name, name))
            return *c;
        if (n + 1 < SL_COUNT(names))
            names[n++] = (*c)->name;
    }
    names[n] = NULL;
    const char *nearest = sl_str_nearest(sl_str_from(name), names);
    fprintf(stderr, "sluice: no command \"%s\"%s%s%s\n", name, nearest ? "; did you mean \"" : "",
            nearest ? nearest : "", nearest ? "\"?" : "");
    return NULL;
}

static bool is_one_of(const char *arg, const char *a, const char *b, const char *c)
{
    return !strcmp(arg, a) || !strcmp(arg, b) || !strcmp(arg, c);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed peer is an error code, not the end of the program */
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    if (is_one_of(argv[1], "help", "--help", "-h")) {
        if (argc == 2) {
            print_commands(stdout);
            return 0;
        }
        const struct sl_command *command = find(argv[2]);
        static char help[] = "--help";
        char *args[] = {argv[2], help, NULL};
        return command ? command->run(2, args) : 2;
    }
    static char version[] = "version";
    if (is_one_of(argv[1], "--version", "-V", "-v"))
        argv[1] = version;
    const struct sl_command *command = find(argv[1]);
    return command ? command->run(argc - 1, argv + 1) : 2;
}
