"""Resolution of recipes over base recipes and defaults, of small versions, and of the corpus that a user names."""

import zipfile
from pathlib import Path

import pytest

from flows.recipes import corpus
from flows.recipes import layers as recipe_layers
from tasks.runtime.errors import BreathlineError

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


def test_a_recipe_is_merged_over_its_base_and_the_defaults(tmp_path):
    base = f"overrides:\n  lr: 2\n  student: {{options: {{size: base}}}}\n{TEACHERS}"
    top = "based_on: base\noverrides: {student: {options: {depth: 3}}}"
    found = recipe_layers.resolve("top", folder=layers(tmp_path, base=base, top=top))
    assert found["lr"] == 2
    assert found["student"] == {"options": {"depth": 3}, "frontend": "ast", "weights": "published", "seeds": [1, 2]}
    assert [teacher["seed"] for teacher in found["teachers"].values()] == [1, 2]
    assert recipe_layers.names(tmp_path) == ["base", "top"]


def test_small_changes_existing_teachers_and_replaces_their_options(tmp_path):
    small = "small: {teachers: {'*': {options: {depth: 1}}, b: {seed: 5}}}"
    layers(tmp_path, top=f"overrides:\n{TEACHERS}{small}", odd="overrides: {}\nsmall: {teachers: {c: {seed: 1}}}")
    found = recipe_layers.resolve("top", small=True, folder=tmp_path)
    shrunk = {"options": {"depth": 1}, "frontend": "fbank", "weights": "scratch"}
    assert found["teachers"] == {"a": {**shrunk, "seed": 1}, "b": {**shrunk, "seed": 5}}
    assert (found["student"]["weights"], found["student"]["seeds"]) == ("scratch", [1])
    with pytest.raises(BreathlineError, match="changes the teacher `c`"):
        recipe_layers.resolve("odd", small=True, folder=tmp_path)


def test_front_ends_and_weights_that_no_network_uses_are_left_out(tmp_path):
    layers(tmp_path, plain="overrides: {}", taught=f"overrides:\n{TEACHERS}")
    plain, taught = (recipe_layers.resolve(name, folder=tmp_path) for name in ("plain", "taught"))
    assert (plain["frontends"], plain["weights"]) == ({"ast": 8}, {"published": "url"})
    assert taught["frontends"] == {"ast": 8, "fbank": 8}
    assert recipe_layers.resolve("taught", small=True, folder=tmp_path)["weights"] == {"scratch": "none"}


def test_unknown_recipes_wrong_keys_and_circles_are_refused(tmp_path):
    layers(tmp_path, odd="override: {}", one="based_on: two\noverrides: {}", two="based_on: one\noverrides: {}")
    with pytest.raises(BreathlineError, match=r"odd\.yaml:2: override is unknown; did you mean overrides\?"):
        recipe_layers.load("odd", tmp_path)
    with pytest.raises(BreathlineError, match=r"recipe `other` does not exist(.|\n)*odd, one, two"):
        recipe_layers.load("other", tmp_path)
    with pytest.raises(BreathlineError, match="`one` is based on itself"):
        recipe_layers.resolve("one", folder=tmp_path)


ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("kaggle:vbookshelf/respiratory-sound-database", ("icbhi", "icbhi", "kaggle", None)),
        ("ward=kaggle:vbookshelf/respiratory-sound-database@2", ("ward", "icbhi", "kaggle", 2)),
        ("icbhi=hub:o/n@main", ("icbhi", "icbhi", "hub", "main")),
        ("sprsound=kaggle:o/n", ("sprsound", "sprsound", "kaggle", None)),
    ],
)
def test_a_dataset_on_kaggle_or_the_hub_is_a_corpus(text, chosen):
    ((name, item),) = corpus.items([text], "--corpus").items()
    assert (name, item["format"], item["source"], item.get("revision")) == chosen
    assert item["dataset"] == text.partition(":")[2].partition("@")[0]
    assert "path" not in item


@pytest.mark.parametrize("text", ["hub:o/n", "ibchi=hub:o/n"])
def test_the_format_of_a_dataset_must_be_known(text):
    with pytest.raises(BreathlineError, match="format of the dataset is not known") as error:
        corpus.items([text], "--corpus")
    assert "such as FORMAT=kaggle:OWNER/NAME" in error.value.hint
    with pytest.raises(BreathlineError, match="no such archive or folder"):
        corpus.items(["kaggle:name"], "--corpus")


def test_a_folder_with_fewer_recordings_is_a_part(tmp_path):
    archive = tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("ICBHI_final_database/101_1b1_Al_sc_Meditron.wav", b"")
    whole = tmp_path / "all"
    whole.mkdir()
    for number in range(101, 1021):
        (whole / f"{number}_1b1_Al_sc_Meditron.wav").touch()
    for name in ("demo", "icbhi"):
        assert corpus.settings(name) == {"format": name, "source": "publisher"}
    part = {"format": "icbhi", "source": "archive", "path": str(archive), "expect": "partial"}
    assert corpus.settings(str(archive)) == part
    complete = {"format": "icbhi", "source": "directory", "path": str(whole)}
    assert corpus.settings(str(whole)) == complete
    (whole / "101_1b1_Al_sc_Meditron.wav").unlink()
    assert corpus.settings(str(whole)) == {**complete, "expect": "partial"}
    found = corpus.items([str(archive), f"clinic={archive}", "demo"], "--corpus")
    assert found == {"icbhi": part, "clinic": part, "demo": {"format": "demo", "source": "publisher"}}
    equals = tmp_path / "a=b"
    archive.rename(equals)
    assert corpus.items([str(equals)], "--corpus")["icbhi"]["path"] == str(equals)
    with pytest.raises(BreathlineError, match=r"Two corpora have the name demo(.|\n)*--external other=demo"):
        corpus.items(["demo", "demo"], "--external")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "cough.wav").touch()
    for path in (tmp_path / "strange", tmp_path / "none", ROOT / "params.yaml", ROOT / "recipes"):
        with pytest.raises(BreathlineError, match=r"There is no such|not a zip|no recording"):
            corpus.settings(str(path))
