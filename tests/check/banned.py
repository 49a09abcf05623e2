"""Checks that the sources call nothing that cannot be used safely here."""
import pathlib
import re
import sys

BANNED = {
    "strcpy": "memcpy with a length", "strcat": "sl_buf", "sprintf": "snprintf or sl_buf_printf",
    "vsprintf": "vsnprintf", "gets": "read", "strtok": "sl_str_split", "strncpy": "memcpy",
    "atoi": "sl_str_to_i64", "atol": "sl_str_to_i64", "atof": "sl_str_to_f64",
    "alloca": "an arena", "rand": "a seeded generator", "srand": "a seeded generator",
    "system": "nothing", "popen": "nothing", "sscanf": "a parser", "localtime": "gmtime_r",
    "gmtime": "gmtime_r", "strerror": "strerror_r", "inet_ntoa": "inet_ntop",
    "gethostbyname": "net/resolver", "select": "sys/loop", "usleep": "sys/loop timers",
}
ONLY_IN = {"exit": ("src/main/",), "_exit": ("src/main/",), "abort": (), "sleep": ("src/main/",)}
CALL = re.compile(r"(?<![\w.>])(" + "|".join([*BANNED, *ONLY_IN]) + r")\s*\(")
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', re.S)
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def blank(match):
    return "\n" * match.group(0).count("\n")


def violations(root):
    for path in sorted((root / "src").rglob("*.[ch]")):
        name = path.relative_to(root).as_posix()
        text = path.read_text()
        for number, line in enumerate(NOT_CODE.sub(blank, text).splitlines(), 1):
            for match in CALL.finditer(line):
                call = match.group(1)
                if call in BANNED:
                    yield f"{name}:{number}: {call}() is banned; use {BANNED[call]}"
                elif not name.startswith(ONLY_IN[call] or ("-",)):
                    yield f"{name}:{number}: {call}() is not for this room"
        for number, line in enumerate(text.splitlines(), 1):
            if MARKS.search(line):
                yield f"{name}:{number}: unfinished: {line.strip()[:80]}"


if __name__ == "__main__":
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "no banned calls")
    sys.exit(1 if found else 0)
