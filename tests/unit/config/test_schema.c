#include "unit.h"

#include "config/scalar.h"
#include "config/schema.h"

struct part {
    sl_str name;
    int64_t size;
};

struct sample {
    bool on;
    enum sl_tri maybe;
    int64_t port;
    double ratio;
    struct sl_opt_float opt;
    sl_str text;
    int mode;
    int64_t wait_ms;
    int64_t tok;
    struct sl_strs words;
    struct sl_str_pairs pairs;
    struct part inner;
    struct sl_list list;
    struct sl_named_list map;
};

#define AT(member) .offset = offsetof(struct sample, member)

static const char *const modes[] = {"", "fast", "slow", NULL};
static const struct sl_field part_fields[] = {
    {"name", SL_F_STR, offsetof(struct part, name), SL_REQUIRED, .help = "Name."},
    {"size", SL_F_INT, offsetof(struct part, size), .fallback = "7", .min = 1, .help = "Size."},
    SL_FIELD_END,
};
static const struct sl_field fields[] = {
    {"on", SL_F_BOOL, AT(on), .fallback = "true", .help = "On."},
    {"maybe", SL_F_TRI, AT(maybe), .help = "Maybe."},
    {"port", SL_F_INT, AT(port), .min = 1, .max = 65535, .fallback = "80", .help = "Port."},
    {"ratio", SL_F_FLOAT, AT(ratio), .max = 1, .fallback = "0.5",
     .flags = SL_KEEPS_DEFAULT_ON_EMPTY, .help = "Ratio."},
    {"opt", SL_F_OPT_FLOAT, AT(opt), .help = "Optional."},
    {"text", SL_F_STR, AT(text), .flags = SL_TRIMMED, .fallback = "hey", .help = "Text."},
    {"mode", SL_F_ENUM, AT(mode), .choices = modes, .help = "Mode."},
    {"wait", SL_F_DURATION, AT(wait_ms), .fallback = "30s", .help = "Wait."},
    {"tok", SL_F_TOKENS, AT(tok), .help = "Tokens."},
    {"words", SL_F_STRS, AT(words), .fallback = "[a, b]", .help = "Words."},
    {"pairs", SL_F_STR_MAP, AT(pairs), .help = "Pairs."},
    {"inner", SL_F_STRUCT, AT(inner), .sub = part_fields, .help = "Inner."},
    {"list", SL_F_LIST, AT(list), .sub = part_fields, .sub_size = sizeof(struct part),
     .help = "List."},
    {"map", SL_F_MAP, AT(map), .sub = part_fields, .sub_size = sizeof(struct part), .help = "Map."},
    {"later", SL_F_STRUCT, .flags = SL_CHECKED_ONLY, .sub = part_fields, .help = "Later."},
    SL_FIELD_END,
};

static struct sl_arena arena;
static struct sl_diags diags;
static struct sample out;

static void decode(const char *text)
{
    sl_arena_reset(&arena);
    sl_arena_init(&arena, NULL, 1 << 20);
    sl_diags_init(&diags, &arena, 100);
    struct sl_check c = {.arena = &arena, .diags = &diags};
    sl_buf_init(&c.path, 4096);
    struct sl_yaml *root = NULL;
    assert_int_equal(sl_yaml_parse(&root, &arena, sl_str_from(text), NULL, NULL), SL_OK);
    memset(&out, 0, sizeof out);
    sl_schema_decode(&c, fields, root, &out);
    sl_diags_sort(&diags);
    assert_int_equal(c.path.n, 0);
    sl_buf_free(&c.path);
}

static void expect(uint32_t i, const char *path, const char *part)
{
    assert_true(i < diags.n);
    if (!sl_str_eq(diags.items[i].path, sl_str_from(path)) ||
        sl_str_find(diags.items[i].message, sl_str_from(part)) == SIZE_MAX)
        fail_msg("found %.*s: %s; expected %s: ...%s", SL_FMT(diags.items[i].path),
                 diags.items[i].message.p, path, part);
}

static void test_defaults(void **state)
{
    (void)state;
    decode("");
    assert_int_equal(diags.n, 0);
    assert_true(out.on && out.port == 80 && out.ratio == 0.5 && out.wait_ms == 30000);
    assert_int_equal(out.words.n, 2);
    assert_int_equal(out.inner.size, 7);
    assert_string_equal(out.text.p, "hey");
}

