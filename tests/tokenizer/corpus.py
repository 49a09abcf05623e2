"""Text to compare tokenizers on: real lines of many languages, generated ones, and hostile ones."""
import collections
import json
import os
import pathlib
import random

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = pathlib.Path(os.environ.get("SLUICE_FIXTURES", ROOT.parent / "shared")) / "data"

# Letters of scripts, to make words of where no text is at hand: first, last.
SCRIPTS = {
    "latin": (0x61, 0x7A), "latin-1": (0xC0, 0xFF), "latin-extended": (0x100, 0x24F), "ipa": (0x250, 0x2AF),
    "greek": (0x391, 0x3CE), "greek-extended": (0x1F00, 0x1FFE), "cyrillic": (0x400, 0x45F),
    "armenian": (0x531, 0x587), "hebrew": (0x591, 0x5F4), "arabic": (0x610, 0x6D3), "syriac": (0x710, 0x74A),
    "thaana": (0x780, 0x7B1), "nko": (0x7C0, 0x7FA), "devanagari": (0x900, 0x97F), "bengali": (0x980, 0x9FB),
    "gurmukhi": (0xA01, 0xA75), "gujarati": (0xA81, 0xAFF), "oriya": (0xB01, 0xB77), "tamil": (0xB82, 0xBFA),
    "telugu": (0xC00, 0xC7F), "kannada": (0xC80, 0xCF2), "malayalam": (0xD00, 0xD7F), "sinhala": (0xD82, 0xDF4),
    "thai": (0xE01, 0xE5B), "lao": (0xE81, 0xEDF), "tibetan": (0xF00, 0xFDA), "myanmar": (0x1000, 0x109F),
    "georgian": (0x10A0, 0x10FF), "jamo": (0x1100, 0x11FF), "ethiopic": (0x1200, 0x137C),
    "cherokee": (0x13A0, 0x13FD), "khmer": (0x1780, 0x17F9), "mongolian": (0x1800, 0x18AA),
    "kana": (0x3041, 0x30FF), "bopomofo": (0x3105, 0x312F), "han": (0x4E00, 0x9FA5), "yi": (0xA000, 0xA48C),
    "hangul": (0xAC00, 0xD7A3), "compatibility": (0xF900, 0xFAD9), "presentation": (0xFB00, 0xFDFC),
    "fullwidth": (0xFF01, 0xFFEE), "gothic": (0x10330, 0x1034A), "mathematical": (0x1D400, 0x1D7FF),
    "music": (0x1D15E, 0x1D1C0), "adlam": (0x1E900, 0x1E959), "han-b": (0x20000, 0x20FFF),
    "han-compatibility": (0x2F800, 0x2FA1D), "letterlike": (0x2100, 0x218B), "arrows": (0x2190, 0x23FF),
    "enclosed": (0x2460, 0x24FF), "dingbats": (0x2600, 0x27BF), "cjk-signs": (0x3000, 0x33FF),
    "emoji": (0x1F300, 0x1F6FF), "emoji-2": (0x1F900, 0x1FAFF), "flags": (0x1F1E6, 0x1F1FF),
    "combining": (0x300, 0x36F), "combining-2": (0x1AB0, 0x1AFF), "combining-3": (0x1DC0, 0x1DFF),
    "combining-4": (0x20D0, 0x20F0), "variation": (0xFE00, 0xFE0F), "tags": (0xE0020, 0xE007F),
    "spaces": (0x2000, 0x206F), "controls": (0, 0xA0), "private": (0xE000, 0xE0FF), "specials": (0xFFF0, 0xFFFD),
    "newer": (0x10D40, 0x10D85), "vithkuqi": (0x10570, 0x105BC), "garay": (0x16D40, 0x16D79),
}
ENGLISH = ("the quick brown fox jumps over a lazy dog; it's what they've said, isn't it? I'll say we'd "
           "do 12,345.67 of 2024-01-02 at https://example.com/a?b=c#d or me@example.org — “quoted” … "
           "def f(x):\n    return x ** 2  # squares\n\t\tif (a && b) { c += 1; }\r\n").split(" ")


def words(rng, script, n):
    first, last = SCRIPTS[script]
    return ["".join(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 9))) for _ in range(n)]


def real_lines():
    """Lines of the data folders, at most 60 a file but for those of many languages; none where they are absent."""
    out = []
    for path in sorted(DATA.glob("*/*.dev.jsonl")):
        every = 2 if path.name.startswith("lid") else 20
        for i, line in enumerate(path.open(encoding="utf-8")):
            if i % every or i > (6000 if every == 2 else 1200):
                continue
            row = json.loads(line)
            text = next((row[k] for k in ("text", "prompt", "question", "query", "context", "a") if
                         isinstance(row.get(k), str)), "")
            if text:
                out.append(text[:2000])
    return out


