"""Checks that includes follow the direction of dependence and that pure rooms stay pure.

An include is allowed when it stays in its room or goes to a room of lower rank. The pure rooms
(codec, match, route, dialect) and ml/kernel may not see clocks, threads, sockets or the log.
"""
import pathlib
import re
import sys

RANK = {
    "base": 0,
    "sys": 10, "codec": 10, "match": 10, "crypto": 10,
    "net": 20, "ml": 20,
    "http": 30,
    "obs": 40, "config": 40,
    "route": 50, "dialect": 51,
    "infer": 55,
    "mock": 60, "load": 60, "discover": 60, "admin": 60, "proxy": 61,
    "main": 70,
}
PURE = {"codec", "match", "route", "dialect"}
# Folders that may see nothing of our own but these.
ONLY = {"ml/kernel": ("base/", "ml/kernel/", "sys/cpu.h"), "ml/token": ("base/", "codec/", "ml/token/")}
IMPURE_SYSTEM = re.compile(r"<(time|pthread|threads|unistd|sys/(socket|epoll|time|types|stat)|netdb|poll|signal)\.h>")
IMPURE_OWN = {"base/clock.h", "base/log.h"}
# (including file, included header): reason. An exception carries its reason.
EXCEPTIONS = {}


def violations(root):
    src = root / "src"
    for path in sorted(src.rglob("*.[ch]")):
        name = path.relative_to(src).as_posix()
        room = name.split("/")[0]
        if room not in RANK:
            yield f"src/{name}: room \"{room}\" has no rank; add it to tests/check/layers.py"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            own = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if own:
                target = own.group(1)
                if (name, target) in EXCEPTIONS or "/" not in target:
                    continue
                there = target.split("/")[0]
                allowed = ONLY.get(str(path.parent.relative_to(src)))
                if allowed and not target.startswith(allowed):
                    yield f"src/{name}:{number}: only {', '.join(allowed)} may be included here, not {target}"
                if there != room and RANK.get(there, 99) >= RANK[room]:
                    yield f"src/{name}:{number}: {room} may not include {target}"
                if room in PURE and target in IMPURE_OWN:
                    yield f"src/{name}:{number}: {room} is pure, it may not include {target}"
            elif (room in PURE or str(path.parent.relative_to(src)) in ONLY) and re.match(r"\s*#\s*include\s+" + IMPURE_SYSTEM.pattern, line):
                yield f"src/{name}:{number}: {path.parent.relative_to(src)} is pure: {line.strip()}"


if __name__ == "__main__":
    found = list(violations(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every include follows the layers")
    sys.exit(1 if found else 0)
