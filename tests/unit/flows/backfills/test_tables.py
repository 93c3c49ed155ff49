from __future__ import annotations

import json
from pathlib import Path

from flows.backfills.tables import show, tables, write
from flows.backfills.variants import Case


def workspace(folder: Path, score: float | None, *, definition: str = "", **about) -> Path:
    (folder / "reports").mkdir(parents=True)
    figures = {"score_strict": score, "score_lenient": 70.0}
    (folder / "reports" / "scores.json").write_text(json.dumps({"val": {"student": figures}}))
    metrics = {"corpus": "demo", "labels": "lungsound_4", "split": "official", **about}
    (folder / "reports" / "metrics.json").write_text(json.dumps(metrics | {"test": {"cycles": 90, "patients": 9}}))
    (folder / "models").mkdir()
    (folder / "models" / "metrics.py").write_text(definition)
    return folder


def case(rho: float) -> Case:
    return Case(values=(("rho", rho),))


def test_scores_of_one_kind_share_a_table_and_keep_their_names(tmp_path):
    found = tables({workspace(tmp_path / str(rho), 50 + rho): case(rho) for rho in (0.1, 0.2)})
    assert len(found) == 1
    assert found[0].header == ("case", "student score_strict", "student score_lenient")
    assert found[0].rows == (("rho=0.1", 50.1, 70.0), ("rho=0.2", 50.2, 70.0))
    assert found[0].title.startswith("90 test cycles of 9 patients")
    assert found[0].title.endswith("epoch chosen on val")
    paths = write(found, tmp_path / "reports")
    assert [path.name for path in paths] == ["backfill.json", "backfill.md"]
    assert json.loads(paths[0].read_text())[0]["cases"][1]["student score_strict"] == 50.2


def test_what_was_not_measured_alike_stands_in_another_table(tmp_path):
    found = tables(
        {
            workspace(tmp_path / "a", 50.0): case(0.1),
            workspace(tmp_path / "b", 60.0, labels="lungsound_2"): case(0.2),
            workspace(tmp_path / "c", None, definition="def se_strict(): ..."): case(0.3),
            workspace(tmp_path / "d", 40.0): case(0.4),
        }
    )
    assert [[row[0] for row in table.rows] for table in found] == [["rho=0.1", "rho=0.4"], ["rho=0.2"], ["rho=0.3"]]
    assert [table.title.rpartition("by ")[2] for table in found] == [
        f"version {number} of models/metrics.py" for number in (1, 1, 2)
    ]
    assert "| rho=0.3 | – | 70.00 |" in show(found)


def test_a_case_without_scores_stands_in_no_table(tmp_path):
    assert tables({tmp_path: case(0.1)}) == []