def generated_lines(rng, n):
    out = []
    names = list(SCRIPTS)
    for i in range(n):
        parts = []
        main = names[i % len(names)]
        for _ in range(rng.randint(1, 8)):
            script = main if rng.random() < 0.7 else rng.choice(names)
            parts += words(rng, script, 1) if rng.random() < 0.8 else rng.sample(ENGLISH, 2)
        out.append(rng.choice([" ", " ", " ", "", "  ", "\n", "\u3000", "\t"]).join(parts))
    for _ in range(n // 4):
        out.append(" ".join(rng.choices(ENGLISH, k=rng.randint(1, 20))))
    # Any code points at all.
    for _ in range(n // 4):
        out.append("".join(chr(c) for c in (rng.randint(0, 0x10FFFF) for _ in range(20))
                           if not 0xD800 <= c < 0xE000))
    return out


HOSTILE = [
    "", " ", "  ", "\n", "\r\n", "\t", "\0", "\ufeff", "\u200b", "\u200d", "\ufffd", "a\0b", "a\u0301", "\u0301",
    "\u0301a", "ᾳ\u0301 ᾍ\u0301\u0316", "ấ\u0323\u0301", "e\u0301\u0316\u0301", "a\u0316\u0301b", "\u1e9b\u0323", "\u0344", "\u0f73\u0f71", "\u0345\u0f73",
    "Å\u0327\u0316", "\u212b\u2126", "ﬁ\u0301", "ﬃ\u0301\u0316x", "\u1100\u1161\u11a8", "가\u11a8", "각\u11a8",
    "\u1161\u11a8", "İstanbul IİIı", "ẞß", "ΣΑΣ ΣΑΣ.", "ǅ", "ŉ", "'ſ 'S 'Ll I'VE", "don't DON'T don’t",
    "  two  spaces   three    four ", "a  b", " leading", "trailing ", "a \n b", "a\n\n\nb", " \n \n x", "x \r\n\r\n y",
    "\u2028\u2029\x85\xa0\u1680", "a\u3000b", "\u00ad soft", "ab\u00adcd", "ab\u200ccd", "ab\u0000cd ef\x7f",
    "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷🇩", "👍🏽", "1️⃣", "☺️", "e\u20dd", "ก็", "नमस्ते", "ക്ഷ", "\U000e0041\U000e007f",
    "中文English混合日本語テキスト한국어", "中\u0301文", "㎏㍿①½ﬀ", "\u1d15e", "\U0001d15e\U0001d165", "\u302e가\u302f",
    "\u16ff0", "\U00016ff0\U00016ff1", "\U0001d165\U0001d16d", "a\U0001d165\u0301\U0001d16db", "\u0958\u0929",
    "##a ##", "a##b", "[CLS] [SEP] [MASK] [UNK] [PAD]", "[ SEP ]", "<s></s><unk><pad><mask>", "<bos><eos>",
    "<|endoftext|><|im_start|>user<|im_end|>", "<0x41><0x0A>", "▁▁a▁b", "Ġthe Ċ", "a▁ b", "x" * 101, "x" * 100,
    "é" * 100, "é" * 101, "é" * 50 + "x" * 51, "a\u0301" * 120, "x" * 5000, "1234567890" * 40, "!?" * 300, "." * 257,
    "\u0301" * 300, "a" + "\u0301\u0316" * 200, "\u0316\u0301" * 200 + "a", " " * 300, "\n" * 300, " \n" * 200,
    "\u200d" * 100, "中" * 300, "😀" * 200, "ｆｕｌｌ ｗｉｄｔｈ", "ﷺ", "\ufdfa\u0301", "a\ufdfab",
    "~`!@#$%^&*()_-+={[}]|\\:;\"'<,>.?/", "¡¿«»‹›„“”‘’–—…·•", "€$£¥₹", "x²+y³=z⁴", "½⅓¼", "٣٤٥", "१२३", "Ⅷⅷ",
    "https://user:pw@host.example:8080/p/a/t/h?q=1&r=%20#frag", "C:\\dir\\file.txt", "foo_bar-baz.qux", "snake_case",
    "\u0e33", "ด\u0e33", "\u0eb3", "\u06dd\u0661", "\u0600\u0661\u0662", "\u110bd\u11083", "a\u0489b", "a\u20e3",
    "\u115f\u1160", "\u3164", "\uffa0", "\u2060", "\U0001f468\u200d\U0001f9b0", "ab\U000e0100c", "\u180e", "\u061c",
]


def lines(seed=7, n_generated=3600):
    rng = random.Random(seed)
    return real_lines() + generated_lines(rng, n_generated) + HOSTILE


def training_lines(max_letters=None, seed=3):
    """What small vocabularies are trained on; with max_letters, only lines in the commonest of them."""
    rng = random.Random(seed)
    out = real_lines()[:2500] + generated_lines(rng, 1200)
    if max_letters:
        common = {c for c, _ in collections.Counter("".join(out)).most_common(max_letters)}
        out = [line for line in out if common.issuperset(line)]
    return out + [" ".join(rng.choices(ENGLISH, k=30)) for _ in range(300)]
