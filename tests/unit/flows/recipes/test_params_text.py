"""Changes of params.yaml: only values change, comments and columns stay."""

import pytest
from ruamel.yaml import YAML

from flows.recipes import params_text
from tasks.runtime.errors import BreathlineError

PARAMS = """\
# The head.
compute:
  device: auto      # where
  clip: null

teachers:           # all of them
  a: {architecture: ast, options: {}, seed: 1}
  b: {architecture: mn, options: {width: 0.1}, seed: 2}

# About the student.
student:
  options: {depth: 4}
  seeds: [1]        # one run each
  optimizer: {name: sam, rho: 0.05}
"""


def overrides(text: str):
    return YAML().load(text)


def test_only_the_values_change():
    text, changes = params_text.apply(
        PARAMS, overrides("{compute: {device: cuda, clip: 0.5}, student: {seeds: [1, 2], optimizer: {rho: 0.1}}}")
    )
    expected = PARAMS.replace("device: auto      #", "device: cuda      #").replace("clip: null", "clip: 0.5")
    expected = expected.replace("[1]        #", "[1, 2]     #").replace("rho: 0.05", "rho: 0.1")
    assert text == expected
    assert [(c.key, c.old, c.new) for c in changes] == [
        ("compute.device", "auto", "cuda"),
        ("compute.clip", "null", "0.5"),
        ("student.seeds", "[1]", "[1, 2]"),
        ("student.optimizer.rho", "0.05", "0.1"),
    ]


def test_teachers_are_replaced_as_a_whole_one_line_each_and_the_comments_around_stay():
    new = "teachers:\n  c:\n    architecture: mn\n    options: {width: 0.4}\n    seed: 3\n  b: {architecture: mn}\n"
    text, changes = params_text.apply(PARAMS, overrides(new))
    before, after = PARAMS.split("  a: {", maxsplit=1)[0], PARAMS.split("seed: 2}")[1]
    lines = "  c: {architecture: mn, options: {width: 0.4}, seed: 3}\n  b: {architecture: mn}"
    assert text == before + lines + after
    assert [change.key for change in changes] == ["teachers.a", "teachers.b", "teachers.c"]


def test_comments_after_a_block_of_teachers_stay_when_they_are_replaced():
    block = PARAMS.replace("{architecture: mn, options: {width: 0.1}, seed: 2}", "\n    architecture: mn\n    seed: 2")
    text, _ = params_text.apply(block, overrides("{teachers: {c: {seed: 3}}}"))
    assert "  c: {seed: 3}\n\n# About the student.\nstudent:" in text


def test_options_of_an_earlier_network_are_removed():
    text, _ = params_text.apply(PARAMS, overrides("{student: {options: {width: 0.4}}}"))
    assert "options: {width: 0.4}\n" in text


def test_unknown_keys_are_all_named():
    with pytest.raises(BreathlineError, match=r"student\.optimiser, dat"):
        params_text.apply(PARAMS, overrides("{student: {optimiser: {rho: 1}}, dat: 1}"))
    with pytest.raises(BreathlineError, match=r"student\.optimizer \(a mapping"):
        params_text.apply(PARAMS, overrides("{student: {optimizer: sam}}"))


def test_comments_after_teachers_stay_when_there_are_none_and_later_some():
    none, _ = params_text.apply(PARAMS, overrides("{teachers: {}}"))
    assert "\nteachers: {}        # all of them\n\n# About the student.\nstudent:" in none
    again, _ = params_text.apply(none, overrides("{teachers: {c: {seed: 3}}}"))
    assert "\nteachers:           # all of them\n  c: {seed: 3}\n\n# About the student.\nstudent:" in again


def test_a_number_may_become_a_list_and_a_list_a_number():
    there, _ = params_text.apply("variance: 0.1  # one or many\n", overrides("{variance: [0.1, 0.2]}"))
    assert there == "variance: [0.1, 0.2] # one or many\n"
    back, changes = params_text.apply(there, overrides("{variance: 0.1}"))
    assert YAML(typ="safe").load(back) == {"variance": 0.1}
    assert [change.key for change in changes] == ["variance"]


def test_a_split_may_become_one_by_corpus_and_again_one_of_all():
    text = "split: official  # of all\n                 # or by corpus\n\nseed: 1\n"
    there, changes = params_text.apply(text, overrides("{split: {icbhi: official, sprsound: inter}}"))
    assert there.startswith("split: {icbhi: official, sprsound: inter}")
    assert "# of all" in there
    assert "# or by corpus" in there
    assert [(change.key, change.new) for change in changes] == [("split", "{icbhi: official, sprsound: inter}")]
    other, _ = params_text.apply(there, overrides("{split: {sprsound: intra}}"))
    assert YAML(typ="safe").load(other)["split"] == {"sprsound": "intra"}
    assert params_text.apply(other, overrides("{split: official}"))[0] == text
