"""Small projects with different parameters, each made once for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lineage import project
from lineage.trace.queries import TraceQueries
from tests.built_once import build_once
from tests.unit.lineage import small

FOLDED = {
    name: small.TEACHERS[name] | {"fold": {"index": index, "of": 2}}
    for name, index in (("t1", 0), ("t2", 1), ("t3", 1))
}
CHANGES = {
    "official": {},
    "disjoint": {"split": "official-disjoint"},
    "paper": {"selections": ["val", "paper"]},
    "folds": {"teachers": FOLDED, "soft_labels": {"k": 1, "exposure": "out_of_fold"}},
    "best": {"soft_labels": {"choose": "best"}},
    "ten": {"teachers": {"t10": small.TEACHERS["t3"] | {"seed": 20}}},
    "whole": {"frontends": {"ast": {"duration_s": 2.5, "fade": False}}},
}


@pytest.fixture(scope="session")
def roots(
    small_project: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], Path]:
    """Return a function that makes a project, once, and returns its root."""
    made = {"official": small_project}

    def root(name: str) -> Path:
        if name == "several":
            return request.getfixturevalue("several_project")
        if name not in made:
            made[name] = build_once(tmp_path_factory, name, lambda root: small.build(root, CHANGES[name]))
        return made[name]

    return root


@pytest.fixture(scope="session")
def ask(roots: Callable[[str], Path]) -> Callable[[str], TraceQueries]:
    """Return a function that gives the trace queries of a project."""
    return lambda name: TraceQueries(project.load(roots(name)))
