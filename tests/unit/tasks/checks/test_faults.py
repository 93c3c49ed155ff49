"""Every expectation fails for its fault, names the rows, and holds for tables without faults.

`faults.tsv` holds the faults of one wrong value: of the second row, or of the second patient. Its columns: suite,
check, severity, what is named (row, patient), column, wrong value as JSON.
"""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from tasks.checks.runner import Verdict, run, run_suite
from tasks.checks.suites import suites
from tasks.corpora.expectations import Expectations
from tasks.corpora.icbhi import facts as icbhi
from tests.unit.tasks.checks.tables import SETTINGS, Tables, clean, facts

Fault = Callable[[Tables], str]


def value(table: str, column: str, wrong: object) -> Fault:
    """Return the fault of one wrong value in the second row, which is named by the row's name."""
    return lambda tables: tables.put(table, 1, **{column: wrong}) or "unknown"


def of_patient(column: str, wrong: object) -> Fault:
    """Return the fault of one wrong value of the second patient, who is named."""
    return lambda tables: tables.put("recordings", 2, **{column: wrong}) and "102"


def _other_side(tables: Tables) -> str:
    tables.put("recordings", 3, split="test")
    return "102"


def _known_on_both_sides(tables: Tables) -> str:
    tables.facts = facts(icbhi.PART)
    tables.recordings = tables.recordings.with_columns(patient_id=pl.col("patient_id").replace("102", "156"))
    tables.put("recordings", 3, split="test")
    return "156"


def _same_file_on_both_sides(tables: Tables) -> str:
    tables.put("recordings", 5, recording_sha256=tables.recordings["recording_sha256"][1])
    return tables.recordings["recording_id"][1]


def _missing(tables: Tables) -> str:
    tables.summary["missing"] = ["107_2b3_Al_mc_AKGC417L"]
    return "107_2b3_Al_mc_AKGC417L"


def _repeated_samples(tables: Tables) -> str:
    return tables.put("cycles", 5, audio_sha256=tables.cycles["audio_sha256"][1])


def _without(table: str, row: int, named: str | int) -> Fault:
    """Return the fault of a missing row; a text is named, or the cycle that then has this number."""
    return lambda tables: (
        tables.drop(table, row) and (named if isinstance(named, str) else tables.cycles["cycle_id"][named])
    )


def _counted(labels: str, wrong: int, message: str) -> Fault:
    return lambda tables: tables.put("cycles", 0, **{labels: wrong}) and message


def from_table() -> Iterator[tuple[str, tuple[str, Fault]]]:
    """Yield the name of each check in `faults.tsv`, its severity and its fault."""
    with Path(__file__).with_name("faults.tsv").open(encoding="utf-8", newline="") as file:
        for suite, check, severity, of, column, wrong in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            given = json.loads(wrong)
            fault = of_patient(column, given) if of == "patient" else value(suite, column, given)
            yield f"{suite}.{check}", (severity, fault)


FAULTS: dict[str, tuple[str, Fault]] = {
    **dict(from_table()),
    **{
        f"{suite}.{check.name}": ("error", value(suite, check.columns[0], None))
        for suite, checks in clean().suites().items()
        for check in checks
        if check.family == "required"
    },
    "recordings.recording_id_unique": ("error", lambda tables: tables.repeat("recordings", 0)),
    "recordings.patients_on_one_side": ("error", _other_side),
    "recordings.wav_on_one_side": ("error", _same_file_on_both_sides),
    "recordings.recordings_count": ("error", _without("recordings", 5, "5 instead of 6")),
    "recordings.nothing_missing": ("warning", _missing),
    "recordings.patients_disjoint": ("warning", _known_on_both_sides),
    "recordings.wav_unique": ("warning", _same_file_on_both_sides),
    "cycles.cycle_id_unique": ("error", lambda tables: tables.repeat("cycles", 0)),
    "cycles.counted_through": ("error", _without("cycles", 1, 1)),
    "cycles.recording_exists": ("error", _without("recordings", 0, 0)),
    "cycles.cycles_count": ("error", _without("cycles", 1, "23 instead of 24")),
    "cycles.cycles_per_lungsound_4": ("error", _counted("lungsound_4", 2, "train normal: 3 instead of 4")),
    "cycles.cycles_per_lungsound_2": ("error", _counted("lungsound_2", 1, "train abnormal: 13 instead of 12")),
    "cycles.cycles_per_diagnosis_3": ("error", _counted("diagnosis_3", 0, "train healthy: 1 instead of 0")),
    "cycles.cycles_per_diagnosis_2": ("error", _counted("diagnosis_2", 0, "train healthy: 1 instead of 0")),
    "cycles.audio_unique": ("warning", _repeated_samples),
}
# The promised numbers of the complete database; the small tables contradict all of them.
PROMISED = {
    "recordings.recordings_count": "6 instead of 920",
    "recordings.patients_count": "3 instead of 126",
    "recordings.recordings_per_side": "test: 2 instead of 381",
    "recordings.patients_per_diagnosis": "Healthy: 1 instead of 26",
    "cycles.cycles_count": "24 instead of 6898",
    "cycles.cycles_per_lungsound_4": "test both: 2 instead of 143",
}


