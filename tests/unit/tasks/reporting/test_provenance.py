"""Provenance on the report: what it says, and that it leaves the content hash of the page as it is."""

from dataclasses import replace

import pytest

from lineage.content import content_hash
from tasks.reporting import page
from tasks.reporting.sections import provenance, registry
from tests.unit.tasks.reporting import example

FOUND = {
    "evaluated_at": "2026-11-28T14:48:27.806+00:00",
    "commit": "4615b8e704d47f60fc1c890c62b7b550de8da41b",
    "dirty": True,
    "changed_files": [f"file{number}.py" for number in range(19)],
    "untracked": [f"new{number}.py" for number in range(6)],
    "corpora": [
        {"name": "icbhi", "role": "training", "sha256": "eb2d97"},
        {"name": "kauh", "role": "external", "sha256": None},
    ],
    "test_use": {"students": 7, "teachers": 1, "evaluations": 4, "unknown": 2},
    "seeds_left_out": ["3", "4"],
    "missing": None,
    "recipe": {
        "name": "mn_weighted",
        "small": False,
        "changes": {"student.batch_size": (8, 16), "student.note": ("x" * 90, None)},
    },
    "commands": ["git checkout 4615b8e704d4", "dvc repro"],
}
NOTHING = dict.fromkeys(FOUND) | {"dirty": False, "changed_files": [], "untracked": [], "corpora": [], "commands": []}


@pytest.fixture
def render(tmp_path, monkeypatch):
    """Return a function that renders a page with the section of the provenance alone."""
    example.write(tmp_path)
    run = example.results(tmp_path)
    monkeypatch.setattr(registry, "read", lambda: {"provenance": provenance.SECTION})
    return lambda found: page.render(replace(run, provenance=found))


def test_the_page_shows_its_origin(render):
    html = " ".join(render(FOUND).split())
    head = (
        "2026-11-28 14:48 UTC · commit 4615b8e704d4 with uncommitted changes · recipe mn_weighted with 2 other settings"
    )
    for part in (
        head,
        "new0.py and 5 more",
        "SHA-256 <code>eb2d97</code>",
        "unknown: no record of its download",
        '<th scope="row">student.batch_size</th><td>8</td><td>16</td>',
        f"<td>{'x' * 59}…</td><td>null</td>",
        "<b>7</b> different students and <b>1</b> different teacher were evaluated",
        "2 earlier evaluations are not counted",
        "the training of the student with seeds 3, 4.",
        "git checkout 4615b8e704d4 dvc repro</pre>",
    ):
        assert part in html, part


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({}, "made without its provenance, by <code>python -m tasks.report</code>"),
        (NOTHING | {"missing": "the record is gone"}, "Facts are missing because the record is gone."),
        (FOUND | {"seeds_left_out": []}, "No other seed of the student was started here."),
        (FOUND | {"test_use": None}, "Unknown, because the record of the evaluation does not name its test cycles."),
        (FOUND | {"recipe": {"name": "a", "small": True, "changes": {}}}, "· recipe a (small version)</a>"),
    ],
    ids=["none", "nothing known", "no seed", "old record", "small recipe"],
)
def test_unknown_facts_are_named(render, found, words):
    assert words in " ".join(render(found).split())


BEGIN, END = "<!-- provenance -->", "<!-- /provenance -->"
# Changes of what a page shows that do not touch a text outside of its provenance.
CHANGES = {
    "one more part": lambda page: page.replace("</main>", f"{BEGIN}<p>All is well.</p>{END}</main>"),
    "a style": lambda page: page.replace(BEGIN, f"{BEGIN}<style>main {{display: none}}</style>", 1),
    "an attribute": lambda page: page.replace(BEGIN, f'{BEGIN}<p style="position: fixed">99</p>', 1),
    "a script": lambda page: page.replace(BEGIN, f"{BEGIN}<script>document.title = 1</script>", 1),
    "a heading": lambda page: page.replace(BEGIN, f"{BEGIN}<h1>Score 99</h1>", 1),
    "an element without its end": lambda page: page.replace(END, f"<div>{END}", 1),
    "the end of an element before": lambda page: page.replace(BEGIN, f"{BEGIN}</div>", 1),
    "the beginning of an element": lambda page: page.replace(END, f"<style {END}", 1),
    "a link to elsewhere": lambda page: page.replace(BEGIN, f'{BEGIN}<a href="https://example.org">x</a>', 1),
    "a comment": lambda page: page.replace(BEGIN, f"{BEGIN}<!-- <p> -->", 1),
}


def test_equal_results_have_one_content_hash_with_any_provenance(render, tmp_path):
    path = tmp_path / "page.html"
    hashes = set()
    for found in ({}, FOUND):
        path.write_text(render(found))
        hashes.add(content_hash(path))
    assert len(hashes) == 1
    path.write_text(path.read_text().replace("96 breath cycles", "97 breath cycles"))
    assert content_hash(path) not in {*hashes, None}
    page = render(FOUND)
    for change in CHANGES.values():
        changed = change(page)
        assert changed != page
        path.write_text(changed)
        assert content_hash(path) not in {*hashes, None}
    path.write_text("<p>another page</p>")
    assert content_hash(path) is None, "its bytes are its content"
