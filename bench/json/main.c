/*
 * JSON parsing: Sluice's tape beside simdjson (DOM) and jansson, on the bodies that a router sees.
 * Each figure is the median of rounds in which the parsers take turns; CPU time of this thread.
 */
#include "codec/json.h"
#include "codec/json_scan.h"
#include "rivals.h"

#include "base/buf.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 41 };

static uint64_t state = 42;

static unsigned next(unsigned below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % below;
}

static void words(struct sl_buf *b, size_t bytes, const char *const *word, unsigned n)
{
    size_t stop = b->n + bytes, line = b->n;
    while (b->n < stop) {
        sl_buf_add(b, sl_str_from(word[next(n)]));
        if (next(40) == 0)
            sl_buf_add(b, SL_STR("\\\"quoted\\\""));
        if (b->n - line > 60 + next(60)) {
            sl_buf_add(b, SL_STR("\\n"));
            line = b->n;
        } else {
            sl_buf_add_char(b, ' ');
        }
    }
}

/* About 56 KB: twenty turns of a conversation. */
static void chat(struct sl_buf *b, const char *const *word, unsigned n)
{
    sl_buf_add(b, SL_STR("{\"model\": \"auto\", \"stream\": true, \"temperature\": 0.7, "
                         "\"max_tokens\": 1024, \"messages\": ["));
    for (int i = 0; i < 20; i++) {
        sl_buf_printf(b, "%s{\"role\": \"%s\", \"content\": \"", i ? ", " : "",
                      i % 2 ? "assistant" : "user");
        words(b, 2750, word, n);
        sl_buf_add(b, SL_STR("\"}"));
    }
    sl_buf_add(b, SL_STR("], \"metadata\": {\"team\": \"search\", \"tier\": \"gold\"}}"));
}

static void english(struct sl_buf *b)
{
    static const char *const word[] = {
        "the",          "request",  "of",      "model",  "and",    "answer",
        "with",         "latency",  "is",      "a",      "to",     "caf\xc3\xa9",
        "\xe2\x80\x94", "function", "returns", "value,", "because"};
    chat(b, word, 17);
}

static void chinese(struct sl_buf *b)
{
    static const char *const word[] = {"请问",   "模型",   "的",     "回答",
                                       "延迟，", "函数。", "路由器", "今天"};
    chat(b, word, 8);
}

static void structure(struct sl_buf *b)
{
    sl_buf_add_char(b, '[');
    for (int i = 0; i < 900; i++)
        sl_buf_printf(b, "%s{\"id\":%u,\"x\":%u.%u,\"on\":true,\"tags\":[\"a\",\"b\"],\"n\":null}",
                      i ? "," : "", next(100000), next(100), next(1000));
    sl_buf_add_char(b, ']');
}

static void indented_tools(struct sl_buf *b)
{
    sl_buf_add(b, SL_STR("{\n  \"tools\": [\n"));
    for (int i = 0; i < 90; i++)
        sl_buf_printf(b,
                      "%s    {\n      \"type\": \"function\",\n      \"function\": {\n"
                      "        \"name\": \"tool_%d\",\n        \"description\": \"Looks up a "
                      "record by its key and returns it as text.\",\n        \"parameters\": {\n"
                      "          \"type\": \"object\",\n          \"properties\": {\n"
                      "            \"key\": {\"type\": \"string\"},\n            \"limit\": {\n"
                      "              \"type\": \"integer\",\n              \"minimum\": 1\n"
                      "            }\n          },\n          \"required\": [\"key\"]\n        }\n"
                      "      }\n    }",
                      i ? ",\n" : "", i);
    sl_buf_add(b, SL_STR("\n  ]\n}\n"));
}

static void many_keys(struct sl_buf *b)
{
    sl_buf_add_char(b, '{');
    for (int i = 0; i < 5000; i++)
        sl_buf_printf(b, "%s\"key_%d\":%d", i ? "," : "", i, i);
    sl_buf_add_char(b, '}');
}

/* ---- the parsers ------------------------------------------------------------------------- */

static struct sl_arena arena;
static struct sl_arena_pool pool;

static bool parse_sluice(const char *p, size_t n)
{
    struct sl_json j;
    bool is_ok = sl_json_parse(&j, &arena, (sl_str){p, n}, NULL, NULL) == SL_OK;
    sl_arena_reset(&arena);
    return is_ok;
}

static bool parse_jansson(const char *p, size_t n)
{
    json_t *root = json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    bool is_ok = root != NULL;
    json_decref(root);
    return is_ok;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double round_us(bool (*parse)(const char *, size_t), const struct sl_buf *b, int repeats)
{
    double start = now_us();
    for (int i = 0; i < repeats; i++) {
        if (!parse(b->p, b->n)) {
            fprintf(stderr, "a parser refused the text\n");
            exit(1);
        }
    }
    return (now_us() - start) / repeats;
}

static void compare(const char *name, void (*make)(struct sl_buf *))
{
    bool (*const parsers[])(const char *, size_t) = {parse_sluice, parse_simdjson, parse_jansson};
    double us[3][ROUNDS];
    struct sl_buf b;
    sl_buf_init(&b, 1 << 24);
    make(&b);
    sl_buf_reserve(&b, 64);
    for (int round = 0; round < ROUNDS; round++)
        for (int k = 0; k < 3; k++)
            us[k][round] = round_us(parsers[k], &b, k == 2 ? 2 : 50);
    for (int k = 0; k < 3; k++)
        qsort(us[k], ROUNDS, sizeof us[k][0], ascending);
    double own = us[0][ROUNDS / 2], simd = us[1][ROUNDS / 2], jansson = us[2][ROUNDS / 2];
    printf("%-15s %7.1f KB  Sluice %7.1f us %5.2f GB/s   simdjson %7.1f us (x%.2f)   "
           "jansson %8.1f us (x%.1f)\n",
           name, (double)b.n / 1e3, own, (double)b.n / own / 1e3, simd, simd / own, jansson,
           jansson / own);
    sl_buf_free(&b);
}

int main(void)
{
    sl_arena_pool_init(&pool, 64);
    sl_arena_init(&arena, &pool, (size_t)1 << 30);
    printf("kernels: Sluice %s, simdjson %s; xN: times Sluice's figure\n",
           sl_json_scan_best()->name, simdjson_kernel());
    compare("chat", english);
    compare("chat, chinese", chinese);
    compare("tools, indented", indented_tools);
    compare("structure", structure);
    compare("5000 keys", many_keys);
    return 0;
}
