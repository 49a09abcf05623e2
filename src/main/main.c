/* The program: finds the subcommand in the registry and runs it. Everything else is elsewhere. */
#include "base/rc.h"
#include "base/str.h"
#include "main/command.h"

#include <stdio.h>

static void print_commands(FILE *to)
{
    fprintf(to,
            "sluice routes LLM requests: one binary between your applications and your models.\n"
            "\nusage: sluice COMMAND [options]\n\ncommands:\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++)
        fprintf(to, "  %-12s %s\n", (*c)->name, (*c)->summary);
    fprintf(to, "\n`sluice COMMAND --help` tells more.\n");
}

int main(int argc, char **argv)
{
    const char *names[64];
    size_t n = 0;
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
        !strcmp(argv[1], "help")) {
        print_commands(argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    const char *wanted = !strcmp(argv[1], "--version") ? "version" : argv[1];
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        if (!strcmp((*c)->name, wanted))
            return (*c)->run(argc - 1, argv + 1);
        if (n + 1 < SL_COUNT(names))
            names[n++] = (*c)->name;
    }
    names[n] = NULL;
    const char *nearest = sl_str_nearest(sl_str_from(wanted), names);
    fprintf(stderr, "sluice: no command \"%s\"%s%s%s\n", wanted, nearest ? "; did you mean \"" : "",
            nearest ? nearest : "", nearest ? "\"?" : "");
    return 2;
}
