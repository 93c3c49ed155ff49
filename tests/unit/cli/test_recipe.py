"""Command `breathline recipe use` in a project in which another recipe has run."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import recipe
from cli.main import app
from tasks.parameters.schema import EDITOR_LINE
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[3]


def test_use_writes_params_removes_leftovers_and_reports_both(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    clinic = "external:\n  clinic: {format: demo, source: publisher, demo: {first_patient: 301}}\n"
    before = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("external: {}\n", clinic)
    Path("params.yaml").write_text(before, encoding="utf-8")
    Path("recipes").symlink_to(ROOT / "recipes")
    kept = ["teachers/mn04_s1", "student/1", "fbank/efficientat/icbhi", "raw/icbhi", "external/raw/clinic"]
    kept += ["external/tested/clinic/fbank/efficientat"]
    gone = ["teachers/old", "student/9", "fbank/ast/icbhi", "fbank/efficientat/demo", "weights/gone", "raw/demo"]
    gone += ["extracted/demo", "waveforms/demo", "validation/demo", "external/tested/clinic/fbank/ast"]
    gone += ["external/tested/other"]
    for folder in [*kept, *gone]:
        (Path("data") / folder).mkdir(parents=True)
    records = ("extract@icbhi", "pool", "fbank@demo-efficientat", "extract_external@other", "fbank_external@clinic-ast")
    Path("data/lineage").mkdir()
    for record in records:
        Path(f"data/lineage/{record}.json").touch()
    Path("data/teachers/.gitignore").write_text("*\n", encoding="utf-8")

    recipe.use("real-cpu", dry=True)
    assert "data/teachers/old" in capsys.readouterr().out
    assert Path("data/teachers/old").exists()
    assert Path("params.yaml").read_text(encoding="utf-8") == before

    recipe.use("real-cpu")
    assert "mn04_s1" in capsys.readouterr().out
    assert [folder for folder in kept if not (Path("data") / folder).exists()] == []
    assert [folder for folder in gone if (Path("data") / folder).exists()] == []
    assert sorted(path.stem for path in Path("data/lineage").iterdir()) == ["extract@icbhi", "pool"]
    recipe.use("real-cpu")
    assert "Nothing to change" in capsys.readouterr().out


def test_options_name_corpora_to_learn_from_and_to_test_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    Path("recipes").symlink_to(ROOT / "recipes")
    done = CliRunner().invoke(app, ["recipe", "use", "mn_weighted", "--external", "clinic=icbhi", "--corpus", "demo"])
    assert done.exit_code == 0
    written = params.read(Path("params.yaml"))
    assert (list(written["corpora"]), written["external"]) == (
        ["demo"],
        {"clinic": {"format": "icbhi", "source": "publisher"}},
    )


def project(folder: Path, **recipes: str) -> Path:
    """Return a folder with the project's params.yaml and defaults, and recipes with these overrides."""
    (folder / "recipes").mkdir()
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    defaults = (ROOT / "recipes" / "defaults.yaml").read_text(encoding="utf-8")
    (folder / "recipes" / "defaults.yaml").write_text(defaults, encoding="utf-8")
    for name, text in recipes.items():
        (folder / "recipes" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def test_one_bad_recipe_does_not_hide_the_others(tmp_path, monkeypatch):
    bad = {"bad": "description: x\n\toverrides: {}\n", "odd": "description: x\noverride: {}\n"}
    monkeypatch.chdir(project(tmp_path, good="description: a good one\noverrides: {}\n", **bad))
    done = CliRunner().invoke(app, ["recipe", "list"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    for words in ("a good one", "indented by a tab", "bad.yaml:2", "odd.yaml:2", "did you mean overrides?"):
        assert words in done.stdout


def test_a_wrong_recipe_is_refused_with_its_line_and_nothing_is_written(tmp_path, monkeypatch):
    base = "description: x\noverrides:\n  student:\n    optimizer: {rho: -1}\n"
    top = "description: y\nbased_on: base\noverrides:\n  student:\n    optimiser: {rho: 0.1}\n"
    monkeypatch.chdir(project(tmp_path, base=base, top=top))
    with pytest.raises(BreathlineError) as error:
        recipe.use("top")
    message = str(error.value)
    assert "recipes/base.yaml:4: student.optimizer.rho is -1; allowed: a number from 0 to 1" in message
    assert "recipes/top.yaml:5: student.optimiser is unknown; did you mean optimizer?" in message
    assert (tmp_path / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()


def test_a_key_that_no_recipe_sets_is_named_in_params_yaml(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path, good="description: x\noverrides: {}\n"))
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().replace("confidence: 0.95", "confidence: 95"))
    line = path.read_text()[: path.read_text().index("confidence")].count("\n") + 1
    with pytest.raises(BreathlineError, match=rf"params\.yaml:{line}: evaluation\.confidence is 95"):
        recipe.use("good", dry=True)


def test_the_line_for_editors_is_written_if_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path, good="description: x\noverrides: {}\n"))
    path = tmp_path / "params.yaml"
    path.write_text(path.read_text().partition("\n")[2])
    recipe.use("good")
    assert path.read_text().splitlines()[0] == EDITOR_LINE


def test_a_recipe_is_shown_as_its_file_is():
    """Long lines were cut at 80 columns, into broken YAML."""
    done = CliRunner().invoke(app, ["recipe", "show", "patchmix_cl"], env={"COLUMNS": "80"})
    assert done.stdout == (ROOT / "recipes/patchmix_cl.yaml").read_text()
