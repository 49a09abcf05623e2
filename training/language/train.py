#!/usr/bin/env python3
"""Trains the language identifier and writes models/language/language.bin and its figures.

usage: train.py [DATA [OUT]]      DATA: folder with lang/, chat/, intents/ (train and dev files); by
                                  default data/ of the specification's fixtures
                                  OUT: folder of the model; default models/language

Two softmax regressions over hashed character n-grams (orders 1 to 4 within words): one for the
languages in Latin script, one for the other scripts that several languages share. Everything else
is told from the script alone. The features must equal those of src/match/language.c.
"""
import json
import os
import random
import struct
import sys
import unicodedata

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tests/conformance"))
import fixtures  # noqa: E402

DATA = sys.argv[1] if len(sys.argv) > 1 else str(fixtures.FOLDER / "data")
OUT = sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "../../models/language")

MASK = (1 << 64) - 1
M1 = 0x9E3779B97F4A7C15
M2 = 0xD6E8FEB86659FD93
MAX_GRAMS = 512     # characters (with word edges) that the detector looks at, at most
WEIGHT_MAX = 31     # four weights are added in one byte

SHARED = {"Cyrillic": "be bg kk mk mn ru sr tt uk".split(), "Arabic": "ar fa ur ug".split(),
          "Devanagari": "hi mr".split(), "Hebrew": "he yi".split()}
LATIN = ("af az bs br ca cs cy da de en eo es et eu fi fo fr fy ga gd gl hr hu id is it jv ku la "
         "lg lt lv mi ms nb nl nn oc pl pt ro sk sl sn so sq st sv sw tk tl tn tr ts uz vi xh yo "
         "zu").split()
# A short text is more often in one of these; the prior is worth this much logit.
PRIOR = {"en": 0.3, "es": 0.6, "fr": 0.6, "de": 0.6, "pt": 0.5, "it": 0.5, "nl": 0.2, "pl": 0.2,
         "tr": 0.2, "ru": 0.5, "ar": 0.3, "hi": 0.3, "id": 0.2, "vi": 0.2, "uk": 0.2, "he": 0.2}


def is_letter(c):
    return unicodedata.category(c)[0] in "LM"


def lower(c):
    low = c.lower()
    return low if len(low) == 1 else ("i" if c == "\u0130" else c)


def script_of(text):
    counts = {}
    for c in text:
        if unicodedata.category(c)[0] == "L":
            name = unicodedata.name(c, "").split(" ")[0].capitalize()
            counts[name] = counts.get(name, 0) + 1
    return max(counts, key=counts.get) if counts else ""


def buckets(text, bits):
    """Numbers of the rows of every character: orders 1 to 4, ending at it, within its word."""
    out = []
    a = b = c = 0
    previous = 0x5F
    n = 0

    def push(d):
        nonlocal a, b, c
        x1 = d
        x2 = (c * M1 + d) & MASK
        x3 = ((b * M1 + c) * M1 + d) & MASK
        x4 = (((a * M1 + b) * M1 + c) * M1 + d) & MASK
        for order, x in ((1, x1), (2, x2), (3, x3), (4, x4)):
            out.append((((x + order) * M2) & MASK) >> (64 - bits))
        a, b, c = b, c, d

    in_word = False
    for ch in text:
        if n >= MAX_GRAMS:
            break
        if is_letter(ch):
            if not in_word:
                a, b, c = 0, 0, previous
                in_word = True
            push(ord(lower(ch)))
            n += 1
        elif in_word:
            push(0x5F)
            n += 1
            in_word = False
    if in_word and n < MAX_GRAMS:
        push(0x5F)
    return out


