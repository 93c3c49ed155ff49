"""A new section of the report is one new module, which the documentation explains."""

import re
from pathlib import Path

import pytest

from tasks.reporting import page, sections
from tasks.reporting.sections import registry
from tests.unit.tasks.reporting import example

COUNTS = """
from tasks.reporting.section import Section, Table

def content(run):
    counts = run.predictions.filter(run.predictions["model"] == run.first_student)["predicted"].value_counts(sort=True)
    rows = [(run.metrics["classes"][index], str(count)) for index, count in counts.iter_rows()]
    return [Table(["class", "predicted"], rows, caption="Only <b>counts</b>.")]

SECTION = Section(title="Predicted classes", order=150, content=content)
"""


@pytest.mark.slow
def test_a_module_of_ten_lines_is_a_section_at_its_place(tmp_path, monkeypatch):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/counts.py").write_text(COUNTS)
    monkeypatch.setattr(sections, "__path__", [*sections.__path__, str(tmp_path / "more")])
    example.write(tmp_path)
    names = list(registry.read())
    assert names[names.index("results") + 1] == "counts"
    html = page.render(example.results(tmp_path))
    assert '<section id="counts" aria-labelledby="counts-title">' in html
    assert '<th scope="col">predicted</th>' in html
    assert "Only &lt;b&gt;counts&lt;/b&gt;." in html


def test_sections_have_places_of_their_own():
    orders = [section.order for section in registry.read().values()]
    assert orders == sorted(set(orders))


def test_every_section_is_explained_in_the_order_of_the_page():
    page_text = (Path(__file__).parents[4] / "docs/explanation/reading-the-report.md").read_text(encoding="utf-8")
    explained = re.findall(r"^## (.+)$", page_text, flags=re.MULTILINE)
    titles = [section.title for section in registry.read().values()]
    assert [title for title in explained if title in titles] == titles
    for part in page_text.split("\n## ")[1:]:
        if part.partition("\n")[0] in titles[:-1]:  # the last section repeats definitions
            assert "**When something is wrong.**" in part, part.partition("\n")[0]
