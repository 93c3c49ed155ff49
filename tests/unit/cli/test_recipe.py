from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from dvc.utils.serialize import load_yaml, modify_yaml
from ruamel.yaml import YAML

from cli import recipe
from flows.recipes import corpus, params_text
from flows.recipes import layers as recipe_layers
from tasks.errors import BreathlineError

ROOT = Path(__file__).parents[3]
RECIPES = recipe_layers.names(ROOT / "recipes")
COMMITTED = (ROOT / "params.yaml").read_text()
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


def test_what_follows_teachers_stays_when_there_are_none_and_again_some():
    none, _ = params_text.apply(PARAMS, overrides("{teachers: {}}"))
    assert "\nteachers: {}        # all of them\n\n# About the student.\nstudent:" in none
    again, _ = params_text.apply(none, overrides("{teachers: {c: {seed: 3}}}"))
    assert "\nteachers:           # all of them\n  c: {seed: 3}\n\n# About the student.\nstudent:" in again


DEFAULTS = """\
overrides:
  lr: 1
  frontends: {ast: 8, fbank: 8}
  weights: {published: url, scratch: none}
  student: {options: {}, frontend: ast, weights: published, seeds: [1, 2]}
  teachers: {}
small: {student: {weights: scratch, seeds: [1]}, teachers: {"*": {weights: scratch}}}
"""
TEACHERS = """\
  teachers:
    a: &teacher {options: {size: base}, frontend: fbank, weights: published, seed: 1}
    b: {<<: *teacher, seed: 2}
"""


def layers(folder: Path, **recipes: str) -> Path:
    """Return a folder of recipes, over small defaults."""
    for name, text in {"defaults": DEFAULTS, **recipes}.items():
        (folder / f"{name}.yaml").write_text(f"description: x\n{text}\n")
    return folder


def test_a_recipe_lies_over_what_it_is_based_on_and_that_over_the_defaults(tmp_path):
    base = f"overrides:\n  lr: 2\n  student: {{options: {{size: base}}}}\n{TEACHERS}"
    top = "based_on: base\noverrides: {student: {options: {depth: 3}}}"
    found = recipe_layers.resolve("top", folder=layers(tmp_path, base=base, top=top))
    assert found["lr"] == 2
    assert found["student"] == {"options": {"depth": 3}, "frontend": "ast", "weights": "published", "seeds": [1, 2]}
    assert [teacher["seed"] for teacher in found["teachers"].values()] == [1, 2]
    assert recipe_layers.names(tmp_path) == ["base", "top"]


def test_small_shrinks_the_teachers_there_are_and_replaces_their_options(tmp_path):
    small = "small: {teachers: {'*': {options: {depth: 1}}, b: {seed: 5}}}"
    layers(tmp_path, top=f"overrides:\n{TEACHERS}{small}", odd="overrides: {}\nsmall: {teachers: {c: {seed: 1}}}")
    found = recipe_layers.resolve("top", small=True, folder=tmp_path)
    shrunk = {"options": {"depth": 1}, "frontend": "fbank", "weights": "scratch"}
    assert found["teachers"] == {"a": {**shrunk, "seed": 1}, "b": {**shrunk, "seed": 5}}
    assert (found["student"]["weights"], found["student"]["seeds"]) == ("scratch", [1])
    with pytest.raises(BreathlineError, match="no teacher `c`"):
        recipe_layers.resolve("odd", small=True, folder=tmp_path)


def test_front_ends_and_weights_that_no_network_names_are_left_out(tmp_path):
    layers(tmp_path, plain="overrides: {}", taught=f"overrides:\n{TEACHERS}")
    plain, taught = (recipe_layers.resolve(name, folder=tmp_path) for name in ("plain", "taught"))
    assert (plain["frontends"], plain["weights"]) == ({"ast": 8}, {"published": "url"})
    assert taught["frontends"] == {"ast": 8, "fbank": 8}
    assert recipe_layers.resolve("taught", small=True, folder=tmp_path)["weights"] == {"scratch": "none"}


