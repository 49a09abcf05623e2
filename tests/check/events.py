"""Checks that log events have fixed snake_case names and that the operations guide lists them all."""
import pathlib
import re
import sys

CALL = re.compile(r"\bsl_log\(([^;]*?);", re.S)
NAME = re.compile(r'[^,]*,\s*"([a-z]+(?:_[a-z]+)*)",')
GUIDE = "docs/guide/operations.md"


def violations(root):
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", (root / GUIDE).read_text(), re.M))
    used = set()
    for path in sorted((root / "src").rglob("*.c")):
        text = path.read_text()
        for match in CALL.finditer(text):
            if text[:match.start()].endswith("void "):
                continue
            place = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}"
            name = NAME.match(match.group(1))
            if not name:
                yield f"{place}: the event is no literal in snake_case"
                continue
            used.add(name.group(1))
            if name.group(1) not in listed:
                yield f"{place}: event \"{name.group(1)}\" is not in {GUIDE}"
    for name in sorted(listed - used):
        yield f"{GUIDE}: nothing logs \"{name}\""


if __name__ == "__main__":
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "events are named and listed")
    sys.exit(1 if found else 0)
