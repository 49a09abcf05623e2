/* sluice version: what this binary is. */
#include "main/command.h"

#include <stddef.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("sluice %s\n", SLUICE_VERSION);
    return 0;
}

static const struct sl_option options[] = {{.name = NULL}};

const struct sl_command sl_command_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "sluice version",
    .help = "Prints the program's version.",
    .options = options,
    .run = run,
};
