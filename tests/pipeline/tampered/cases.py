"""All cases of the package. Each of its modules defines some of these tables."""

import pkgutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tests.pipeline import tampered

Change = Callable[[Path], object]
# The change; then the kinds of all errors, and for one of them a part of its place and of its text. In the text,
# `cycle` is the third row of features, `prediction` the eighth prediction, and `label` the first label, raised by one.
Case = tuple[Change, str, str, str]


def _merged(table: str) -> dict:
    merged: dict = {}
    for module in sorted(one.name for one in pkgutil.iter_modules(tampered.__path__) if one.name != "cases"):
        own = getattr(import_module(f"{tampered.__name__}.{module}"), table, {})
        assert not merged.keys() & own.keys(), f"{module} repeats {sorted(merged.keys() & own.keys())}"
        merged |= own
    return merged


CASES: dict[str, Case] = _merged("CASES")
# Cases of a student with two seeds, which the small project has and the finished run has not.
TWO_SEEDS: dict[str, Case] = _merged("TWO_SEEDS")
# Cases that train the student again, which the small project cannot.
RETRAINED: dict[str, Case] = _merged("RETRAINED")
# Cases that a training computed again contradicts (`--deep --retrain 1`); the kinds are some of those found.
DEEP: dict[str, Case] = _merged("DEEP")
# Situations of an honest user, after which no check reports an error.
HONEST: dict[str, Change] = _merged("HONEST")
# The first case of each set of kinds, which `make test` runs on the small project; `make test-long` runs all.
FIRST = set({kinds: name for name, (_, kinds, _, _) in reversed((CASES | TWO_SEEDS).items())}.values())
# Cases that `make test` runs on a real run as well.
TYPICAL = {"two rows of features exchanged", "a record that dvc.lock was made to name"}
# Honest situations that take seconds each.
COSTLY = {
    "fewer seeds of another recipe, in a log of an earlier version",
    "fewer seeds of another recipe, and a cache without earlier records",
}