static void test_values(void **state)
{
    (void)state;
    decode("on: off\nmaybe: no\nport: 8e3\nratio: 0\nopt: -2\ntext: ' 12 '\nmode: ' FAST'\n"
           "wait: 1m30s\ntok: 8K\nwords: [x, 5, ~]\npairs: {a: 1}\ninner: {name: n, size: 3}\n"
           "list: [{name: a}, {name: b, size: 2}]\nmap: {k: {name: z}}\nlater: {name: q}\n");
    assert_int_equal(diags.n, 0);
    assert_true(!out.on && out.maybe == SL_NO && out.port == 8000 && out.ratio == 0.5);
    assert_true(out.opt.is_set && out.opt.value == -2 && out.mode == 1);
    assert_true(out.wait_ms == 90000 && out.tok == 8000);
    assert_true(sl_str_eq(out.text, SL_STR("12")));
    assert_true(sl_str_eq(out.words.items[1], SL_STR("5")) && out.words.items[2].n == 0);
    const struct part *list = out.list.items;
    assert_true(out.list.n == 2 && list[0].size == 7 && list[1].size == 2);
    assert_true(sl_str_eq(((struct part *)out.map.items)->name, SL_STR("k")));
}

static void test_all_mistakes_at_once(void **state)
{
    (void)state;
    decode("prt: 1\n"
           "port: 70000\n"
           "ratio: '0.1'\n"
           "mode: fasst\n"
           "wait: 30\n"
           "tok: many\n"
           "words: a\n"
           "pairs: {a: {b: c}}\n"
           "inner: [1]\n"
           "list: [{name: ''}, ~, {nam: x, size: 0}]\n"
           "later: {size: x}\n"
           "on: 1\n");
    uint32_t i = 0;
    expect(i++, "prt", "did you mean \"port\"?");
    expect(i++, "port", "found 70000, expected a whole number between 1 and 65535");
    expect(i++, "ratio", "take away the quotes");
    expect(i++, "mode",
           "found text \"fasst\", expected one of: fast, slow; did you mean \"fast\"?");
    expect(i++, "wait", "expected a duration");
    expect(i++, "tok", "expected a token count");
    expect(i++, "words", "expected a list of texts");
    expect(i++, "pairs.a", "found a map, expected a text");
    expect(i++, "inner", "found a list, expected a map with: name, size");
    expect(i++, "list[0].name", "blank");
    expect(i++, "list[1].name", "missing");
    expect(i++, "list[2].name", "missing");
    expect(i++, "list[2].nam", "did you mean \"name\"?");
    expect(i++, "list[2].size", "found 0, expected a whole number of at least 1");
    expect(i++, "later.name", "missing");
    expect(i++, "later.size", "expected a whole number");
    expect(i++, "on", "found 1, expected true or false");
    assert_int_equal(diags.n, i);
    assert_int_equal(diags.items[1].line, 2);
    assert_int_equal(diags.items[1].column, 7);
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_int;
        int64_t value;
    } ints[] = {{"42", 1, 42},
                {"-7", 1, -7},
                {"1_000", 1, 1000},
                {"0x1F", 1, 31},
                {"017", 1, 15},
                {"0o17", 1, 15},
                {"0b101", 1, 5},
                {"1e3", 1, 1000},
                {"2.0", 1, 2},
                {"2.5", 0, 0},
                {"nan", 0, 0},
                {".inf", 0, 0},
                {"099999", 1, 99999},
                {"9223372036854775807", 1, INT64_MAX},
                {"-9223372036854775808", 1, INT64_MIN},
                {"", 0, 0},
                {"-", 0, 0},
                {"1x", 0, 0}};
    for (size_t i = 0; i < SL_COUNT(ints); i++) {
        struct sl_yaml node = {.kind = SL_YAML_SCALAR, .text = sl_str_from(ints[i].text)};
        int64_t value = 0;
        if (sl_scalar_int(&node, &value) != ints[i].is_int || value != ints[i].value)
            fail_msg("\"%s\" is %lld", ints[i].text, (long long)value);
    }
    int64_t ms;
    assert_true(sl_parse_duration(SL_STR("1h1.5m2s3ms"), &ms) && ms == 3692003);
    assert_true(sl_parse_duration(SL_STR("0"), &ms) && ms == 0);
    assert_false(sl_parse_duration(SL_STR("10"), &ms));
    assert_false(sl_parse_duration(SL_STR("s"), &ms));
    assert_false(sl_parse_duration(SL_STR("10d"), &ms));
    int64_t tok;
    assert_true(sl_parse_tokens(SL_STR(" 1.5m "), &tok) && tok == 1500000);
    assert_true(sl_parse_tokens(SL_STR("8 K"), &tok) && tok == 8000);
    assert_false(sl_parse_tokens(SL_STR("8G"), &tok));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_all_mistakes_at_once),
        cmocka_unit_test(test_scalars),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sl_arena_reset(&arena);
    return failed;
}
