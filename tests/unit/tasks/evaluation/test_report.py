from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from tasks.evaluation import curves, gallery, report
from tasks.evaluation.ensembles import over_k
from tasks.evaluation.summary import Judge
from tests.unit.tasks.evaluation.example import CLASSES, SETTINGS, cycles, metrics, said

VOID = {"meta", "link", "br", "img", "path", "use"}
HEADINGS = [
    "Results",
    "Class by class",
    "For whom it works",
    "Can its probabilities be believed?",
    "Training",
    "Examples",
    "How to read the numbers",
]
COLUMNS = [
    ["", "", "strict", "lenient"],
    ["model", "Sp", "Score", "95 % interval", "Se", "Score", "95 % interval", "Se"],
    ["student minus …", "strict", "95 % interval", "lenient", "95 % interval"],
    ["true ↓ predicted →", *CLASSES],
    ["class", "cycles", "recall", "precision", "F1", "ROC area", "AP"],
]


class Page(HTMLParser):
    """Headings and heads of tables, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.columns: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "h2":
            self.headings.append("")
        if tag == "tr" and "thead" in self.open:
            self.columns.append([])
        if tag == "th" and "thead" in self.open:
            self.columns[-1].append("")

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings[-1] += data
        if self.open and self.open[-1] == "th" and "thead" in self.open:
            self.columns[-1][-1] += data


def page(**arguments) -> str:
    frame, found = cycles(), metrics(**arguments)
    model = said("student", frame, 0, 1.5)
    labels = frame["label"].to_numpy().astype(np.int64)
    history = pl.DataFrame({"model": ["student/1", "student/1"], "epoch": [1, 2], "train_loss": [1.5, 1.0]})
    curved = {
        "roc": curves.roc_table([model], labels, CLASSES),
        "precision_recall": curves.precision_recall_table([model], labels, CLASSES),
        "training": history.with_columns(val_score_strict=pl.Series([None, 55.0])),
    }
    said_by = [np.random.default_rng(0).normal(size=(len(labels), 4)).astype(np.float32) for _ in found["teachers"]]
    teachers = {k: said_by[:k] for k in range(1, len(said_by) + 1)}
    judge = Judge(frame, CLASSES, SETTINGS)
    plots = report.Plots(**curved, ensemble_size=over_k(teachers, judge, "val"))
    card = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "efficientat", "weights": "scratch"}
    chosen = {"parameters": 12345, "seed": 1, "selections": {key: {"epoch": 2} for key in found["selections"]}}
    mel = np.random.default_rng(0).normal(size=(800, 128)).astype(np.float32)
    shown = [
        gallery.Example(
            cycle=frame.row(row, named=True),
            actual=CLASSES[labels[row]],
            predicted=CLASSES[model.predicted[0, row]],
            probabilities=dict(zip(CLASSES, model.probabilities[0, row].tolist(), strict=True)),
            image=gallery.picture(mel),
            own=(0.0, 0.3),
        )
        for row in gallery.choose(model, labels, 4)
    ]
    return report.render(found, plots=plots, cards={"student/1": card | chosen}, examples=shown)


@pytest.mark.parametrize(
    ("corpus", "banner"),
    [
        ("demo", "Generated demo corpus: the figures say nothing about real lungs"),
        ("icbhi-part", "A part of ICBHI 2017 (165 of 920 recordings): not comparable with published scores"),
        ("icbhi", "The complete ICBHI 2017 database"),
    ],
)
def test_the_page_says_which_corpus_it_is_and_compares_only_what_can_be_compared(corpus, banner):
    html = page(corpus=corpus)
    assert banner in html
    assert ("62.37" in html) == (corpus == "icbhi")


def test_the_structure_of_the_page():
    found = Page(page())
    assert found.open == []
    assert found.headings == HEADINGS
    assert found.columns[: len(COLUMNS)] == COLUMNS


def test_equal_figures_give_equal_bytes_that_need_no_network():
    html = page()
    assert html == page()
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"\b(nan|None|null)\b", html)


def test_the_curve_over_k_is_shown_where_there_are_several_teachers():
    assert "Score over the number of teachers" in page()
    assert "Score over the number of teachers" not in page(teachers=False)


def test_definitions_and_selections_are_never_mixed():
    tables = {table["title"]: table for table in report.beside(metrics("icbhi", selections=("val", "paper")))}
    found = metrics("icbhi", selections=("val", "paper"))["student"]
    for title, table in tables.items():
        selection, definition = "paper" if "paper" in title else "val", table["definition"]
        assert title.lower().startswith(definition)
        assert table["mine"].score.startswith(f"{found[selection][f'score_{definition}']['mean']:.2f}")
    assert tables["Lenient, epoch chosen on the test set (paper)"]["rows"][1].score == "68.10"
    assert [table["mine"] is None for table in report.beside(metrics("icbhi"))] == [True, False, True]
    assert report.beside(metrics("icbhi-part")) == []


def test_without_teachers_and_with_the_paper_selection_the_page_still_stands():
    html = page(teachers=False, selections=("val", "paper"))
    assert Page(html).headings == HEADINGS
    assert "student minus" not in html
    assert "too high for any new patient" in html


def test_a_short_cycle_stands_at_the_beginning_of_its_clip_or_between_zeros():
    assert gallery.place(0.3, "repeat") == (0.0, 0.3)
    assert gallery.place(0.5, "zero") == (0.25, 0.75)
    assert gallery.place(1.0, "zero") == gallery.place(1.0, "repeat") == (0.0, 1.0)
    assert page().count('<i style="left:30.0%">') == page().count('class="mel"')


def test_the_gallery_shows_the_surest_right_and_wrong_cycle_of_each_class():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]], dtype=np.float32)[None]
    model = gallery.Predictions("student/1", "val", probabilities)
    assert gallery.choose(model, labels, 2) == [0, 2]
