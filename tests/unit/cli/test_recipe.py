"""Command `breathline recipe use` in a project in which another recipe has run."""

from pathlib import Path

from cli import recipe

ROOT = Path(__file__).parents[3]


def test_use_writes_params_removes_leftovers_and_reports_both(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text(), encoding="utf-8")
    Path("recipes").symlink_to(ROOT / "recipes")
    for folder in ("teachers/mn04_s1", "teachers/old", "student/1", "student/9", "fbank/efficientat", "weights/gone"):
        (Path("data") / folder).mkdir(parents=True)
    Path("data/teachers/.gitignore").write_text("*\n", encoding="utf-8")

    recipe.use("real-cpu", dry=True)
    assert "data/teachers/old" in capsys.readouterr().out
    assert Path("data/teachers/old").exists()
    assert Path("params.yaml").read_text(encoding="utf-8") == (ROOT / "params.yaml").read_text()

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
