/* Entities from token labels: the acceptance cases, and what must not be lost. */
#include "unit.h"

#include "ml/encoder/spans.h"

#include <math.h>
#include <stdio.h>

static const sl_str names[] = {
    SL_STR_INIT("O"),           SL_STR_INIT("B-PERSON"),        SL_STR_INIT("I-PERSON"),
    SL_STR_INIT("B-GPE"),       SL_STR_INIT("I-GPE"),           SL_STR_INIT("B-DATE_TIME"),
    SL_STR_INIT("I-DATE_TIME"), SL_STR_INIT("B-EMAIL_ADDRESS"), SL_STR_INIT("I-EMAIL_ADDRESS"),
};
static const struct sl_labels labels = {names, SL_COUNT(names)};

struct token {
    const char *label;
    float p;
    uint32_t from, to;
};

/* Spans as "TYPE[from,to)=mean/least " */
static void expect(const struct token *tokens, uint32_t n, const char *text, uint32_t base,
                   const char *expected)
{
    float p[16 * SL_COUNT(names)] = {0};
    uint32_t from[16], to[16], n_spans = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t label = sl_labels_index(&labels, sl_str_from(tokens[i].label));
        p[i * labels.n + label] = tokens[i].p;
        from[i] = tokens[i].from;
        to[i] = tokens[i].to;
    }
    struct sl_span_tokens in = {p, from, to, n, sl_str_from(text), base};
    struct sl_span_labels set = sl_span_labels_of(&labels);
    struct sl_span spans[16];
    assert_int_equal(sl_spans_find(&set, &in, spans, &n_spans, 16), SL_OK);
    char found[512] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < n_spans; i++)
        at += (size_t)snprintf(found + at, sizeof(found) - at, "%.*s[%u,%u)=%.2f/%.2f ",
                               SL_FMT(spans[i].type), spans[i].from, spans[i].to,
                               (double)spans[i].confidence, (double)spans[i].least);
    assert_string_equal(found, expected);
}

#define EXPECT(text, base, expected, ...)                                                          \
    do {                                                                                           \
        const struct token tokens[] = {__VA_ARGS__};                                               \
        expect(tokens, SL_COUNT(tokens), text, base, expected);                                    \
    } while (0)

static void entities(void **state)
{
    (void)state;
    EXPECT("John Smith ran", 0, "PERSON[0,10)=0.80/0.70 ", {"B-PERSON", .9f, 0, 4},
           {"I-PERSON", .7f, 5, 10}, {"O", .9f, 11, 14});
    EXPECT("a b c", 0, "PERSON[0,5)=0.70/0.40 ", {"B-PERSON", .9f, 0, 1}, {"I-PERSON", .8f, 2, 3},
           {"I-PERSON", .4f, 4, 5});
    /* A change of type opens the other entity. */
    EXPECT("a b c", 0, "PERSON[0,1)=0.90/0.90 GPE[2,5)=0.95/0.95 ", {"B-PERSON", .9f, 0, 1},
           {"I-GPE", .95f, 2, 3}, {"I-GPE", .95f, 4, 5});
    /* Inside without a beginning is an entity. */
    EXPECT("x@y", 0, "EMAIL_ADDRESS[0,3)=0.60/0.60 ", {"I-EMAIL_ADDRESS", .6f, 0, 3});
    /* Template tokens have no place in the text and break nothing. */
    EXPECT("ab", 100, "PERSON[100,102)=0.85/0.80 ", {"O", 1, 0, 0}, {"B-PERSON", .9f, 0, 1},
           {"O", 1, 0, 0}, {"I-PERSON", .8f, 1, 2}, {"O", 1, 0, 0});
    EXPECT("ab", 0, "PERSON[0,1)=0.90/0.90 PERSON[1,2)=0.80/0.80 ", {"B-PERSON", .9f, 0, 1},
           {"B-PERSON", .8f, 1, 2});
}

