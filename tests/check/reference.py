"""Checks that the reference pages in docs/reference are what their generators write today."""
import pathlib
import subprocess
import sys
import tempfile

PAGES = {"metrics.md": ("tools/metric_ids.py", "spec/metrics.tsv")}


def main(root):
    stored = {p.name for p in (root / "docs/reference").glob("*.md")}
    wrong = [f"docs/reference/{name}: no generator writes it" for name in sorted(stored - set(PAGES))]
    for name, (tool, source) in PAGES.items():
        page = root / "docs/reference" / name
        with tempfile.TemporaryDirectory() as folder:
            fresh = pathlib.Path(folder) / name
            subprocess.run([sys.executable, root / tool, fresh, root / source], check=True)
            if not page.exists() or page.read_text() != fresh.read_text():
                wrong.append(f"{page.relative_to(root)} is not what {tool} writes from {source}; run `make docs`")
    print("\n".join(wrong) or "every reference page is current")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