def test_a_recipe_has_its_keys_and_exists_and_is_not_based_on_itself(tmp_path):
    layers(tmp_path, odd="override: {}", one="based_on: two\noverrides: {}", two="based_on: one\noverrides: {}")
    with pytest.raises(BreathlineError, match="has the keys description and overrides"):
        recipe_layers.load("odd", tmp_path)
    with pytest.raises(BreathlineError, match=r"no recipe `other`(.|\n)*odd, one, two"):
        recipe_layers.load("other", tmp_path)
    with pytest.raises(BreathlineError, match="`one` is based on itself"):
        recipe_layers.resolve("one", folder=tmp_path)


def test_the_corpus_is_the_users_and_a_part_is_seen_to_be_one(tmp_path):
    archive = tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("ICBHI_final_database/101_1b1_Al_sc_Meditron.wav", b"")
    whole = tmp_path / "all"
    whole.mkdir()
    for number in range(920):
        (whole / f"{number}.wav").touch()
    assert corpus.settings("demo")["source"] == "demo"
    assert (corpus.settings("icbhi")["source"], corpus.settings("icbhi")["expect"]) == ("icbhi", "full")
    part = corpus.settings(str(archive))
    assert (part["source"], part["path"], part["expect"]) == ("archive", str(archive), "partial")
    assert corpus.settings(str(whole))["expect"] == "full"
    (whole / "0.wav").unlink()
    assert corpus.settings(str(whole)) | {"path": None} == corpus.settings("demo") | {
        "source": "directory",
        "expect": "partial",
    }
    for path in (tmp_path / "none", ROOT / "params.yaml", ROOT / "recipes"):
        with pytest.raises(BreathlineError, match=r"There is no such|no zip|No recording"):
            corpus.settings(str(path))


def used(name: str, text: str = COMMITTED, *, small: bool = False) -> str:
    return params_text.apply(text, recipe_layers.resolve(name, small=small, folder=ROOT / "recipes"))[0]


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_fits_params_yaml_leaves_no_trace_and_nothing_lingers_in_it(name, small):
    """Whatever is used after the demo, which is committed, the demo comes back byte for byte."""
    text = used(name, small=small)
    assert used(name, text, small=small) == text
    assert used("demo", text) == COMMITTED
    params = YAML(typ="safe").load(text)
    set_by = recipe_layers.resolve(name, small=small, folder=ROOT / "recipes")
    for section in set(params) - {"download", "validate", "evaluation"}:
        assert set_by[section] == params[section], f"{section} keeps something of what was used before"


@pytest.mark.parametrize("name", RECIPES)
def test_small_keeps_the_method(name):
    """What makes a method must be in its miniature: all but sizes, weights, seeds and lengths."""
    load = YAML(typ="safe").load
    full, small = load(used(name)), load(used(name, small=True))
    for key in ("objective", "optimizer", "sampler", "specaugment", "waveform", "moving_average"):
        if key == "objective":
            for part in (full, small):
                part["student"]["objective"]["patchmix"].pop("projection")
        assert small["student"][key] == full["student"][key]
        if key != "objective":
            assert small["teacher_training"][key] == full["teacher_training"][key]
    assert small["soft_labels"] == full["soft_labels"]
    assert small["selections"] == full["selections"]
    structure = ("seed", "fold")
    for part in (full, small):
        part["teachers"] = {
            name: {key: teacher.get(key) for key in structure} for name, teacher in part["teachers"].items()
        }
    assert small["teachers"] == full["teachers"]
    assert set(small["weights"]) == {"scratch"}
    assert small["student"]["seeds"] == [1]


@pytest.mark.parametrize("name", RECIPES)
def test_dvc_can_change_what_a_recipe_wrote(name, tmp_path):
    """`dvc exp run -S` rewrites params.yaml, and wraps long lines."""
    path = tmp_path / "params.yaml"
    text = used(name)
    path.write_text(text)
    with modify_yaml(str(path)) as params:
        params["student"]["optimizer"]["rho"] = 0.07
    expected = YAML(typ="safe").load(text)
    expected["student"]["optimizer"]["rho"] = 0.07
    assert load_yaml(str(path)) == expected


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
