#!/usr/bin/env python3
"""Writes the metric catalogue.   usage: metric_ids.py OUTPUT SPEC.tsv

OUTPUT ending in .h gets enum sl_metric_id; ending in .c the table of descriptions; ending in .md the
reference page for people (docs/reference/metrics.md, which tests/check/reference.py compares).
"""
import pathlib
import re
import sys

BUCKETS = {
    "D": "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
    "L": "0.001,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
    # D with its lower end extended: routing takes microseconds here.
    "R": "0.000001,0.0000025,0.000005,0.00001,0.000025,0.00005,0.0001,0.00025,0.0005,0.001,0.0025,"
         "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10",
    "T": "0,8,16,32,64,128,256,512,1024,2048,4096,8192,16384",
    "P": "0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
    "P1": "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
}
TYPES = {"counter": "SL_COUNTER", "gauge": "SL_GAUGE", "histogram": "SL_HISTOGRAM"}
MAX_LABELS = 4
MAX_BUCKETS = 24


def rows(path):
    seen = set()
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        if line.startswith("#") or not line.strip():
            continue
        cells = line.rstrip("\n").split("\t")
        where = f"{path}:{number}"
        if len(cells) != 7:
            sys.exit(f"{where}: {len(cells)} columns, expected 7")
        ident, name, kind, labels, buckets, max_sets, text = cells
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", ident) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            sys.exit(f"{where}: bad id or name")
        if ident in seen or name in seen:
            sys.exit(f"{where}: {ident} or {name} twice")
        seen |= {ident, name}
        if kind not in TYPES:
            sys.exit(f"{where}: type {kind}, expected one of {', '.join(TYPES)}")
        labels = [] if labels == "-" else labels.split(",")
        bounds = [] if buckets == "-" else BUCKETS.get(buckets, buckets).split(",")
        if (kind == "histogram") != bool(bounds):
            sys.exit(f"{where}: buckets belong to histograms, and every histogram has some")
        if [float(b) for b in bounds] != sorted({float(b) for b in bounds}):
            sys.exit(f"{where}: buckets must rise")
        if len(labels) > MAX_LABELS or len(bounds) > MAX_BUCKETS or not text or "|" in text:
            sys.exit(f"{where}: too many labels or buckets, or no help, or a | in it")
        yield ident, name, kind, labels, bounds, int(max_sets), text


def header(table):
    ids = "".join(f"    SL_M_{r[0]}, /* {r[1]} {{{','.join(r[3])}}} */\n" for r in table)
    return ("/* Written by tools/metric_ids.py from spec/metrics.tsv. */\n"
            "#ifndef SL_OBS_METRIC_IDS_H\n#define SL_OBS_METRIC_IDS_H\n\n"
            f"enum sl_metric_id {{\n{ids}    SL_M_COUNT\n}};\n\n"
            f"#define SL_METRIC_MAX_LABELS {MAX_LABELS}\n"
            f"#define SL_METRIC_MAX_BUCKETS {MAX_BUCKETS}\n\n#endif\n")


def source(table):
    out = ['/* Written by tools/metric_ids.py from spec/metrics.tsv. */\n'
           '#include "obs/metric_table.h"\n\n']
    for ident, _, _, _, bounds, _, _ in table:
        if bounds:
            out.append(f"static const double bounds_{ident}[] = {{{', '.join(bounds)}}};\n")
            texts = ", ".join(f'"{float(b):g}"' for b in bounds)
            out.append(f"static const char *const texts_{ident}[] = {{{texts}}};\n")
    out.append("\nconst struct sl_metric sl_metric_table[SL_M_COUNT] = {\n")
    for ident, name, kind, labels, bounds, max_sets, text in table:
        names = "".join(f'"{label}", ' for label in labels)
        text = text.replace("\\", "\\\\").replace('"', '\\"')
        out.append(f'    [SL_M_{ident}] = {{"{name}", "{text}", {TYPES[kind]}, {{{names or "0"}}}, '
                   f"{len(labels)}, {max_sets}, "
                   + (f"bounds_{ident}, texts_{ident}, {len(bounds)}}},\n" if bounds else "0, 0, 0},\n"))
    out.append("};\n")
    return "".join(out)


def groups(table):
    """Rows by what they are about, as the page shows them."""
    title = {"llm": "Routing and models", "sr": "Request parameters", "sluice": "The router", "process": "The process"}
    found = {text: [] for text in title.values()}
    for row in table:
        found[title[row[1].split("_")[0]]].append(row)
    return found.items()


def page(table):
    out = ["# Metrics\n\n"
           "What `/metrics` of the management address shows, in Prometheus text. This page is written from\n"
           "`spec/metrics.tsv` by `make docs`; do not edit it.\n\n"
           "Label sets beyond the bound of a metric are counted together under the label value `other`.\n"]
    for title, members in groups(table):
        out.append(f"\n## {title}\n\n| metric | type | labels | bound | what |\n| --- | --- | --- | --- | --- |\n")
        for _, name, kind, labels, _, max_sets, text in members:
            names = ", ".join(f"`{label}`" for label in labels)
            bound = max_sets if labels else ""
            out.append(f"| `{name}` | {kind} | {names} | {bound} | {text} |\n")
    out.append("\n## Buckets of the histograms\n\n| metric | upper bounds |\n| --- | --- |\n")
    out += [f"| `{name}` | {', '.join(f'{float(b):g}' for b in bounds)} |\n" for _, name, _, _, bounds, _, _ in table if bounds]
    return "".join(out)


WRITERS = {".h": header, ".c": source, ".md": page}


def main():
    output, spec = sys.argv[1:]
    table = list(rows(spec))
    with open(output, "w", encoding="utf-8") as file:
        file.write(WRITERS[pathlib.Path(output).suffix](table))


main()
