"""SPRSound in params.yaml and recipes: splits, label sets, and settings of its own."""

from pathlib import Path
from typing import Any

import pytest

from flows.recipes import corpus as recipe_corpus
from tasks.parameters import judge
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.corpora.sprsound import generated

ROOT = Path(__file__).parents[5]
SIDES = ("train", "inter", "intra", "test-2023")


def with_corpus(split: str | int = "official", **changes: Any) -> dict[str, Any]:
    """Return the project's parameters with changes of its corpus."""
    return params.merge(params.read(ROOT / "params.yaml"), {"split": split, "corpora": {"demo": changes}})


@pytest.mark.parametrize(("segments", "allowed"), [("events", "sprsound_event_7"), ("recordings", "sprsound_record_5")])
def test_params_name_the_label_sets_of_the_chosen_segments(segments, allowed):
    raw = with_corpus(split="inter", format="sprsound", sprsound={"segments": segments}) | {
        "labels": "sprsound_record_3"
    }
    found = [str(fault) for fault in judge.find(raw) if fault.key == ("labels",)]
    assert bool(found) == (segments == "events")
    assert all(allowed in fault for fault in found)


@pytest.mark.parametrize(
    ("tests", "split", "wanted"),
    [
        ((), "official", 0),
        (("inter", "intra"), "official", "inter"),
        (("intra",), "intra", "intra"),
        ((), "inter", 0),
        ((), "3", "3"),
        ((), "2@Yunting II", "2@Yunting II"),
    ],
)
def test_a_recipe_recognises_the_corpus_and_gets_a_split_that_it_has(tmp_path, tests, split, wanted):
    source = generated.lay_out(tmp_path / "source", generated.recordings(2, ("train", *tests)))
    chosen = recipe_corpus.settings(str(source))
    assert (chosen["format"], chosen["source"], chosen["expect"]) == ("sprsound", "directory", "partial")
    kept = recipe_corpus.has_split(chosen, split, tmp_path)
    assert (split if kept else recipe_corpus.usual_split(chosen, tmp_path)) == wanted


def test_a_recipe_and_params_say_that_the_corpus_cannot_be_fetched():
    with pytest.raises(BreathlineError, match=r"cannot be fetched[\s\S]*name the archive or the unpacked folder"):
        recipe_corpus.settings("sprsound")
    raw = with_corpus(split=0, format="sprsound")
    assert [(fault.key, "archive, directory" in str(fault)) for fault in judge.find(raw)] == [
        (("corpora", "demo", "source"), True)
    ]


@pytest.mark.parametrize(
    ("corpus", "split", "allowed"),
    [
        ("sprsound", "official", "inter, intra, "),
        ("sprsound", "inter", None),
        ("sprsound", 4, None),
        ("demo", "inter", "official, official-disjoint, 0, 1, 2, 3, 4, each also with @<device>"),
        ("demo", "official-disjoint@Meditron", None),
    ],
)
def test_params_name_the_splits_of_the_corpus(corpus, split, allowed):
    raw = with_corpus(split=split, format=corpus)
    found = [str(fault) for fault in judge.find(raw) if fault.key == ("split",)]
    assert bool(found) == bool(allowed)
    assert not allowed or allowed in found[0]


def test_a_setting_of_the_corpus_that_does_not_exist_is_refused():
    raw = with_corpus(sprsound={"rhonchi": "crackle"})
    assert [fault.key for fault in judge.find(raw)] == [("corpora", "demo", "sprsound", "rhonchi")]
