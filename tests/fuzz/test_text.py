"""Fuzz target of every reader of text: arbitrary bytes, spoilt cells and mutated valid files."""

import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from tasks.runtime.errors import BreathlineError
from tests.fuzz import harness
from tests.fuzz.text_files import KINDS

CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "remove", "repeat", "replace"]), st.integers(0, 1 << 20), st.binary())
)
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
ENDS = st.sampled_from(["\n", "\r", "\r\n", "\0", "\x85", ""])


def contents(name: str) -> st.SearchStrategy[bytes]:
    """Return the strategy of a kind of file: bytes, tables of odd cells, and changes of a valid file."""
    kind = KINDS[name]
    usual = [cell for row in kind.rows for cell in row.split("\t")]
    cell = st.sampled_from([*usual, *(one for cells in kind.bad_cells for one in cells)]) | st.text()
    odd = st.builds(lambda cells, end: "\t".join(cells) + end, st.lists(cell, max_size=7), ENDS)
    rows = st.lists(st.just(kind.rows[0] + "\n") | odd)
    table = st.builds(lambda lines, code: "".join(lines).encode(code, "replace"), rows, ENCODINGS)
    return st.binary() | table | st.builds(partial(mutated, name), ENCODINGS, CHANGES)


def mutated(name: str, encoding: str, changes: list[tuple[str, int, bytes]]) -> bytes:
    """Return a valid file with some changes of its bytes."""
    data = "\n".join(KINDS[name].rows).encode(encoding)
    for change, number, given in changes:
        at, size = number % (len(data) + 1), number % 9
        repeated = data[at : at + size] * (number % 5000)
        new = {"insert": given, "remove": b"", "repeat": repeated, "replace": given}[change]
        data = (data[:at] + new + data[at + (0 if change == "insert" else size) :])[: 1 << 20]
    return data


def read(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.txt")
        path.write_bytes(content)
        KINDS[name].read(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_few_cases_of_each_reader_raise_no_foreign_exception(name):
    @hypothesis.settings(max_examples=25, database=None, derandomize=True, deadline=None)
    @hypothesis.given(contents(name))
    def cases(content: bytes) -> None:
        with suppress(BreathlineError):
            read(name, content)

    cases()


@pytest.mark.long  # ten minutes for all readers together, or BREATHLINE_FUZZ_SECONDS
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", KINDS)
def test_no_reader_raises_a_foreign_exception(name):
    seconds = harness.seconds() / len(KINDS)
    tally = harness.fuzz(partial(read, name), partial(contents, name), seconds=seconds, seed=harness.new_seed())
    print(f"{name}: {tally}")  # noqa: T201 - figures of docs/explanation/reliability.md
    assert tally.accepted
    assert tally.refused or not KINDS[name].bad_cells
