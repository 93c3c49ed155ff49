from __future__ import annotations

from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml, modify_yaml
from ruamel.yaml import YAML

from cli import params_text, recipe
from flows.graph import flatten
from tasks.errors import BreathlineError

ROOT = Path(__file__).parents[3]
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.yaml"))
PARAMS = """\
# The head.
download:
  source: demo      # where from
  path: null

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
        PARAMS, overrides("{download: {source: archive, path: x.zip}, student: {seeds: [1, 2], optimizer: {rho: 0.1}}}")
    )
    expected = PARAMS.replace("source: demo      #", "source: archive   #").replace("path: null", "path: x.zip")
    expected = expected.replace("[1]        #", "[1, 2]     #").replace("rho: 0.05", "rho: 0.1")
    assert text == expected
    assert [(c.key, c.old, c.new) for c in changes] == [
        ("download.source", "demo", "archive"),
        ("download.path", "null", "x.zip"),
        ("student.seeds", "[1]", "[1, 2]"),
        ("student.optimizer.rho", "0.05", "0.1"),
    ]


def test_teachers_are_replaced_as_a_whole_one_line_each_and_the_comments_around_stay():
    text, changes = params_text.apply(
        PARAMS,
        overrides(
            "teachers:\n  c:\n    architecture: mn\n    options: {width: 0.4}\n    seed: 3\n  b: {architecture: mn}\n"
        ),
    )
    old = PARAMS.split("teachers:")[1].split("\n\n", maxsplit=1)[0]
    assert text == PARAMS.replace(
        old,
        "           # all of them\n  c: {architecture: mn, options: {width: 0.4}, seed: 3}\n  b: {architecture: mn}",
    )
    assert [change.key for change in changes] == ["teachers.a", "teachers.b", "teachers.c"]


def test_what_follows_a_block_of_teachers_stays_when_they_are_replaced():
    block = PARAMS.replace("{architecture: mn, options: {width: 0.1}, seed: 2}", "\n    architecture: mn\n    seed: 2")
    text, _ = params_text.apply(block, overrides("{teachers: {c: {seed: 3}}}"))
    assert "  c: {seed: 3}\n\n# About the student.\nstudent:" in text


def test_options_of_an_earlier_network_do_not_linger():
    text, _ = params_text.apply(PARAMS, overrides("{student: {options: {width: 0.4}}}"))
    assert "options: {width: 0.4}\n" in text


def test_unknown_keys_are_all_named():
    with pytest.raises(BreathlineError, match=r"student\.optimiser, dat"):
        params_text.apply(PARAMS, overrides("{student: {optimiser: {rho: 1}}, dat: 1}"))
    with pytest.raises(BreathlineError, match=r"student\.optimizer \(a mapping"):
        params_text.apply(PARAMS, overrides("{student: {optimizer: sam}}"))


def test_a_recipe_has_two_keys_and_exists(tmp_path):
    (tmp_path / "odd.yaml").write_text("description: x\noverride: {}\n")
    with pytest.raises(BreathlineError, match="exactly the keys"):
        recipe.load("odd", tmp_path)
    with pytest.raises(BreathlineError, match=r"no recipe `other`(.|\n)*odd"):
        recipe.load("other", tmp_path)


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_fits_params_yaml_and_is_idempotent(name):
    given = recipe.load(name, ROOT / "recipes")["overrides"]
    text, _ = params_text.apply((ROOT / "params.yaml").read_text(), given)
    assert params_text.apply(text, given) == (text, [])


@pytest.mark.parametrize("name", RECIPES)
def test_params_yaml_is_the_demo_whatever_was_used_before(name):
    committed = (ROOT / "params.yaml").read_text()
    other, _ = params_text.apply(committed, recipe.load(name, ROOT / "recipes")["overrides"])
    back, _ = params_text.apply(other, recipe.load("demo", ROOT / "recipes")["overrides"])
    assert back == committed


@pytest.mark.parametrize("name", RECIPES)
def test_dvc_can_change_what_a_recipe_wrote(name, tmp_path):
    """`dvc exp run -S` rewrites params.yaml, and wraps long lines."""
    path = tmp_path / "params.yaml"
    text, _ = params_text.apply((ROOT / "params.yaml").read_text(), recipe.load(name, ROOT / "recipes")["overrides"])
    path.write_text(text)
    with modify_yaml(str(path)) as params:
        params["student"]["optimizer"]["rho"] = 0.07
    expected = YAML(typ="safe").load(text)
    expected["student"]["optimizer"]["rho"] = 0.07
    assert load_yaml(str(path)) == expected


def test_all_recipes_set_the_same_keys():
    def keys(name: str) -> set[str]:
        given = recipe.load(name, ROOT / "recipes")["overrides"]
        return {next((whole for whole in params_text.WHOLE if key.startswith(whole)), key) for key in flatten(given)}

    assert {name: keys(name) for name in RECIPES} == dict.fromkeys(RECIPES, keys("demo"))


def test_use_writes_removes_leftovers_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    Path("recipes").symlink_to(ROOT / "recipes")
    for folder in ("teachers/mn04_s1", "teachers/old", "student/1", "student/9", "fbank/efficientat", "weights/gone"):
        (Path("data") / folder).mkdir(parents=True)
    Path("data/teachers/.gitignore").write_text("*\n")

    recipe.use("real-cpu", dry=True)
    assert "data/teachers/old" in capsys.readouterr().out
    assert Path("data/teachers/old").exists()
    assert Path("params.yaml").read_text() == (ROOT / "params.yaml").read_text()

    recipe.use("real-cpu")
    assert "mn04_s1" in capsys.readouterr().out
    assert sorted(str(path) for path in Path("data").glob("*/*")) == [
        "data/fbank/efficientat",
        "data/student/1",
        "data/teachers/.gitignore",
        "data/teachers/mn04_s1",
    ]
    recipe.use("real-cpu")
    assert "Nothing to change" in capsys.readouterr().out
