/* sluice completion: scripts for shells, written from the registry of commands and options. */
#include "main/options.h"

#include <stdio.h>

static void bash(void)
{
    printf("# sluice completion for bash:  source <(sluice completion bash)\n"
           "_sluice() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
           "        COMPREPLY=($(compgen -W \"");
    for (const struct sl_command *const *c = sl_commands; *c; c++)
        printf("%s ", (*c)->name);
    printf("help\" -- \"$word\"))\n        return\n    fi\n"
           "    case $before in\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        for (const struct sl_option *p = (*c)->options; p && p->name; p++) {
            if (p->argument && !strcmp(p->argument, "FILE"))
                printf("    %s) [ \"${COMP_WORDS[1]}\" = %s ] && "
                       "{ COMPREPLY=($(compgen -f -- \"$word\")); return; } ;;\n",
                       p->name, (*c)->name);
        }
    }
    printf("    esac\n    local options=\"--help\"\n    case ${COMP_WORDS[1]} in\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        printf("    %s) options+=\"", (*c)->name);
        for (const struct sl_option *p = (*c)->options; p && p->name; p++)
            printf(" %s", p->name);
        printf("\" ;;\n");
    }
    printf("    esac\n"
           "    if [[ $word == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _sluice sluice\n");
}

/* Text inside single quotes, with the characters escaped that _arguments gives a meaning. */
static void put_quoted(const char *text, const char *special, const char *quote)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs(quote, stdout);
        else if (strchr(special, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void zsh(void)
{
    printf("#compdef sluice\n# sluice completion for zsh:  source <(sluice completion zsh)\n"
           "_sluice() {\n"
           "    local -a commands\n    commands=(\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        printf("        '%s:", (*c)->name);
        put_quoted((*c)->summary, ":", "'\\''");
        printf("'\n");
    }
    printf("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
           "        return\n    fi\n    local command=$words[2]\n    shift words\n"
           "    (( CURRENT-- ))\n    case $command in\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        printf("    %s)\n        _arguments '--help[this text]'", (*c)->name);
        for (const struct sl_option *p = (*c)->options; p && p->name; p++) {
            printf(" \\\n            '%s%s[", p->name, p->argument ? "=" : "");
            put_quoted(p->help, "[]:", "'\\''");
            printf("]%s%s%s'", p->argument ? ":" : "", p->argument ? p->argument : "",
                   p->argument && !strcmp(p->argument, "FILE") ? ":_files"
                   : p->argument                               ? ":"
                                                               : "");
        }
        printf(" \\\n            '*:file:_files'\n        ;;\n");
    }
    printf("    esac\n}\ncompdef _sluice sluice\n");
}

static void fish(void)
{
    printf("# sluice completion for fish:  sluice completion fish | source\n");
    for (const struct sl_command *const *c = sl_commands; *c; c++) {
        printf("complete -c sluice -n __fish_use_subcommand -f -a %s -d '", (*c)->name);
        put_quoted((*c)->summary, "", "\\'");
        printf("'\n");
        for (const struct sl_option *p = (*c)->options; p && p->name; p++) {
            printf("complete -c sluice -n '__fish_seen_subcommand_from %s' -l %s", (*c)->name,
                   p->name + 2);
            if (p->letter)
                printf(" -s %c", p->letter);
            if (p->argument)
                printf(" -r");
            printf(" -d '");
            put_quoted(p->help, "", "\\'");
            printf("'\n");
        }
    }
}

static int run(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(void);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (o.n_operands != 1)
        return sl_usage_error(&o, "expected one of bash, zsh, fish");
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
        if (!strcmp(shells[i].name, o.operands[0])) {
            shells[i].write();
            return 0;
        }
    }
    return sl_usage_error(&o, "no script for \"%s\"; there are bash, zsh, fish", o.operands[0]);
}

static const struct sl_option options[] = {{.name = NULL}};

const struct sl_command sl_command_completion = {
    .name = "completion",
    .summary = "print a completion script for a shell",
    .usage = "sluice completion bash|zsh|fish",
    .help = "Prints a script that completes commands, options and files.\n\n"
            "  source <(sluice completion bash)          # or in ~/.bashrc",
    .options = options,
    .run = run,
};