static void thin_gaps(void **state)
{
    (void)state;
    EXPECT("john.smith@x", 0, "EMAIL_ADDRESS[0,12)=0.80/0.70 ", {"B-EMAIL_ADDRESS", .9f, 0, 4},
           {"O", .9f, 4, 5}, {"I-EMAIL_ADDRESS", .8f, 5, 10}, {"O", .9f, 10, 11},
           {"I-EMAIL_ADDRESS", .7f, 11, 12});
    EXPECT("john, smith", 0, "PERSON[0,4)=0.90/0.90 PERSON[6,11)=0.80/0.80 ",
           {"B-PERSON", .9f, 0, 4}, {"O", .9f, 4, 5}, {"I-PERSON", .8f, 6, 11});
    EXPECT("a--b", 0, "PERSON[0,1)=0.90/0.90 PERSON[3,4)=0.80/0.80 ", {"B-PERSON", .9f, 0, 1},
           {"O", .9f, 1, 3}, {"I-PERSON", .8f, 3, 4});
}

static void types(void **state)
{
    (void)state;
    static const char *const spellings[] = {"class_6", "LABEL_6", "B-DATE_TIME", "I-DATE_TIME",
                                            "DATE_TIME"};
    for (size_t i = 0; i < SL_COUNT(spellings); i++)
        assert_true(
            sl_str_eq(sl_span_type(&labels, sl_str_from(spellings[i])), SL_STR("DATE_TIME")));
    assert_true(sl_str_eq(sl_span_type(&labels, SL_STR("LABEL_99")), SL_STR("LABEL_99")));
    assert_true(sl_str_eq(sl_span_type(&labels, SL_STR("O")), SL_STR("O")));
}

static void plain_label_sets(void **state)
{
    (void)state;
    static const sl_str two[] = {SL_STR_INIT("SUPPORTED"), SL_STR_INIT("HALLUCINATED")};
    const struct sl_labels plain = {two, 2};
    struct sl_span_labels set = sl_span_labels_of(&plain);
    float p[] = {1, 0, .2f, .8f, .4f, .6f, .9f, .1f, .3f, .7f};
    uint32_t from[] = {0, 1, 2, 3, 4}, to[] = {1, 2, 3, 4, 5}, n = 0;
    struct sl_span_tokens in = {p, from, to, 5, SL_STR("abcde"), 0};
    struct sl_span spans[4];
    assert_int_equal(sl_spans_find(&set, &in, spans, &n, 4), SL_OK);
    assert_int_equal(n, 2);
    assert_true(spans[0].from == 1 && spans[0].to == 3 && fabsf(spans[0].confidence - .7f) < 1e-6f);
    assert_true(spans[1].from == 4 && sl_str_eq(spans[1].type, SL_STR("HALLUCINATED")));
    n = 0;
    assert_int_equal(sl_spans_find(&set, &in, spans, &n, 1), SL_LIMIT);
    assert_int_equal(n, 1);
}

static void windows_settle(void **state)
{
    (void)state;
    struct sl_span spans[] = {
        {SL_STR("PERSON"), 20, 30, .9f, .9f, 2, false},
        {SL_STR("GPE"), 22, 25, .5f, .5f, 1, false},
        {SL_STR("PERSON"), 0, 5, .6f, .6f, 1, false},
        {SL_STR("PERSON"), 20, 30, .7f, .7f, 2, false},
        {SL_STR("PERSON"), 28, 35, .95f, .9f, 2, false},
    };
    assert_int_equal(sl_spans_settle(spans, 5), 3);
    assert_true(spans[0].from == 0 && spans[0].to == 5);
    assert_true(spans[1].from == 20 && spans[1].to == 35 && spans[1].confidence == .95f);
    assert_true(sl_str_eq(spans[2].type, SL_STR("GPE")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities),       cmocka_unit_test(thin_gaps),
        cmocka_unit_test(types),          cmocka_unit_test(plain_label_sets),
        cmocka_unit_test(windows_settle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
