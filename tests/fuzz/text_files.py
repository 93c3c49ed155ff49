"""Text files of a corpus for tests: readers by kind, valid rows, and cells that no reader should accept."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tasks.corpora.hf_lung import annotations as hf_lung_annotations
from tasks.corpora.icbhi import annotations, metadata, metadata_lines
from tasks.corpora.sprsound import annotations as sprsound_annotations
from tasks.corpora.table import normalised
from tasks.runtime import yaml_files
from tests.fuzz import own_data


@dataclass(frozen=True)
class Kind:
    """Kind of text file.

    Attributes:
        read: Reader of a file.
        rows: Valid rows, cells separated by tabs.
        bad_cells: Refused cells of each column.
        is_table: Whether the rows have cells; JSON has none.
        lists_all: Whether all faults of a file are one message, instead of the first one.
    """

    read: Callable[[Path], object]
    rows: tuple[str, ...]
    bad_cells: tuple[tuple[str, ...], ...] = ()
    is_table: bool = True
    lists_all: bool = False


DIGITS = "9" * 4301  # more than Python's int() reads
NUMBERS = (DIGITS, "99999999999999999999", "nan", "inf", "1e400", "0x10", "1_000", "٣", "１", "x", "\x1b[2J", "é" * 300)
TIMES = (*NUMBERS, "-1e9", "−1", "--1", "1e", ".", "1.2.3")
CLOCKS = (*NUMBERS, "00:00", "00:00:60", "00:61:00", "-00:00:01", "00:00:0１", "1:2:3:4")
PATIENTS = (*NUMBERS, "2147483648", "-1", "1.0", "101a", "²")
FLAGS = (*NUMBERS, "2", "-1", "0.0", "true", "01")
MEASURES = tuple(one for one in (*NUMBERS, "-3", "1001", "1e9", "young") if one != "nan")
NAMES = (
    f"{DIGITS}_1b1_Al_sc_Meditron",
    f"101_{DIGITS}b1_Al_sc_Meditron",
    "2147483648_1b1_Al_sc_Meditron",
    "0_1b1_Al_sc_Meditron",
    "１01_1b1_Al_sc_Meditron",
    "101_1b1_Al_sc_Meditron_",
    "101_1b1_Xx_sc_Meditron",
    "../../1_1b1_Al_sc_Meditron",
    "\x1b]0;1\x07",
    "9" * 70_000,
)
KINDS = {
    "annotation": Kind(
        annotations.read, ("0.036\t0.579\t0\t1", "0.579\t2.45\t1\t0"), (TIMES, TIMES, FLAGS, (*FLAGS, "crackle"))
    ),
    "annotation of SPRSound": Kind(
        sprsound_annotations.read,
        (
            '{"record_annotation": "CAS", "event_annotation": [',
            '{"start": "650", "end": "1250", "type": "Wheeze"},',
            '{"start": 50, "end": 650.5, "type": "Normal"}]}',
        ),
        ((*TIMES, "[" * 70_000, '{"event_annotation": NaN}', '{"event_annotation": [{"start": 1e400}]}'),),
        is_table=False,
    ),
    "annotation of HF_Lung": Kind(
        hf_lung_annotations.read,
        ("I\t00:00:00.500\t00:00:01.250", "D\t00:00:00.600\t00:00:00.900"),
        (("", "X", "i", DIGITS), CLOCKS, CLOCKS),
    ),
    "YAML": Kind(
        yaml_files.load_mapping,
        ("labels: &a [1, 2.5, text]", "split: {icbhi: official}", "other: *a", "seeds:", "  - 1"),
        (("\tx: 1", "labels: !!bool x", "a: 2026-13-45", "[" * 70_000, "<<<<<<< HEAD", f"n: {DIGITS}", "a: .inf"),),
        is_table=False,
    ),
    "table of own recordings": Kind(
        own_data.read_table,
        own_data.ROWS,
        (("../P1_a.wav", ""), TIMES, TIMES, ("", "=", "\x1b[2J"), ("", "李"), (), TIMES),
        lists_all=True,
    ),
    "annotation of own recordings": Kind(
        own_data.read_annotation,
        ("0\t0.5\tnormal", "0.5\t0.75\twheeze"),
        (TIMES, TIMES, ("", "\\", "squeak")),
        lists_all=True,
    ),
    "normalised table": Kind(normalised.read, own_data.NORMALISED, (NUMBERS,), is_table=False),
    "split": Kind(
        metadata.read_split,
        ("101_1b1_Al_sc_Meditron\ttest", "102_1b1_Al_mc_Litt3200\ttrain"),
        (NAMES, ("validation", "0", DIGITS, "tеst", "train,test")),
    ),
    "diagnosis": Kind(metadata.read_diagnosis, ("101\tURTI", "102\tCOPD"), (PATIENTS, ("Gout", "0", DIGITS, "СOPD"))),
    "demographics": Kind(
        metadata.read_demographics,
        ("101\t3\tF\tNA\t19\t99", "102\t70\tM\t28.5\tNA\tNA"),
        (PATIENTS, MEASURES, ("X", "1", DIGITS, "female?"), MEASURES, MEASURES, MEASURES),
    ),
    "folds": Kind(metadata.read_folds, ("101\t1", "102\t0"), (PATIENTS, ("5", "-1", "0.0", "00", "٣", DIGITS))),
    "lines by patient": Kind(
        lambda path: metadata_lines.patients_named(path.read_bytes()),
        ("101_1b1_Al_sc_Meditron differs from 102_1b1_Al_sc_Meditron", "101,URTI"),
    ),
    "removal of patients": Kind(
        lambda path: metadata_lines.remove_patients(path.parent, {"101"}),
        ("101_1b1_Al_sc_Meditron differs from 102_1b1_Al_sc_Meditron", "102,URTI"),
    ),
}