def verdicts_of(tables: Tables) -> dict[str, Verdict]:
    verdicts, _ = run(tables.frames(), tables.suites(), SETTINGS.severity)
    return {f"{verdict.suite}.{verdict.name}": verdict for verdict in verdicts}


def verdict_of(tables: Tables, name: str) -> Verdict:
    suite, _, short = name.partition(".")
    check = next(check for check in tables.suites()[suite] if check.name == short)
    [verdict], _ = run_suite(suite, getattr(tables.frames(), suite), [check], SETTINGS.severity)
    return verdict


def test_every_check_has_its_fault_here():
    def names(identity: str) -> list[str]:
        return [f"{suite}.{check.name}" for suite, checks in clean(identity).suites().items() for check in checks]

    assert sorted(names(icbhi.OWN)) == sorted(FAULTS)
    assert set(names(icbhi.COMPLETE)) - set(FAULTS) <= set(PROMISED) <= set(names(icbhi.COMPLETE))
    assert sorted(names(icbhi.PART)) == sorted(FAULTS)


@pytest.mark.slow
def test_tables_without_faults_pass_all_checks():
    assert [name for name, one in verdicts_of(clean()).items() if not one.success or one.unexpected] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_makes_its_expectation_fail(name):
    severity, insert = FAULTS[name]
    tables = clean()
    row = insert(tables)
    verdict = verdict_of(tables, name)
    assert (verdict.success, verdict.severity) == (False, severity)
    assert verdict.unexpected >= 1
    assert row in verdict.first


@pytest.mark.slow
def test_the_complete_database_must_have_the_promised_numbers():
    failing = {name: one for name, one in verdicts_of(clean(icbhi.COMPLETE)).items() if not one.success}
    assert sorted(failing) == sorted(PROMISED)
    assert all(PROMISED[name] in one.first for name, one in failing.items())


@pytest.mark.parametrize(("identity", "holds"), [(icbhi.PART, True), (icbhi.OWN, False)])
def test_only_the_published_database_may_have_its_two_patients_on_both_sides(identity, holds):
    tables = clean(identity)
    tables.recordings = tables.recordings.with_columns(patient_id=pl.col("patient_id").replace("102", "156"))
    tables.put("recordings", 3, split="test")
    verdict = verdict_of(tables, "recordings.patients_on_one_side")
    assert verdict.success == holds
    assert verdict.first == ([] if holds else ["156"])


@pytest.mark.slow
def test_a_corpus_without_expectations_of_its_own_is_checked_by_the_general_ones():
    tables = clean()
    checks = suites(SETTINGS, tables.facts, Expectations(), tables.summary)
    verdicts, _ = run(tables.frames(), checks, SETTINGS.severity)
    assert all(verdict.success for verdict in verdicts)
    names = {verdict.name for verdict in verdicts}
    assert {"lungsound_4_domain", "recordings_count", "patients_on_one_side", "quality_clipping"} <= names
    assert not {"recording_id_pattern", "device_domain", "patient_consistent", "bmi_range"} & names
    tables.put("cycles", 0, lungsound_4=4)
    verdicts, _ = run(tables.frames(), checks, SETTINGS.severity)
    assert "lungsound_4_domain" in [verdict.name for verdict in verdicts if not verdict.success]
