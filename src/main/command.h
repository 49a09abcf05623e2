/* A subcommand: one file src/main/cmd_<name>.c with one record. */
#ifndef SL_MAIN_COMMAND_H
#define SL_MAIN_COMMAND_H

struct sl_option {
    const char *name;     /* "--config" */
    char letter;          /* 'c' or 0 */
    const char *argument; /* "FILE"; NULL: a flag */
    const char *help;
};

struct sl_command {
    const char *name;
    const char *summary;             /* one line */
    const char *usage;               /* "sluice check [options] FILE..." */
    const char *help;                /* paragraphs, with an example */
    const struct sl_option *options; /* ends with name == NULL */
    /* argv[0] is the subcommand. Returns the exit status: 0 ok, 1 failed, 2 usage. */
    int (*run)(int argc, char **argv);
};

extern const struct sl_command *const sl_commands[]; /* written by CMake; NULL-terminated */

#endif
