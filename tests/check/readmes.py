"""Checks that every folder a newcomer may open says what it is for."""
import pathlib
import sys

ROOMS = ("src", "spec", "tools", "bench", "tests", "training", "models")
PARTS_OF_A_ROOM = ("tests/", "src/dialect/")  # one README for all that lies below


def lacking(root):
    for room in ROOMS:
        for folder in [root / room, *sorted(p for p in (root / room).rglob("*") if p.is_dir())]:
            name = folder.relative_to(root).as_posix()
            if name.startswith(PARTS_OF_A_ROOM) or "__pycache__" in name:
                continue
            holds = [p for p in folder.iterdir() if p.is_file()]
            if (holds or name == room) and not any(p.name in ("README.md", "SPEED.md") for p in holds):
                yield name


if __name__ == "__main__":
    found = [f"{name}: no README.md" for name in lacking(pathlib.Path(sys.argv[1]))]
    print("\n".join(found) or "every folder says what it is for")
    sys.exit(1 if found else 0)
