import functools
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest

from tasks.evaluation import curves, gallery, report
from tasks.evaluation.domains import Domain
from tasks.evaluation.ensembles import over_k
from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, cycles, evaluator, facts, metrics, predict

DOMAINS = [
    Domain(
        corpus="demo", device="Meditron", counts={"recordings": 2, "patients": 1, "cycles": 9}, normal=0.5,
        level=(-30.0, -20.0, -10.0), duration=(1.0, 2.0, 3.0), rates=[4000], spectrum=np.arange(4.0),
    )
]  # fmt: skip
VOID = {"meta", "link", "br", "img", "path", "use"}
HEADINGS = [title for name, title in report.SECTIONS.items() if name not in ("published", "corpora")]
COLUMNS = [
    ["", "", "strict", "lenient"],
    ["model", "Sp", "Score", "95 % interval", "Se", "Score", "95 % interval", "Se"],
    ["student minus …", "strict", "95 % interval", "lenient", "95 % interval"],
    ["true ↓ predicted →", *CLASSES],
    ["class", "cycles", "recall", "precision", "F1", "ROC area", "AP"],
]


class Page(HTMLParser):
    """Headings and table headers of a page; every tag must be closed."""

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


@functools.cache
def page(published=(), spectrum=None, *, several: bool = False, **arguments) -> str:
    frame, found = cycles(), metrics(published=published, **arguments)
    if several:
        own = {"title": "Theirs", **found}
        found |= {"corpora": {"a": own, "b": own}, "external": {"theirs": own}}
    model = predict("student", frame, 0, 1.5)
    labels = frame["label"].to_numpy().astype(np.int64)
    history = pl.DataFrame({"model": ["student/1", "student/1"], "epoch": [1, 2], "train_loss": [1.5, 1.0]})
    curved = {
        "roc": curves.roc_table([model], labels, CLASSES),
        "precision_recall": curves.precision_recall_table([model], labels, CLASSES),
        "training": history.with_columns(val_score_strict=pl.Series([None, 55.0])),
    }
    logits = [np.random.default_rng(0).normal(size=(len(labels), 4)).astype(np.float32) for _ in found["teachers"]]
    ensembles = {k: logits[:k] for k in range(1, len(logits) + 1)}
    plots = report.Plots(**curved, ensemble_size=over_k(ensembles, evaluator(frame), "val"))
    card = {"architecture": "mn", "options": {"width": 0.1}, "frontend": "efficientat", "weights": "scratch"}
    chosen = {"parameters": 12345, "seed": 1, "selections": {key: {"epoch": 2} for key in found["selections"]}}
    mel = np.random.default_rng(0).normal(size=(800, 128)).astype(np.float32)
    shown = [
        gallery.Example(
            cycle=frame.row(row, named=True),
            actual=CLASSES[labels[row]],
            predicted=CLASSES[model.predicted[0, row]],
            probabilities=dict(zip(CLASSES, model.probabilities[0, row].tolist(), strict=True)),
            image=gallery.spectrogram(mel),
            span=(0.0, 0.3),
        )
        for row in gallery.select(model, labels, 4)
    ]
    normalization = {"normalization": {"level": "none", "spectrum": spectrum}} if spectrum else {}
    cards = {"student/1": card | chosen | normalization}
    return report.render(
        found,
        plots=plots,
        cards=cards,
        examples=shown,
        domains=DOMAINS,
        facts=replace(facts(), published=tuple(published)),
    )


@pytest.mark.slow
def test_the_page_shows_the_identity_and_banner_of_the_corpus():
    html = page()
    assert "A part of the other corpus · lungsound_4" in html
    assert '<p class="banner" role="note">A part of the other corpus: not comparable with published scores.</p>' in html
    assert "anterior left" in html


