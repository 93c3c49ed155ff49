"""Check that Python finds Breathline's own packages, whose names are common. Standard library only."""

from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("models", "tasks", "lineage", "flows")
ROOT = Path(__file__).resolve().parents[1]


def check() -> None:
    """Check that the packages beside this one are those that Python imports.

    Raises:
        ImportError: Another folder comes first in the search path and has a package of the same name.
    """
    for name in PACKAGES:
        if (spec := find_spec(name)) is None:
            raise ImportError(f"Breathline's package `{name}` is missing in {ROOT}: install Breathline again.")
        found = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
        if ROOT / name not in found[:1]:
            foreign = found[0] if found else spec.origin
            raise ImportError(
                f"Python finds the package `{name}` in {foreign}, in place of Breathline's in {ROOT / name}. Remove "
                "its folder from PYTHONPATH, start Python in another folder, or rename that package."
            )