def read(name, language=None):
    path = os.path.join(DATA, name)
    with open(path, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            yield row["text"], language or row["lang"], row.get("kind", "sentence")


def english():
    """What people write to a model: short English requests, which the corpora above lack."""
    for name, n in (("chat/prompts", 1500), ("intents/clinc150", 3000), ("intents/nlu_home", 1500),
                    ("intents/banking77", 1500)):
        texts = [row[0] for row in read(name + ".train.jsonl", "en")]
        step = max(1, len(texts) // n)
        for text in texts[::step]:
            yield text[:300], "en", "sentence"


def piece(text, rng):
    """A random run of words, so that short texts are learnt as well as long ones."""
    words = text.split()
    if len(words) < 2:
        return text
    n = min(len(words), rng.choice((1, 2, 2, 3, 3, 4, 5, 6, 8, 12, 20)))
    at = rng.randrange(len(words) - n + 1)
    return " ".join(words[at:at + n])


class Model:
    def __init__(self, name, languages, lanes, bits, weights_of):
        self.name, self.languages, self.lanes, self.bits = name, languages, lanes, bits
        self.at = {language: i for i, language in enumerate(languages)}
        self.group = [weights_of[language] for language in languages]
        self.w = np.zeros((1 << bits, len(languages)), np.float32)
        self.b = np.zeros(len(languages), np.float32)
        self.g2 = np.full((1 << bits, 1), 1e-8, np.float32)

    def features(self, text):
        rows = buckets(text, self.bits)
        if not rows:
            return None
        unique, counts = np.unique(np.array(rows, np.int64), return_counts=True)
        return unique, (counts / np.sqrt(len(rows) / 4)).astype(np.float32)

    def logits(self, f):
        return self.b + f[1] @ self.w[f[0]]

    def mask(self, text_script):
        if self.name == "latin":
            return None
        return np.array([0 if g == text_script else -1e9 for g in self.group], np.float32)

    def step(self, f, label, rate, mask):
        z = self.logits(f)
        if mask is not None:
            z = z + mask
        p = np.exp(z - z.max())
        p /= p.sum()
        p[label] -= 1
        # AdaGrad by row: rare grams move as far as frequent ones.
        gradient = f[1][:, None] * p[None, :]
        self.g2[f[0]] += (gradient * gradient).sum(1, keepdims=True)
        self.w[f[0]] -= rate * gradient / np.sqrt(self.g2[f[0]])
        self.b -= 0.01 * rate * p

    def quantise(self):
        clip = np.quantile(np.abs(self.w[self.w != 0]), 0.998)
        self.scale = float(clip / WEIGHT_MAX)
        self.q = np.clip(np.rint(self.w / self.scale), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
        self.w = self.q.astype(np.float32) * self.scale

    def predict(self, text, script):
        f = self.features(text)
        if f is None:
            return None, 0.0
        z = self.logits(f)
        mask = self.mask(script)
        if mask is not None:
            z = z + mask
        p = np.exp(z - z.max())
        p /= p.sum()
        best = int(p.argmax())
        return self.languages[best], float(p[best])

    def pack(self):
        codes = "".join(code.ljust(4, "\0") for code in self.languages).encode()
        scripts = bytes(SCRIPT_IDS[g] for g in self.group)
        rows = np.zeros((1 << self.bits, self.lanes), np.int8)
        rows[:, :len(self.languages)] = self.q
        head = struct.pack("<IIIf", len(self.languages), self.lanes, self.bits, self.scale)
        body = codes + scripts + self.b.astype("<f4").tobytes()
        return head + body, rows.tobytes()


SCRIPT_IDS = {"Latin": 1, "Cyrillic": 3, "Arabic": 6, "Devanagari": 9, "Hebrew": 5}


def train(model, rows, epochs, rng):
    for epoch in range(epochs):
        rng.shuffle(rows)
        rate = 0.35 * (1 - epoch / epochs) + 0.03
        for text, language, kind in rows:
            sample = text if kind != "sentence" or rng.random() < 0.25 else piece(text, rng)
            f = model.features(sample)
            if f is not None:
                model.step(f, model.at[language], rate, model.mask(script_of(sample)))
        print(model.name, "epoch", epoch + 1, "of", epochs, flush=True)


def evaluate(models, name, language=None):
    by_kind = {}
    for text, language, kind in read(name, language):
        script = script_of(text)
        for model in models:
            if language in model.at and script in model.group:
                got, p = model.predict(text, script)
                k = by_kind.setdefault((model.name, kind), [0, 0, 0, 0])
                k[0] += 1
                k[1] += got == language
                k[2] += got is not None and got != language and p >= 0.5
                k[3] += got == language and p >= 0.5
    return by_kind


def main():
    rng = random.Random(1)
    rows = list(read("lang/lid.train.jsonl")) + list(read("lang/topics.train.jsonl"))
    rows += list(english())
    latin_bits = int(os.environ.get("LATIN_BITS", "12"))
    shared = [(code, script) for script, codes in SHARED.items() for code in codes]
    models = [Model("latin", LATIN, 64, latin_bits, {c: "Latin" for c in LATIN}),
              Model("shared", [c for c, _ in shared], 32, 11, dict(shared))]
    for model in models:
        mine = [r for r in rows if r[1] in model.at and script_of(r[0]) in model.group]
        print(model.name, len(mine), "texts", flush=True)
        train(model, mine, int(os.environ.get("EPOCHS", "6")), rng)
        model.quantise()
        for language, worth in PRIOR.items():
            if language in model.at:
                model.b[model.at[language]] += worth
    packed = [m.pack() for m in models]
    os.makedirs(OUT, exist_ok=True)
    with open(os.path.join(OUT, "language.bin"), "wb") as f:
        f.write(b"SLLANG1\0" + struct.pack("<I", len(models)))
        for head, _ in packed:
            f.write(head)
        f.write(b"\0" * (-f.tell() % 64))
        for _, body in packed:
            f.write(body)
    figures = {}
    for name, language in (("lang/lid.dev.jsonl", None), ("lang/topics.dev.jsonl", None),
                           ("chat/prompts.dev.jsonl", "en"), ("intents/clinc150.dev.jsonl", "en")):
        for (model, kind), (n, right, wrong, sure) in evaluate(models, name, language).items():
            figures["%s %s %s" % (name, model, kind)] = {
                "n": n, "accuracy": round(right / n, 4), "wrong_at_0.5": round(wrong / n, 4),
                "right_at_0.5": round(sure / n, 4)}
    with open(os.path.join(OUT, "figures.json"), "w") as f:
        json.dump(figures, f, indent=1, sort_keys=True)
        f.write("\n")
    print(json.dumps(figures, indent=1, sort_keys=True))


main()