@pytest.mark.slow
def test_the_metrics_of_the_corpus_own_challenge_have_a_table():
    html = page(challenge=("SE", "SP", "AS", "HS", "Score"))
    columns = [["model", "SE", "SP", "AS", "HS", "Score"]]
    assert Page(html).columns[2:3] == columns
    assert not [one for one in Page(page()).columns if one in columns]


@pytest.mark.slow
def test_published_figures_are_shown_only_for_the_same_labels_and_split():
    html = page(published=PUBLISHED)
    assert "62.37 ± 0.61" in html
    assert 'class="banner comparable"' in html
    assert Page(html).headings == [title for name, title in report.SECTIONS.items() if name != "corpora"]
    others = [replace(PUBLISHED[0], split="0"), replace(PUBLISHED[0], labels="lungsound_2")]
    assert report.published_tables(metrics(), others) == []
    assert "62.37" not in page(published=tuple(others))


@pytest.mark.slow
def test_corpora_have_figures_apart():
    html = page(several=True, challenge=("SE", "SP"))
    assert "Results by corpus" in Page(html).headings
    assert html.count("<th>theirs</th><td>official</td><td>96</td><td>8</td>") == 1
    assert "no figure mixes corpora" in html
    assert "Metrics of its own challenge:" in html
    assert "external/data_docs/theirs/index.html" in html


@pytest.mark.slow
def test_a_normalisation_by_test_recordings_is_told():
    told = "<code>device_of_the_data</code> for all test recordings of a device together"
    assert told in (html := page(spectrum="device_of_the_data"))
    assert "efficientat · level none · spectrum device_of_the_data" in html
    assert told not in page()


def test_the_structure_of_the_page():
    found = Page(page())
    assert found.open == []
    assert found.headings == HEADINGS
    assert found.columns[: len(COLUMNS)] == COLUMNS


@pytest.mark.slow
def test_equal_figures_give_equal_bytes_that_need_no_network():
    html = page()
    assert html == page.__wrapped__()
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert "<script" not in html
    assert "@import" not in html
    assert not re.search(r"\b(nan|None|null)\b", html)


@pytest.mark.slow
def test_the_curve_over_k_is_shown_where_there_are_several_teachers():
    assert "Score over the number of teachers" in page()
    assert "Score over the number of teachers" not in page(teachers=False)


def test_definitions_and_selections_are_never_mixed():
    found = metrics(selections=("val", "paper"))
    tables = report.published_tables(found, PUBLISHED)
    assert [[row.score for row in table["rows"]] for table in tables] == [["62.37 ± 0.61"], ["59.59 ± 0.47"], ["68.10"]]
    for table in tables:
        selection, definition = "paper" if "paper" in table["title"] else "val", table["definition"]
        assert table["title"].lower().startswith(definition)
        mean = found["student"][selection][f"score_{definition}"]["mean"]
        assert table["own"]["score"].startswith(f"{mean:.2f}")
    assert [table["own"] is None for table in report.published_tables(metrics(), PUBLISHED)] == [True, False, True]


@pytest.mark.slow
def test_the_page_without_teachers_and_with_the_selection_paper():
    html = page(teachers=False, selections=("val", "paper"))
    assert Page(html).headings == HEADINGS
    assert "student minus" not in html
    assert "too high for any new patient" in html


def test_a_short_cycle_is_at_the_start_of_its_clip_or_between_zeros():
    assert gallery.cycle_span(0.3, "repeat") == (0.0, 0.3)
    assert gallery.cycle_span(0.5, "zero") == (0.25, 0.75)
    assert gallery.cycle_span(1.0, "zero") == gallery.cycle_span(1.0, "repeat") == (0.0, 1.0)
    assert page().count('<i style="left:30.0%">') == page().count('class="mel"')


def test_the_gallery_shows_the_most_confident_right_and_wrong_cycle_of_each_class():
    labels = np.array([0, 0, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]], dtype=np.float32)[None]
    model = gallery.Predictions("student/1", "val", probabilities)
    assert gallery.select(model, labels, 2) == [0, 2]
