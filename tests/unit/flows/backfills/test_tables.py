import json
from pathlib import Path

from flows.backfills.tables import markdown_tables, tables, write
from flows.backfills.variants import Variant


def workspace(folder: Path, score: float | None, *, definition: str = "", **about) -> Path:
    (folder / "reports").mkdir(parents=True)
    figures = {"score_strict": score, "score_lenient": 70.0}
    (folder / "reports" / "scores.json").write_text(json.dumps({"val": {"student": figures}}))
    metrics = {"corpus": "demo", "labels": "lungsound_4", "split": "official", **about}
    (folder / "reports" / "metrics.json").write_text(json.dumps(metrics | {"test": {"cycles": 90, "patients": 9}}))
    (folder / "models").mkdir()
    (folder / "models" / "metrics.py").write_text(definition)
    return folder


def variant(rho: float) -> Variant:
    return Variant(values=(("rho", rho),))


def test_comparable_scores_share_a_table(tmp_path):
    found = tables({workspace(tmp_path / str(rho), 50 + rho): variant(rho) for rho in (0.1, 0.2)})
    assert len(found) == 1
    assert found[0].header == ("variant", "student score_strict", "student score_lenient")
    assert found[0].rows == (("rho=0.1", 50.1, 70.0), ("rho=0.2", 50.2, 70.0))
    assert found[0].title.startswith("90 test cycles of 9 patients")
    assert found[0].title.endswith("epoch chosen on val")
    paths = write(found, tmp_path / "reports")
    assert [path.name for path in paths] == ["backfill.json", "backfill.md"]
    assert json.loads(paths[0].read_text())[0]["variants"][1]["student score_strict"] == 50.2


def test_other_measurements_are_in_another_table(tmp_path):
    two = workspace(tmp_path / "b", 60.0, labels="lungsound_2")
    redefined = workspace(tmp_path / "c", None, definition="def se_strict(): ...")
    folders = (workspace(tmp_path / "a", 50.0), two, redefined, workspace(tmp_path / "d", 40.0))
    found = tables({folder: variant(rho) for folder, rho in zip(folders, (0.1, 0.2, 0.3, 0.4), strict=True)})
    assert [[row[0] for row in table.rows] for table in found] == [["rho=0.1", "rho=0.4"], ["rho=0.2"], ["rho=0.3"]]
    versions = [f"version {number} of models/metrics.py" for number in (1, 1, 2)]
    assert [table.title.rpartition("by ")[2] for table in found] == versions
    assert "| rho=0.3 | – | 70.00 |" in markdown_tables(found)


def test_an_external_corpus_has_a_table_of_its_own(tmp_path):
    folder = workspace(tmp_path / "a", 50.0)
    for name, about in (("scores", {}), ("metrics", {"corpus": "hospital"})):
        path = folder / f"reports/{name}.json"
        found = json.loads(path.read_text())
        path.write_text(json.dumps(found | {"external": {"hospital": found | about}}))
    found = tables({folder: variant(0.1)})
    assert [table.rows for table in found] == [(("rho=0.1", 50.0, 70.0),)] * 2
    assert ["corpus `hospital`" in table.title for table in found] == [False, True]


def test_a_degenerate_model_is_named_beside_its_variant(tmp_path):
    folder = workspace(tmp_path / "a", 50.0, student={"val": {"degenerate": "never normal"}})
    (row,) = tables({folder: variant(0.1)})[0].rows
    assert row == ("rho=0.1 (degenerate: student never normal)", 50.0, 70.0)


def test_a_variant_without_scores_is_in_no_table(tmp_path):
    assert tables({tmp_path: variant(0.1)}) == []
