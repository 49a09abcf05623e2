/* sluice describe: what can be configured, from the program's own records. */
#include "config/describe.h"
#include "main/options.h"
#include "main/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define MAX_OUTPUT_BYTES (16u << 20)

static int print(struct sl_buf *out)
{
    int status = sl_buf_rc(out) == SL_OK ? 0 : 1;
    if (status)
        fprintf(stderr, "sluice describe: out of memory\n");
    else
        fwrite(out->p, 1, out->n, stdout);
    sl_buf_free(out);
    return status;
}

static void list_kind(const struct sl_topic *topics, uint32_t n, const char *kind)
{
    printf("%s%ss%s\n", sl_style(stdout, SL_BOLD), kind, sl_style(stdout, SL_PLAIN));
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(topics[i].kind, kind) != 0)
            continue;
        bool is_active = !topics[i].feature || topics[i].feature->is_active;
        printf("  %-24s %s%s\n", topics[i].name, topics[i].summary,
               is_active ? "" : " (engine not built yet)");
    }
    putchar('\n');
}

static int list_all(const char *wanted)
{
    struct sl_topic topics[SL_TOPICS_MAX];
    uint32_t n = sl_topics(topics, SL_TOPICS_MAX);
    for (uint32_t k = 0; sl_topic_kinds[k]; k++) {
        if (!wanted || !strcmp(wanted, sl_topic_kinds[k]))
            list_kind(topics, n, sl_topic_kinds[k]);
    }
    printf("`sluice describe NAME` tells more.\n");
    return 0;
}

static int json_all(const char *wanted)
{
    struct sl_topic topics[SL_TOPICS_MAX];
    struct sl_buf out;
    bool is_first = true;
    uint32_t n = sl_topics(topics, SL_TOPICS_MAX);
    sl_buf_init(&out, MAX_OUTPUT_BYTES);
    sl_buf_add_char(&out, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (wanted && strcmp(wanted, topics[i].kind) != 0)
            continue;
        sl_buf_add(&out, is_first ? SL_STR("\n") : SL_STR(",\n"));
        sl_describe_json(&out, &topics[i]);
        is_first = false;
    }
    sl_buf_add(&out, SL_STR("\n]\n"));
    return print(&out);
}

static int write_page(const char *folder, const char *kind)
{
    char path[4096];
    struct sl_buf out;
    int n = snprintf(path, sizeof(path), "%s/%ss.md", folder, kind);
    FILE *file = n > 0 && (size_t)n < sizeof(path) ? fopen(path, "we") : NULL;
    if (!file) {
        fprintf(stderr, "sluice describe: cannot write %s: %m\n", path);
        return 1;
    }
    sl_buf_init(&out, MAX_OUTPUT_BYTES);
    sl_describe_page(&out, kind);
    bool is_whole = sl_buf_rc(&out) == SL_OK && fwrite(out.p, 1, out.n, file) == out.n;
    is_whole = fclose(file) == 0 && is_whole;
    sl_buf_free(&out);
    if (!is_whole)
        fprintf(stderr, "sluice describe: cannot write %s\n", path);
    return is_whole ? 0 : 1;
}

static int write_pages(const char *folder)
{
    if (mkdir(folder, 0777) && errno != EEXIST) {
        fprintf(stderr, "sluice describe: cannot make %s: %m\n", folder);
        return 1;
    }
    for (uint32_t k = 0; sl_topic_kinds[k]; k++) {
        if (write_page(folder, sl_topic_kinds[k]))
            return 1;
    }
    return 0;
}

static bool is_kind(const char *text)
{
    for (uint32_t k = 0; sl_topic_kinds[k]; k++) {
        if (!strcmp(text, sl_topic_kinds[k]))
            return true;
    }
    return false;
}

static int describe_one(const struct sl_options *o, const char *kind, const char *name)
{
    struct sl_topic topic;
    struct sl_buf out;
    const char *nearest = NULL;
    if (!sl_topic_find(sl_str_from(kind ? kind : ""), sl_str_from(name), &topic, &nearest)) {
        fprintf(stderr, "sluice describe: no %s \"%s\"%s%s%s\n", kind ? kind : "feature", name,
                nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
        return 1;
    }
    sl_buf_init(&out, MAX_OUTPUT_BYTES);
    if (sl_option_is_given(o, "--json")) {
        sl_describe_json(&out, &topic);
        sl_buf_add_char(&out, '\n');
    } else {
        sl_describe_text(&out, &topic);
    }
    return print(&out);
}

static int run(int argc, char **argv)
{
    struct sl_options o;
    int status = sl_options_parse(&o, argc, argv);
    if (status != SL_OPTIONS_RUN)
        return status;
    if (sl_option_is_given(&o, "--json-schema")) {
        struct sl_buf out;
        sl_buf_init(&out, MAX_OUTPUT_BYTES);
        sl_describe_schema(&out);
        return print(&out);
    }
    if (sl_option_is_given(&o, "--markdown"))
        return write_pages(sl_option(&o, "--markdown"));
    if (o.n_operands > 2)
        return sl_usage_error(&o, "at most a kind and a name, got %d words", o.n_operands);
    if (o.n_operands == 2) {
        if (!is_kind(o.operands[0])) {
            const char *nearest = sl_str_nearest(sl_str_from(o.operands[0]), sl_topic_kinds);
            return sl_usage_error(&o,
                                  "no kind \"%s\"; the kinds are signal, plugin, algorithm, "
                                  "section%s%s%s",
                                  o.operands[0], nearest ? "; did you mean \"" : "",
                                  nearest ? nearest : "", nearest ? "\"?" : "");
        }
        return describe_one(&o, o.operands[0], o.operands[1]);
    }
    const char *kind = o.n_operands && is_kind(o.operands[0]) ? o.operands[0] : NULL;
    if (o.n_operands && !kind)
        return describe_one(&o, NULL, o.operands[0]);
    return sl_option_is_given(&o, "--json") ? json_all(kind) : list_all(kind);
}

static const struct sl_option options[] = {
    {"--json", 0, NULL, "print JSON"},
    {"--json-schema", 0, NULL, "print the JSON Schema of a configuration file"},
    {"--markdown", 0, "FOLDER", "write the reference pages into a folder"},
    {.name = NULL},
};

const struct sl_command sl_command_describe = {
    .name = "describe",
    .summary = "explain any signal, plugin, algorithm or section",
    .usage = "sluice describe [options] [KIND] [NAME]",
    .help = "Tells what can be configured, with types, defaults, bounds and an example. Without a\n"
            "name it lists everything; KIND is signal, plugin, algorithm or section.\n\n"
            "  sluice describe keyword\n"
            "  sluice describe plugin response_cache --json\n"
            "  sluice describe --json-schema > sluice.schema.json",
    .options = options,
    .run = run,
};
