"""Corpora and split that a recipe gives a project: own ones, those of the options, and kept keys."""

from pathlib import Path
from typing import Any

import pytest

from flows.recipes.chosen_corpora import choose
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.corpora.sprsound import generated

DEMO = {"format": "demo", "source": "publisher"}
ICBHI = {"format": "icbhi", "source": "directory", "path": "ICBHI_final_database"}
SPRSOUND = {"format": "sprsound", "source": "directory", "path": "SPRSound"}
JOINT = {"corpora": {"icbhi": ICBHI, "sprsound": SPRSOUND}, "split": {"icbhi": "official", "sprsound": "inter"}}


def chosen(
    settings: dict[str, Any],
    project: dict[str, Any] | None = None,
    corpus: Any = (),
    external: Any = (),
    root: Path = Path(),
) -> dict[str, Any]:
    project = {"corpora": {"demo": DEMO}, "external": {}, "split": "official", **(project or {})}
    return choose({"split": "official", **settings}, project, root, corpus=corpus, external=external)


@pytest.fixture
def sprsound(tmp_path: Path) -> Path:
    return generated.lay_out(tmp_path / "SPRSound", generated.recordings(3, ("train", "inter")))


def test_corpora_that_neither_recipe_nor_options_name_stay(sprsound):
    assert chosen({}) == {"split": "official"}
    found = chosen({}, external=[f"hospital={sprsound}"])
    assert "corpora" not in found
    assert found["external"]["hospital"]["format"] == "sprsound"
    assert found["external"]["hospital"]["expect"] == "partial"


def test_an_option_fills_the_recipes_corpus_of_its_name_and_the_others_stay(sprsound):
    found = chosen(JOINT, corpus=["icbhi=demo"])
    assert found["corpora"] == {"icbhi": DEMO, "sprsound": SPRSOUND}
    assert found["split"] == {"icbhi": "official", "sprsound": "inter"}
    found = chosen({"external": {"sprsound": {**SPRSOUND, "test": "inter"}}}, external=[str(sprsound)])
    assert found["external"]["sprsound"]["path"] == str(sprsound)
    assert found["external"]["sprsound"]["test"] == "inter"
    without = chosen({"external": {"sprsound": {**SPRSOUND, "test": "intra"}}}, external=[str(sprsound)])
    assert without["external"]["sprsound"]["test"] == "inter"  # the source has no recordings of `intra`
    found = chosen(JOINT, corpus=["demo"])
    assert (found["corpora"], found["split"]) == ({"demo": DEMO}, "official")


def test_what_a_project_has_set_for_a_corpus_of_the_same_name_and_format_is_kept():
    own = {"exclude_patients": ["101"], "metadata": "notes", "mirrors": ["https://example.org"]}
    before = {**ICBHI, **own, "sha256": "5" * 64, "expect": "partial"}
    moved = {**ICBHI, "path": "elsewhere"}
    settings = {"corpora": {"icbhi": moved}}
    assert chosen(settings, {"corpora": {"icbhi": before}})["corpora"] == {"icbhi": {**own, **moved}}
    assert chosen({"corpora": {"icbhi": ICBHI}}, {"corpora": {"icbhi": before}})["corpora"] == {"icbhi": before}
    # A patient without consent stays excluded whatever the corpus is used for.
    tested = chosen({"external": {"icbhi": ICBHI}}, {"corpora": {"icbhi": before}})["external"]["icbhi"]
    assert tested["exclude_patients"] == ["101"]
    other = {"corpora": {"icbhi": DEMO}}
    assert chosen(other, {"corpora": {"icbhi": before}})["corpora"] == other["corpora"]


def test_an_item_with_the_same_meaning_stays_as_it_is_written():
    long = {**DEMO, "path": None, "expect": "full", "exclude_patients": []}
    assert chosen({"corpora": {"demo": DEMO}}, {"corpora": {"demo": long}})["corpora"] == {"demo": long}


def test_each_corpus_has_a_split_that_it_knows(sprsound):
    both = chosen({}, corpus=["demo", str(sprsound)])
    assert both["split"] == {"demo": "official", "sprsound": "inter"}
    assert chosen({}, corpus=[str(sprsound)])["split"] == "inter"
    assert chosen({"split": "inter"}, corpus=["demo"])["split"] == "official"
    # Without the option, a split that the project has set for its corpus is kept.
    project = {"corpora": {"one": DEMO, "two": SPRSOUND}, "split": {"one": "official", "two": "intra"}}
    assert chosen({"split": "0"}, project)["split"] == "0"
    assert chosen({}, project)["split"] == {"one": "official", "two": "intra"}


def test_a_corpus_is_not_both_learned_from_and_only_tested_on():
    with pytest.raises(BreathlineError, match=r"The corpus demo is to be learned from(.|\n)*--external NAME=SOURCE"):
        chosen({}, external=["demo"])
    found = chosen({}, external=["other=demo"])
    assert found["external"] == {"other": DEMO}
