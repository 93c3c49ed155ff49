"""Text files of a corpus: numbers of 4,300 digits and bytes that are no text gave foreign exceptions."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests.fuzz.text_files import DIGITS, KINDS, Kind

# Readers that list all faults in one message have tests of their own (tests/unit/tasks/own_data).
PARSED = {name: kind for name, kind in KINDS.items() if kind.bad_cells and not kind.lists_all}
TABLES = [name for name, kind in PARSED.items() if kind.is_table]
ROWS = {name: ("\n".join(kind.rows) + "\n").encode() for name, kind in PARSED.items()}
# Files that hold no rows at all, whatever the columns are.
NO_TEXT = {
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0",
    "wav": b"RIFF\x24\0\0\0WAVEfmt ",
    "latin-1": "101\tGröße\n".encode("latin-1"),
    "lone continuation": b"\x80\n",
    "page": b"<!DOCTYPE html>\n<html><body>503 Service Unavailable</body></html>\n<p>1 2</p>\n",
    "json": b'{"101": 3}\n{"a": 1}\n',
    "one digit": b"1",
    "long word": b"1" * 100_000,
    "too large": b"1 2 3 4\n" * 600_000,
    "merge marker": b"<<<<<<< HEAD\n",
}
# Changes of a whole file.
SPOILT = {
    "null character": lambda text: text + b"\0\n",
    "null byte in a cell": lambda text: text.replace(b"\t", b"\0\t", 1),
    "utf-16 without a mark": lambda text: text.decode().encode("utf-16-le"),
    "utf-16 of an odd length": lambda text: text.decode().encode("utf-16")[:-1],
    "utf-32": lambda text: text.decode().encode("utf-32"),
    "second mark": lambda text: text + b"\xef\xbb\xbf" + text,
    "cell missing": lambda text: text + text.splitlines()[0].rpartition(b"\t")[0] + b"\n",
    "cell too many": lambda text: text + text.splitlines()[0] + b"\t1\n",
    "no separator": lambda text: text.replace(b"\t", b";"),
    "cut in a multi-byte character": lambda text: text + "é".encode()[:1],
}


def spoilt_cells(kind: Kind) -> Iterator[tuple[int, str, bytes]]:
    """Yield column, cell and content of files whose third row has one bad cell."""
    for column, cells in enumerate(kind.bad_cells):
        for cell in cells:
            row = kind.rows[0].split("\t")
            row[column] = cell
            yield column, cell, "\r\n".join([*kind.rows, "\t".join(row)]).encode()


def refusal(name: str, path: Path, content: bytes | None = None) -> BreathlineError:
    """Return the error of a reader, which names a file that the user may see and what to do."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BreathlineError) as caught:
        KINDS[name].read(path)
    error = caught.value
    assert str(error.where).startswith(str(path)), error.where
    assert error.hint
    assert len(str(error)) < 600, "the message shows a part of the file"
    assert all(one.isprintable() or one == "\n" for one in str(error)), "nothing that controls a terminal"
    return error


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_cell_is_refused_with_its_line(name, tmp_path):
    for column, cell, content in spoilt_cells(PARSED[name]):
        path = tmp_path / "a.txt"
        where = refusal(name, path, content).where
        assert where == f"{path}:3", f"column {column}: {cell[:40]!r}"


@pytest.mark.parametrize("fault", NO_TEXT)
@pytest.mark.parametrize("name", PARSED)
def test_a_file_that_is_no_such_table_is_refused(name, fault, tmp_path):
    refusal(name, tmp_path / "a.txt", NO_TEXT[fault])


@pytest.mark.parametrize("fault", SPOILT)
@pytest.mark.parametrize("name", TABLES)
def test_a_spoilt_file_is_refused(name, fault, tmp_path):
    refusal(name, tmp_path / "a.txt", SPOILT[fault](ROWS[name]))


@pytest.mark.parametrize("name", PARSED)
def test_what_is_no_regular_file_is_refused_and_never_waited_for(name, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for path in ("folder", "pipe", "loop", "missing"):
        refusal(name, tmp_path / path)


@pytest.mark.parametrize("name", TABLES)
def test_every_encoding_and_line_end_of_a_text_is_read(name, tmp_path):
    path, text = tmp_path / "a.txt", ROWS[name].decode()
    path.write_text(text)
    expected = KINDS[name].read(path)
    variants = [text.encode(code) for code in ("utf-8-sig", "utf-16", "utf-8")]
    variants += [text.replace("\n", end).encode() for end in ("\r", "\r\n", "\n\n", "\n\x0b\n", " \t\n")]
    for content in variants:
        path.write_bytes(content)
        assert KINDS[name].read(path) == expected
    if not name.startswith("annotation"):  # two equal cycles are two cycles; `validate` judges them
        path.write_text(text + text)
        assert KINDS[name].read(path) == expected, "equal rows count once"


def test_lines_of_a_patient_are_removed_from_any_bytes(tmp_path):
    path = tmp_path / "filename_differences.txt"
    for code in ("utf-8", "utf-16"):
        for spoilt in (b"", b"\xff", DIGITS.encode()):
            path.write_bytes("101 a\n102 b\n".encode(code) + spoilt)
            KINDS["removal of patients"].read(path)
            assert path.read_bytes() == "102 b\n".encode(code) + spoilt


def test_numbers_in_ids_are_ordered_at_any_length():
    ids = ["s10", "s2", f"s{DIGITS}", "s02", "s", "s1"]
    assert sorted(ids, key=params.natural) == ["s", "s1", "s02", "s2", "s10", f"s{DIGITS}"]
