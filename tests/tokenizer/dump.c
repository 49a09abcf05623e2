/*
 * Tokenizes texts for comparison: reads frames (a little-endian length, bytes) from standard input
 * and answers each with a line of "id:from:to" for every token.
 *   dump TOKENIZER.json [parse] [plain] [max=N] [overlap=N]
 * parse: control tokens in the text are sought; plain: no template; max: windows, one a line, then
 * an empty line. Without max, frames come in pairs when `pair` is given.
 */
#include "ml/token/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

static sl_str read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;
    size_t n = 0, cap = 0, got;
    if (!f)
        return (sl_str){0};
    do {
        if (cap - n < 65536)
            bytes = realloc(bytes, cap = cap * 2 + 131072);
        if (!bytes)
            abort();
        got = fread(bytes + n, 1, 65536, f);
        n += got;
    } while (got);
    fclose(f);
    return sl_str_of(bytes, n);
}

static bool read_frame(sl_str *out)
{
    uint32_t n;
    if (fread(&n, 4, 1, stdin) != 1)
        return false;
    char *bytes = malloc(n + 1u);
    if (!bytes || fread(bytes, 1, n, stdin) != n)
        abort();
    *out = sl_str_of(bytes, n);
    return true;
}

static void print(const struct sl_tokens *tokens)
{
    for (uint32_t i = 0; i < tokens->n; i++)
        printf("%u:%u:%u%s", tokens->ids[i], tokens->spans[i].from, tokens->spans[i].to,
               i + 1 < tokens->n ? " " : "");
    putchar('\n');
}

static int answer(const struct sl_tokenizer *t, struct sl_token_scratch *s, sl_str text,
                  sl_str pair, const struct sl_token_options *options)
{
    struct sl_tokens tokens;
    struct sl_token_windows windows;
    enum sl_rc rc;
    if (!options->max_tokens) {
        rc = sl_tokenizer_encode(t, text, pair, options, s, &tokens);
        if (rc == SL_OK)
            print(&tokens);
        return rc;
    }
    rc = sl_token_windows_begin(&windows, t, text, pair, options, s);
    while (rc == SL_OK && (rc = sl_token_windows_next(&windows, &tokens)) == SL_OK)
        print(&tokens);
    putchar('\n');
    return rc == SL_EOF ? SL_OK : rc;
}

int main(int argc, char **argv)
{
    struct sl_token_options options = {0};
    bool is_pair = false;
    struct sl_tokenizer *t;
    struct sl_err err = {0};
    sl_str json = argc > 1 ? read_all(argv[1]) : (sl_str){0};
    for (int i = 2; i < argc; i++) {
        options.parse_specials |= strcmp(argv[i], "parse") == 0;
        options.without_specials |= strcmp(argv[i], "plain") == 0;
        is_pair |= strcmp(argv[i], "pair") == 0;
        if (strncmp(argv[i], "max=", 4) == 0)
            options.max_tokens = (uint32_t)strtoul(argv[i] + 4, NULL, 10);
        if (strncmp(argv[i], "overlap=", 8) == 0)
            options.overlap = (uint32_t)strtoul(argv[i] + 8, NULL, 10);
    }
    if (sl_tokenizer_load(&t, json, &err) != SL_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    struct sl_token_scratch *s = sl_token_scratch_new((size_t)1 << 30);
    sl_str text, pair = {0};
    while (read_frame(&text)) {
        if (is_pair && !read_frame(&pair))
            return 1;
        int rc = answer(t, s, text, pair, &options);
        if (rc != SL_OK) {
            fprintf(stderr, "encode: %s\n", sl_rc_name((enum sl_rc)rc));
            return 1;
        }
        free((void *)(uintptr_t)text.p);
        free((void *)(uintptr_t)pair.p);
        pair = (sl_str){0};
    }
    sl_token_scratch_free(s);
    sl_tokenizer_free(t);
    free((void *)(uintptr_t)json.p);
    return 0;
}
