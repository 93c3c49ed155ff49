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
from tasks.reporting.section import Fold, Picture, Table
from tasks.reporting.sections.embeddings import SECTION, content
from tasks.runtime import files
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
    assert student[2] == "100.0 (100.0 to 100.0)"
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
