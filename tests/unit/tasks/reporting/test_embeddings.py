"""Section of the embeddings, of models with known ones."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tasks import artifacts
from tasks.explanation import embeddings
from tasks.explanation.projections import project, standardize
from tasks.explanation.settings import EmbeddingSettings
from tasks.reporting import page
from tasks.reporting.run_results import RunResults
from tasks.reporting.section import Fold, Picture, Table
from tasks.reporting.sections import embeddings as section
from tasks.reporting.sections.embeddings import READ, SECTION, content
from tasks.runtime import files
from tests.recompute import svg_figures
from tests.unit.tasks.evaluation.example import facts
from tests.unit.tasks.explanation import cohort
from tests.unit.tasks.reporting import example
from tests.unit.tasks.reporting.test_page import Page

SETTINGS = EmbeddingSettings(cycles=200, neighbours=10, perplexity=10)
OTHER = "teacher/mn_s1"  # a model of another network
MODELS = {
    "student/1": cohort.separated("device"),
    "teacher/dead": np.ones((240, 3)),
    OTHER: cohort.separated("class_name"),
}


def write(root: Path, models=MODELS) -> None:
    """Write a run whose test and training cycles are those of `cohort`."""
    half = pl.when(pl.col("patient_id") < "111").then(pl.lit("train")).otherwise(pl.lit("test"))
    frame, kept, entries = cohort.cycles().with_columns(subset=half), [], {}
    for name, values in models.items():
        points = standardize(values.astype(np.float32))
        projected = None if points is None else project(points, perplexity=10, seed=0)
        one = embeddings.Embeddings(name, "val", values.astype(np.float32), projected)
        kept.append(one)
        entries[name] = {"val": embeddings.figures(one, points, frame, settings=SETTINGS, confidence=0.95)}
    sample = {subset: {"cycles": 120, "of": 150} for subset in ("train", "test")}
    found = {"models": entries, "neighbours": 10, "sample": sample, "omitted": embeddings.omitted(frame)}
    example.write(root, {"embeddings": found})
    files.write_table(root / artifacts.EMBEDDINGS, embeddings.table(kept, frame, cohort.CLASSES))


@pytest.mark.slow  # 4 s: t-SNE, and eleven drawings twice
def test_the_section_shows_a_learned_device_and_flags_a_constant_model(tmp_path: Path) -> None:
    write(tmp_path)
    run = example.results(tmp_path)
    card = run.cards["student/1"]
    others = {name: card | {"architecture": name} for name in MODELS if name != "student/1"}
    run = replace(run, cards=run.cards | others)
    blocks = content(run)
    probe, _, train = [block for block in blocks if isinstance(block, Table)]
    assert probe.columns == ["model", "class", "device", "location", "patient"]
    student, dead, other, chance = probe.rows
    assert other[0] == OTHER
    assert student[2] == "100.0"
    assert float(student[1].split()[0]) < 45
    assert dead == ["teacher/dead (one embedding for all cycles)", "–", "–", "–", "–"]
    assert chance == ["chance", "25.0", "50.0", "33.3", "10.0"]
    assert train.title == "Purity, training cycles"
    pictures = [block for block in blocks if isinstance(block, Picture)]
    assert [block.title for block in pictures] == ["student/1: test cycles", "student/1: t-SNE", "student/1: PCA"]
    (fold,) = [block for block in blocks if isinstance(block, Fold)]
    assert fold.title == f"{OTHER}: t-SNE and PCA"
    assert [block.title for block in fold.blocks] == [f"{OTHER}: t-SNE", f"{OTHER}: PCA"]
    for name in ("class", "device", "location", "patient"):
        assert f'aria-label="t-SNE of {OTHER} by {name}"' in fold.blocks[0].svg
    drawn = pictures[1].svg
    assert all(f'aria-label="t-SNE of student/1 by {name}"' in drawn for name in ("class", "device", "patient"))
    assert "14 more" in drawn, "the legend of 20 patients is limited"
    assert [block.svg for block in content(run) if isinstance(block, Picture)] == [block.svg for block in pictures]
    html = page._body("embeddings", replace(SECTION, content=lambda _run: blocks), run)
    assert f"<summary>{fold.title}</summary>" in html
    assert Page(html).open == []
    assert "class 4 (120; 0), device 2 (120; 0)" in html
    assert "120 of 150 test" in html
    assert "corpus (one value: demo)" in html


def points(number: int) -> pl.DataFrame:
    """Return embedded test cycles of two devices, one of which begins with an underscore."""
    columns = dict.fromkeys(READ, "x") | {"model": "student/1", "selection": "val", "subset": "test"}
    device = pl.when(pl.int_range(number) % 2 == 0).then(pl.lit("_a")).otherwise(pl.lit("b"))
    frame = pl.DataFrame([columns] * number).with_columns(device=device)
    return frame.with_columns(**dict.fromkeys(("pca_x", "pca_y", "tsne_x", "tsne_y"), pl.int_range(number).cast(float)))


def test_a_projection_shows_at_most_some_cycles_and_says_so(tmp_path, monkeypatch) -> None:
    path = tmp_path / artifacts.EMBEDDINGS
    path.parent.mkdir(parents=True)
    points(50).write_parquet(path)
    drawn = []
    monkeypatch.setattr(section, "scatter", lambda frame, *_: drawn.append(frame) or "")
    run = RunResults(metrics={}, plots={}, cards={}, facts=facts(), root=tmp_path)
    entry = {"constant": False, "pca_explained": (60.0, 20.0)}
    assert [block.caption for block in section.scatters(run, "student/1", entry)] == [section.SIZES] * 2
    monkeypatch.setattr(section, "MOST", 20)
    shown = section.scatters(run, "student/1", entry)
    assert [frame.height for frame in drawn] == [50, 50, 20, 20]
    assert shown[0].caption == f"{section.SIZES} 20 of 50 cycles are shown."
    assert drawn[-1]["pca_x"].to_list()[:3] == [0, 3, 5]


def test_a_value_that_begins_with_an_underscore_is_in_the_legend() -> None:
    assert "_a</text>" in section.scatter(points(6), "device", "pca", ("", ""), "label")


@pytest.mark.parametrize("letters", [4, 17, 24])
def test_each_value_in_the_legend_has_its_mark(letters) -> None:
    names = [f"{at:0{letters}}" for at in range(6)]
    frame = points(6).with_columns(patient_id=pl.Series(names))
    figure = svg_figures.read("label", section.scatter(frame, "patient", "pca", ("", ""), "label"))
    marks = dict(zip(figure.texts, figure.handles, strict=True))
    assert [marks[name] for name in names] == figure.colours


def test_a_student_of_constant_embeddings_has_tables_and_no_pictures(tmp_path: Path) -> None:
    write(tmp_path, {"student/1": np.ones((240, 3))})
    run = example.results(tmp_path)
    assert [block.rows[0][0] for block in content(run) if isinstance(block, Table)] == [
        "student/1 (one embedding for all cycles)"
    ] * 3
    assert not [block for block in content(run) if isinstance(block, Picture)]


@pytest.mark.parametrize("found", [{}, {"maps": {}}])
def test_a_run_without_embeddings_has_no_such_section(tmp_path: Path, found: dict) -> None:
    example.write(tmp_path, found)
    assert json.loads((tmp_path / artifacts.EXPLANATION).read_text()) == found
    assert content(example.results(tmp_path)) == []
