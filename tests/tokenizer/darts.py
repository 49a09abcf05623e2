"""Compiles a SentencePiece character map (a Darts double array and its replacements), for tests."""
import struct
import unicodedata


def entries():
    """Source bytes -> replacement: NFKC of characters and of letters with one mark, and nmt's own rules."""
    out = {}
    for cp in range(1, 0x30000):
        if 0xD800 <= cp < 0xE000:
            continue
        c = chr(cp)
        n = unicodedata.normalize("NFKC", c)
        if n != c:
            out[c.encode()] = n
    for base in "aeiounAEIOUN":
        for mark in "\u0300\u0301\u0302\u0303\u0308\u0327":
            n = unicodedata.normalize("NFKC", base + mark)
            if len(n) == 1:
                out[(base + mark).encode()] = n
    for cp in [*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0x8F, 0x9F]:
        out[chr(cp).encode()] = ""
    for cp in [9, 0xA, 0xC, 0xD, 0x1680, *range(0x200B, 0x2010), 0x2028, 0x2029, 0xFEFF, 0xFFFD]:
        out[chr(cp).encode()] = " "
    return out


class Builder:
    """Units as darts-clone lays them out: label, leaf bit, offset; children at offset ^ label."""

    def __init__(self):
        self.units = [0] * 256
        self.used = {0}
        self.search = 1

    def place(self, node, labels):
        base = self.search
        while True:
            if base and all((base ^ c) not in self.used for c in labels) and self.fits(node ^ base):
                break
            base += 1
        for c in labels:
            self.used.add(base ^ c)
            while len(self.units) <= base ^ c:
                self.units += [0] * 256
        while self.search in self.used:
            self.search += 1
        return base

    @staticmethod
    def fits(offset):
        return offset < 1 << 21 or (offset & 0xFF == 0 and offset < 1 << 29)

    def set_offset(self, node, base):
        offset = node ^ base
        extended = offset >= 1 << 21
        self.units[node] = self.units[node] & 0x800001FF | (offset >> 8 << 10 | 1 << 9 if extended else offset << 10)


def compile_map():
    table = entries()
    text, at = b"", {}
    for replacement in sorted(set(table.values())):
        at[replacement] = len(text)
        text += replacement.encode() + b"\0"
    trie = {}
    for key, replacement in table.items():
        node = trie
        for byte in key:
            node = node.setdefault(byte, {})
        node[0] = at[replacement]
    builder = Builder()
    queue = [(0, trie)]
    for node, children in queue:
        base = builder.place(node, list(children))
        builder.set_offset(node, base)
        for byte, child in children.items():
            if byte == 0:
                builder.units[node] |= 1 << 8
                builder.units[base] = child | 1 << 31
            else:
                builder.units[base ^ byte] = byte
                queue.append((base ^ byte, child))
    units = struct.pack(f"<{len(builder.units)}I", *builder.units)
    return struct.pack("<I", len(units)) + units + text
