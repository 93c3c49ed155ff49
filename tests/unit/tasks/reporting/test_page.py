import functools
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tasks.evaluation.words import TWO_SEEDS
from tasks.reporting.page import render as render_page
from tasks.reporting.sections import published, registry
from tests.unit.tasks.evaluation.example import CLASSES, PUBLISHED, metrics
from tests.unit.tasks.reporting import example

VOID = {"meta", "link", "br", "img", "path", "use"}
NOT_EXPLAINED = ("embeddings", "maps", "sharpness")  # sections of a run with embeddings, maps and sharpness
ABSENT = ("published", "corpora", *NOT_EXPLAINED)  # sections that a run of one corpus without published results has not
HEADINGS = [section.title for name, section in registry.read().items() if name not in ABSENT]
COLUMNS = [
    ["", "", "strict", "lenient"],
    ["model", "Sp", "Score", "95 % interval", "Se", "Score", "95 % interval", "Se"],
    ["student minus …", "strict", "95 % interval", "lenient", "95 % interval"],
    ["student minus …", "Score", "difference", "p by patient", "pairs of networks", "p of McNemar"],
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
        if tag in ("th", "td") and "thead" in self.open:
            self.columns[-1].append("")

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings[-1] += data
        if self.open and self.open[-1] in ("th", "td") and "thead" in self.open:
            self.columns[-1][-1] += data


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    example.write(folder := tmp_path_factory.mktemp("run"))
    return folder


@pytest.fixture(scope="module")
def page(root):
    """Return a function that renders the page; equal arguments are rendered once."""

    @functools.cache
    def render(published_results=(), spectrum=None, *, several: bool = False, **arguments) -> str:
        normalization = {"normalization": {"level": "none", "spectrum": spectrum}} if spectrum else {}
        run = example.results(root, published_results, normalization, **arguments)
        if several:
            own = {"title": "Theirs", **run.metrics}
            run = replace(run, metrics=run.metrics | {"corpora": {"a": own, "b": own}, "external": {"theirs": own}})
        return render_page(run)

    return render


@pytest.mark.slow
def test_the_page_shows_the_identity_and_banner_of_the_corpus(page):
    html = page()
    assert "A part of the other corpus · lungsound_4" in html
    assert '<p class="banner" role="note">A part of the other corpus: not comparable with published scores.</p>' in html
    assert "anterior left" in html


@pytest.mark.slow
def test_the_page_states_the_method_of_the_intervals_and_what_they_are_over(page):
    html = page()
    assert all(
        word in html for word in ("the jackknife", "Student's t", "Wilson's", "Over patients and seeds", TWO_SEEDS)
    )
    assert html.count("<small>networks fixed</small>") == html.count("<small>patients and seeds</small>") == 2


@pytest.mark.slow
def test_the_metrics_of_the_corpus_own_challenge_have_a_table(page):
    html = page(challenge=("SE", "SP", "AS", "HS", "Score"))
    columns = [["model", "SE", "SP", "AS", "HS", "Score"]]
    assert Page(html).columns[2:3] == columns
    assert not [one for one in Page(page()).columns if one in columns]


@pytest.mark.slow
def test_published_figures_are_shown_only_for_the_same_labels_and_split(page):
    html = page(PUBLISHED)
    assert "62.37 ± 0.61" in html
    assert 'class="banner comparable"' in html
    absent = ("corpora", *NOT_EXPLAINED)
    assert Page(html).headings == [section.title for name, section in registry.read().items() if name not in absent]
    others = [replace(PUBLISHED[0], split="0"), replace(PUBLISHED[0], labels="lungsound_2")]
    assert published.published_tables(metrics(), others) == []
    assert "62.37" not in page(tuple(others))


@pytest.mark.slow
def test_corpora_have_figures_apart(page):
    html = page(several=True, challenge=("SE", "SP"))
    assert "Results by corpus" in Page(html).headings
    assert html.count('<th scope="row">theirs</th><td>official</td><td>96</td><td>8</td>') == 1
    assert "no figure mixes corpora. Intervals are over patients, with networks fixed." in html
    assert "Metrics of its own challenge:" in html
    assert "external/data_docs/theirs/index.html" in html


@pytest.mark.slow
def test_a_normalisation_by_test_recordings_is_stated(page):
    told = "<code>device_of_the_data</code> for all test recordings of a device together"
    assert told in (html := page(spectrum="device_of_the_data"))
    assert "efficientat · level none · spectrum device_of_the_data" in html
    assert told not in page()


@pytest.mark.slow
def test_the_options_of_a_network_are_shown(page):
    assert "mn · width 0.1 · pooling windows attention, window_s 2.0, hop_s 1.0<" in page()


def test_the_structure_of_the_page(page):
    found = Page(page())
    assert found.open == []
    assert found.headings == HEADINGS
    assert found.columns[: len(COLUMNS)] == COLUMNS


@pytest.mark.slow
def test_equal_figures_give_equal_bytes_that_need_no_network(page):
    html = page()
    assert html == page.__wrapped__()
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
    assert html.count("<script") == 1
    assert "<script>\n// Buttons that save" in html
    assert "@import" not in html
    assert not re.search(r"\b(nan|None|null)\b", html)


@pytest.mark.slow
def test_the_curve_over_k_is_shown_where_there_are_several_teachers(page):
    assert "Score over the number of teachers" in page()
    assert "Score over the number of teachers" not in page(teachers=False)


@pytest.mark.slow
def test_definitions_and_selections_are_never_mixed():
    found = metrics(selections=("val", "paper"))
    tables = published.published_tables(found, PUBLISHED)
    assert [[row.score for row in table["rows"]] for table in tables] == [["62.37 ± 0.61"], ["59.59 ± 0.47"], ["68.10"]]
    for table in tables:
        selection, definition = "paper" if "paper" in table["title"] else "val", table["definition"]
        assert table["title"].lower().startswith(definition)
        mean = found["student"][selection][f"score_{definition}"]["mean"]
        assert table["own"]["score"].startswith(f"{mean:.2f}")
    assert [table["own"] is None for table in published.published_tables(metrics(), PUBLISHED)] == [True, False, True]


@pytest.mark.slow
def test_the_page_without_teachers_and_with_the_selection_paper(page):
    html = page(teachers=False, selections=("val", "paper"))
    assert Page(html).headings == [title for title in HEADINGS if title != "Tests of differences"]
    assert "student minus" not in html
    assert "too high for any new patient" in html
