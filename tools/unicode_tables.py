#!/usr/bin/env python3
"""Writes the Unicode tables of src/base/unicode.c from Python's unicodedata.

usage: unicode_tables.py OUT.c

Scripts are not part of unicodedata; they are taken from the first word of a character's name
("CYRILLIC SMALL LETTER A"), which agrees with the Script property for letters, marks and digits
of every script that has a name of one word. Characters of other categories are Common.
"""
import sys
import unicodedata

GC = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co "
      "Cn").split()
# Order is the order of enum sl_script in src/base/unicode.h.
SCRIPTS = ("COMMON LATIN GREEK CYRILLIC ARMENIAN HEBREW ARABIC SYRIAC THAANA DEVANAGARI BENGALI "
           "GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA MALAYALAM SINHALA THAI LAO TIBETAN "
           "MYANMAR GEORGIAN HANGUL ETHIOPIC CHEROKEE KHMER MONGOLIAN HIRAGANA KATAKANA BOPOMOFO "
           "HAN JAVANESE BALINESE YI OTHER").split()
LAST = 0x110000
BLOCK = 128


def script_of(c, gc):
    if gc[0] not in "LMN" or gc == "No":
        return "COMMON"
    name = unicodedata.name(c, "")
    if not name:
        return "COMMON"
    first = name.split(" ")[0].split("-")[0]
    if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "IDEOGRAPHIC ITERATION",
                        "IDEOGRAPHIC CLOSING", "IDEOGRAPHIC NUMBER", "HANGZHOU", "CJK RADICAL")):
        return "HAN"
    if first in ("HALFWIDTH", "FULLWIDTH"):
        rest = name.split(" ")[1]
        return rest if rest in SCRIPTS else "COMMON"
    if name.startswith("KATAKANA-HIRAGANA"):
        return "COMMON"
    if gc == "Nd" and first == "DIGIT" or first in ("COMBINING", "VARIATION"):
        return "COMMON"
    if first in ("FEMININE", "MASCULINE", "KELVIN", "ANGSTROM"):
        return "LATIN"
    if first in ("MODIFIER", "MATHEMATICAL", "DOUBLE", "SCRIPT", "MICRO", "ROMAN"):
        return "LATIN" if first == "ROMAN" else "COMMON"
    return first if first in SCRIPTS else "OTHER"


def blocks_of(values):
    index, blocks, seen = [], [], {}
    for at in range(0, LAST, BLOCK):
        block = tuple(values[at:at + BLOCK])
        if block not in seen:
            seen[block] = len(blocks)
            blocks.append(block)
        index.append(seen[block])
    return index, blocks


def write_array(out, kind, name, values):
    out.write("const %s %s[] = {\n" % (kind, name))
    for at in range(0, len(values), 24):
        out.write("    " + ",".join(map(str, values[at:at + 24])) + ",\n")
    out.write("};\n\n")


def write_stages(out, name, kind, values):
    index, blocks = blocks_of(values)
    write_array(out, "uint16_t", name + "_index", index)
    write_array(out, kind, name + "_blocks", [v for block in blocks for v in block])


def single(text):
    return ord(text) if len(text) == 1 else None


def fold_orbits():
    parent = {}

    def find(x):
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x

    for cp in range(LAST):
        # The dotted and dotless i of Turkish fold with nothing, as in CaseFolding.txt.
        if 0xD800 <= cp < 0xE000 or cp in (0x130, 0x131):
            continue
        c = chr(cp)
        for other in (single(c.lower()), single(c.upper()), single(c.title())):
            if other is not None and other != cp and other not in (0x130, 0x131):
                a, b = find(cp), find(other)
                if a != b:
                    parent[max(a, b)] = min(a, b)
    orbits = {}
    for cp in parent:
        orbits.setdefault(find(cp), []).append(cp)
    return [sorted(orbit) for orbit in orbits.values() if len(orbit) > 1]


def ascii_bases():
    """Letters and digits that decompose to one ASCII character and marks, with that character."""
    others = {"ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L", "ħ": "h", "Ħ": "H",
              "ı": "i", "ŧ": "t", "Ŧ": "T"}
    out = []
    for cp in range(0x80, LAST):
        c = chr(cp)
        base = others.get(c)
        if base is None and unicodedata.category(c)[0] in "LN":
            parts = [p for p in unicodedata.normalize("NFKD", c)
                     if unicodedata.category(p)[0] != "M"]
            if len(parts) == 1 and ord(parts[0]) < 0x80:
                base = parts[0]
        if base is not None:
            out.append((cp, ord(base)))
    return out


def main():
    properties, lower = [], [0] * LAST
    for cp in range(LAST):
        c = chr(cp)
        gc = unicodedata.category(c)
        properties.append(GC.index(gc) | SCRIPTS.index(script_of(c, gc)) << 5)
        if not 0xD800 <= cp < 0xE000:
            low = single(c.lower())
            if low is not None:
                lower[cp] = low - cp
    lower[0x130] = ord("i") - 0x130
    fold, next_in_orbit = [0] * LAST, []
    for orbit in fold_orbits():
        # The folded form is the lower-case member where there is one: ASCII stays readable.
        target = next((c for c in orbit if unicodedata.category(chr(c)) == "Ll"), orbit[0])
        for i, cp in enumerate(orbit):
            fold[cp] = target - cp
            next_in_orbit.append((cp, orbit[(i + 1) % len(orbit)]))
    next_in_orbit.sort()
    deltas = sorted(set(fold) | set(lower))
    if len(deltas) > 256:
        sys.exit("unicode_tables.py: more than 256 case deltas")
    at = {delta: i for i, delta in enumerate(deltas)}
    with open(sys.argv[1], "w") as out:
        out.write("/* Written by tools/unicode_tables.py from Unicode %s. */\n"
                  % unicodedata.unidata_version)
        out.write('#include "base/unicode_tables.h"\n\n')
        write_stages(out, "sl_unicode_property", "uint16_t", properties)
        write_stages(out, "sl_unicode_fold", "uint8_t", [at[d] for d in fold])
        write_stages(out, "sl_unicode_lower", "uint8_t", [at[d] for d in lower])
        write_array(out, "int32_t", "sl_unicode_deltas", deltas)
        out.write("const uint32_t sl_unicode_orbits[][2] = {\n")
        for cp, following in next_in_orbit:
            out.write("    {%d, %d},\n" % (cp, following))
        out.write("};\nconst uint32_t sl_unicode_n_orbits = %d;\n\n" % len(next_in_orbit))
        bases = ascii_bases()
        out.write("const uint32_t sl_unicode_bases[][2] = {\n")
        for cp, base in bases:
            out.write("    {%d, %d},\n" % (cp, base))
        out.write("};\nconst uint32_t sl_unicode_n_bases = %d;\n" % len(bases))


main()
