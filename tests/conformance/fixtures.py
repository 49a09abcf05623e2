"""Where the specification's fixtures are: beside the checkout, or where SLUICE_FIXTURES says.

They are recorded exchanges, recipes and configurations, and not part of the product; what needs
them says SKIP where they are not."""
import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("SLUICE_FIXTURES") or ROOT.parent / "shared")
COMPAT = FOLDER / "compat"


def skip(folder):
    """The one line that says so."""
    print(f"SKIP: the specification's fixtures lack {folder} (SLUICE_FIXTURES={FOLDER})")
