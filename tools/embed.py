#!/usr/bin/env python3
"""Writes a file as a C array.   usage: embed.py OUT.c FILE NAME

Defines `const unsigned char NAME[]`, aligned to 64 bytes, and `const size_t NAME_n`.
"""
import sys

out, path, name = sys.argv[1:]
data = open(path, "rb").read()
with open(out, "w") as f:
    f.write("/* Written by tools/embed.py. */\n#include <stddef.h>\n\n")
    f.write("extern const unsigned char %s[];\nextern const size_t %s_n;\n\n" % (name, name))
    f.write("_Alignas(64) const unsigned char %s[] = {\n" % name)
    for at in range(0, len(data), 64):
        f.write(",".join(map(str, data[at:at + 64])) + ",\n")
    f.write("};\nconst size_t %s_n = %d;\n" % (name, len(data)))
