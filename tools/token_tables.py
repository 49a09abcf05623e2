#!/usr/bin/env python3
"""Writes the tables of src/ml/token/chars.c: classes, lower case and normal forms.

usage: token_tables.py OUT.c spec/token_unicode.txt

From Python's unicodedata, with the differences that the second file lists.
"""
import sys
import unicodedata

# Order is the order of the first kinds in src/ml/token/grapheme.c.
CLUSTER = "other_cluster control extend spacing prepend pictographic".split()
LAST = 0x110000
BLOCK = 128
ASCII_PUNCTUATION = set(map(ord, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))
# Order is the order of the SL_CHAR_ bits in src/ml/token/chars.h.
CLASSES = ("space letter number numeric punct other nonspacing word mark "
           "not_nfc not_nfkc not_nfd not_nfkd upper").split()


def scalars():
    return (cp for cp in range(LAST) if not 0xD800 <= cp < 0xE000)


def ranges(words):
    for word in words:
        first, _, last = word.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def classes():
    sets = {name: set() for name in (*CLASSES, *CLUSTER, "ccc", "canonical", "compatible")}
    for cp in scalars():
        c = chr(cp)
        gc = unicodedata.category(c)
        if gc[0] == "Z" or 9 <= cp <= 13 or cp == 0x85:
            sets["space"].add(cp)
        if gc[0] == "L":
            sets["letter"].add(cp)
        if gc[0] == "N":
            sets["number"].add(cp)
            sets["numeric"].add(cp)
        if gc[0] == "P" or cp in ASCII_PUNCTUATION:
            sets["punct"].add(cp)
        if gc in ("Cc", "Cf", "Co") and cp not in (9, 10, 13) or cp == 0xFFFD:
            sets["other"].add(cp)
        if gc in ("Zl", "Zp", "Cc", "Cf") and cp not in (10, 13):
            sets["control"].add(cp)
        if gc in ("Mn", "Me"):
            sets["extend"].add(cp)
        if gc == "Mc":
            sets["spacing"].add(cp)
        if gc == "Mn":
            sets["nonspacing"].add(cp)
        if gc[0] in "LM" or gc in ("Nd", "Nl", "Pc"):
            sets["word"].add(cp)
        if gc[0] == "M":
            sets["mark"].add(cp)
        if unicodedata.combining(c):
            sets["ccc"].add(cp)
        parts = unicodedata.decomposition(c)
        if parts and not parts.startswith("<"):
            sets["canonical"].add(cp)
        if unicodedata.normalize("NFKD", c) != c and not 0xAC00 <= cp < 0xD7A4:
            sets["compatible"].add(cp)
    return sets


def differences(path, sets):
    lower = {cp: ord(chr(cp).lower()) for cp in scalars()
             if len(chr(cp).lower()) == 1 and ord(chr(cp).lower()) != cp}
    for line in open(path):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[1] == "=":
            lower[int(words[2], 16)] = int(words[3], 16)
        elif words[1] == "+":
            sets[words[0]].update(ranges(words[2:]))
        else:
            sets[words[0]].difference_update(ranges(words[2:]))
    return lower


def stages(out, name, kind, values):
    index, blocks, seen = [], [], {}
    for at in range(0, LAST, BLOCK):
        block = tuple(values[at:at + BLOCK])
        if block not in seen:
            seen[block] = len(blocks)
            blocks.append(block)
        index.append(seen[block])
    array(out, "uint16_t", name + "_index", index)
    array(out, kind, name + "_blocks", [v for block in blocks for v in block])


def array(out, kind, name, values):
    out.write("const %s sl_token_%s[] = {\n" % (kind, name))
    for at in range(0, len(values), 24):
        out.write("    " + ",".join(map(str, values[at:at + 24])) + ",\n")
    out.write("};\n\n")


def pool_of(decomposed):
    """Offsets (0: none) into a pool of length-prefixed sequences."""
    pool, at, offsets = [0], {}, [0] * LAST
    for cp, parts in sorted(decomposed.items()):
        if parts not in at:
            at[parts] = len(pool)
            pool += [len(parts), *parts]
        offsets[cp] = at[parts]
    if len(pool) > 0xFFFF:
        sys.exit("token_tables.py: the pool of decompositions is too large for 16 bits")
    return pool, offsets


def main():
    sets = classes()
    lower = differences(sys.argv[2], sets)

    def full(form, cp):
        return tuple(map(ord, unicodedata.normalize(form, chr(cp))))

    canonical = {cp: full("NFD", cp) for cp in sets["canonical"]}
    compatible = {cp: full("NFKD", cp) for cp in sets["compatible"]}
    pairs = []
    for cp in canonical:
        direct = [int(part, 16) for part in unicodedata.decomposition(chr(cp)).split()]
        if len(direct) == 2 and unicodedata.normalize("NFC", chr(cp)) == chr(cp):
            pairs.append((direct[0], direct[1], cp))
    pairs.sort()
    seconds = {second for _, second, _ in pairs} | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    composed = {cp for _, _, cp in pairs}
    hangul = set(range(0xAC00, 0xD7A4))
    unstable = sets["ccc"] | seconds
    sets["not_nfc"] = unstable | (set(canonical) - composed)
    sets["not_nfkc"] = sets["not_nfc"] | {cp for cp in compatible if full("NFKC", cp) != (cp,)}
    sets["not_nfd"] = sets["ccc"] | set(canonical) | hangul
    sets["not_nfkd"] = sets["not_nfd"] | set(compatible)
    sets["upper"] = set(lower) | {0x130}

    flags = [0] * LAST
    for bit, name in enumerate(CLASSES):
        for cp in sets[name]:
            flags[cp] |= 1 << bit
    cluster = [0] * LAST
    for value, name in enumerate(CLUSTER):
        for cp in sets[name]:
            cluster[cp] = value
    deltas = sorted({0} | {low - cp for cp, low in lower.items()})
    if len(deltas) > 256:
        sys.exit("token_tables.py: more than 256 case deltas")
    at = {delta: i for i, delta in enumerate(deltas)}
    with open(sys.argv[1], "w") as out:
        out.write("/* Written by tools/token_tables.py from Unicode %s and spec/token_unicode.txt. */\n"
                  % unicodedata.unidata_version)
        out.write('#include "ml/token/chars_tables.h"\n\n')
        stages(out, "flag", "uint16_t", flags)
        stages(out, "lower", "uint8_t",
               [at[lower.get(cp, cp) - cp] for cp in range(LAST)])
        array(out, "int32_t", "lower_deltas", deltas)
        stages(out, "ccc", "uint8_t", [unicodedata.combining(chr(cp)) if cp in sets["ccc"] else 0
                                       for cp in range(LAST)])
        stages(out, "gcb", "uint8_t", cluster)
        for name, table in (("canonical", canonical), ("compatible", compatible)):
            pool, offsets = pool_of(table)
            stages(out, name, "uint16_t", offsets)
            array(out, "uint32_t", name + "_pool", pool)
        out.write("const uint32_t sl_token_pairs[][3] = {\n")
        for pair in pairs:
            out.write("    {%d, %d, %d},\n" % pair)
        out.write("};\nconst uint32_t sl_token_n_pairs = %d;\n" % len(pairs))


main()
