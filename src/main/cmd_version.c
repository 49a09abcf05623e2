/* sluice version: what this binary is. */
#include "main/options.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    printf("sluice %s\n", SLUICE_VERSION);
    if (sl_option_is_given(&o, "--verbose"))
        printf("compiler  %s\ntls       %s\nmade for  the canonical configuration v0.3\n",
               __VERSION__, OpenSSL_version(OPENSSL_VERSION));
    return 0;
}

static const struct sl_option options[] = {
    {"--verbose", 'v', NULL, "the compiler and the libraries too"},
    {.name = NULL},
};

const struct sl_command sl_command_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "sluice version [--verbose]",
    .help = "Prints the program's version.",
    .options = options,
    .run = run,
};
