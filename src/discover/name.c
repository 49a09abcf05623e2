/* What a model's name says: its size ("8b", "8x7B"), its rank ("mini", "large"), its trade. */
#include "discover/discover_impl.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* A decimal at *at; moves behind it. 0 when there is none. */
static double number(sl_str s, size_t *at)
{
    double value = 0, place = 0.1;
    while (*at < s.n && is_digit(s.p[*at]))
        value = value * 10 + (s.p[(*at)++] - '0');
    if (*at + 1 < s.n && s.p[*at] == '.' && is_digit(s.p[*at + 1])) {
        for ((*at)++; *at < s.n && is_digit(s.p[*at]); (*at)++, place /= 10)
            value += place * (s.p[*at] - '0');
    }
    return value;
}

double sl_params_read(sl_str text)
{
    size_t at = 0;
    double value = number(text, &at);
    if (value > 0 && at + 1 < text.n && lower(text.p[at]) == 'x' && is_digit(text.p[at + 1])) {
        at++;
        value *= number(text, &at);
    }
    if (value <= 0 || at >= text.n || (at + 1 < text.n && is_letter(text.p[at + 1])))
        return 0;
    char unit = lower(text.p[at]);
    double billions = unit == 'b'   ? value
                      : unit == 'm' ? value / 1000
                      : unit == 't' ? value * 1000
                                    : 0;
    return billions < 10000 ? billions : 0;
}

/* The word at any place whose neighbours are no letters: "pro" is not in "prompt". */
static bool has_word(sl_str name, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= name.n; i++) {
        size_t k = 0;
        while (k < n && lower(name.p[i + k]) == word[k])
            k++;
        bool is_start = i == 0 || !is_letter(name.p[i - 1]);
        bool is_end = i + n == name.n || !is_letter(name.p[i + n]);
        if (k == n && is_start && is_end)
            return true;
    }
    return false;
}

static bool has_any(sl_str name, const char *const *words)
{
    for (; *words; words++)
        if (has_word(name, *words))
            return true;
    return false;
}

static double rank_of(sl_str name)
{
    static const struct {
        double strength;
        const char *words[12];
    } ranks[] = {
        {3, {"nano", "tiny"}},
        {8, {"mini", "small", "haiku", "lite", "instant", "flash-lite"}},
        {20, {"flash", "medium"}},
        {120, {"large", "sonnet", "pro", "plus", "versatile"}},
        {300, {"opus", "ultra", "max"}},
    };
    for (size_t i = 0; i < SL_COUNT(ranks); i++)
        if (has_any(name, ranks[i].words))
            return ranks[i].strength;
    return 0;
}

void sl_name_read(sl_str name, struct sl_name_traits *out)
{
    static const char *const code[] = {"code",      "coder",     "codestral",
                                       "devstral",  "starcoder", "codellama",
                                       "codegemma", "codeqwen",  NULL};
    static const char *const see[] = {"vl",        "vision",    "llava",  "pixtral",
                                      "moondream", "minicpm-v", "omni",   "gpt-4o",
                                      "gpt-4.1",   "gemini",    "claude", NULL};
    static const char *const think[] = {"r1", "reasoner", "reasoning", "thinking", "qwq",   "o1",
                                        "o3", "o4",       "magistral", "gpt-oss",  "gpt-5", NULL};
    static const char *const embed[] = {"embed", "embedding", "embeddings",   "bge", "minilm",
                                        "gte",   "e5",        "arctic-embed", NULL};
    static const char *const other[] = {"whisper", "tts",      "dall-e",     "moderation",
                                        "rerank",  "reranker", "transcribe", "realtime",
                                        "sora",    "sdxl",     "flux",       NULL};
    *out = (struct sl_name_traits){
        .strength = rank_of(name),
        .can_see = has_any(name, see),
        .is_code = has_any(name, code),
        .is_reasoning = has_any(name, think),
        .is_embedding = has_any(name, embed),
        .is_other = has_any(name, other),
    };
    for (size_t i = 0; i < name.n && out->params_b <= 0; i++) {
        bool is_start =
            is_digit(name.p[i]) && (i == 0 || (!is_letter(name.p[i - 1]) &&
                                               !is_digit(name.p[i - 1]) && name.p[i - 1] != '.'));
        if (is_start)
            out->params_b = sl_params_read(sl_str_sub(name, i, name.n));
    }
}
