"""Every expectation fails for its fault, names the rows, and holds for tables without faults."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from tasks.checks.runner import Verdict, run, run_suite
from tasks.checks.suites import suites
from tasks.corpora.expectations import Expectations
from tasks.corpora.icbhi import facts as icbhi
from tests.unit.tasks.checks.tables import SETTINGS, Tables, clean, facts

Fault = Callable[[Tables], str]


def value(table: str, column: str, wrong: object, row: int = 1) -> Fault:
    """Return the fault of one wrong value, which is named by the row's name."""
    return lambda tables: tables.put(table, row, **{column: wrong}) or "unknown"


def of_patient(column: str, wrong: object) -> Fault:
    """Return the fault of one wrong value of the second patient, who is named."""

    def insert(tables: Tables) -> str:
        tables.put("recordings", 2, **{column: wrong})
        return "102"

    return insert


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


def _one_recording_less(tables: Tables) -> str:
    tables.drop("recordings", 5)
    return "5 instead of 6"


def _one_cycle_less(tables: Tables) -> str:
    tables.drop("cycles", 1)
    return "23 instead of 24"


def _counted(labels: str, wrong: int, message: str) -> Fault:
    def insert(tables: Tables) -> str:
        tables.put("cycles", 0, **{labels: wrong})
        return message

    return insert


def _no_recording(tables: Tables) -> str:
    tables.drop("recordings", 0)
    return tables.cycles["cycle_id"][0]


def _index_left_out(tables: Tables) -> str:
    tables.drop("cycles", 1)
    return tables.cycles["cycle_id"][1]


FAULTS: dict[str, tuple[str, Fault]] = {
    **{
        f"{suite}.{check.name}": ("error", value(suite, check.columns[0], None))
        for suite, checks in clean().suites().items()
        for check in checks
        if check.family == "required"
    },
    "recordings.recording_id_pattern": ("error", value("recordings", "recording_id", "101_1b1_Xx_sc_Meditron")),
    "recordings.recording_id_agrees": ("error", value("recordings", "device", "Litt3200")),
    "recordings.recording_id_unique": ("error", lambda tables: tables.repeat("recordings", 0)),
    "recordings.location_domain": ("error", value("recordings", "location", "Xx")),
    "recordings.icbhi_mode_domain": ("error", value("recordings", "icbhi_mode", "stereo")),
    "recordings.device_domain": ("error", value("recordings", "device", "Phone")),
    "recordings.sex_domain": ("error", of_patient("sex", "female")),
    "recordings.diagnosis_domain": ("error", of_patient("diagnosis", "Flu")),
    "recordings.split_domain": ("error", value("recordings", "split", "val")),
    "recordings.fold_domain": ("error", of_patient("fold", 5)),
    "recordings.age_range": ("error", of_patient("age", 640.0)),
    "recordings.bmi_range": ("error", of_patient("icbhi_bmi", 2.85)),
    "recordings.weight_kg_range": ("error", of_patient("icbhi_weight_kg", 8200.0)),
    "recordings.height_cm_range": ("error", of_patient("icbhi_height_cm", 1.7)),
    "recordings.sample_rate_range": ("error", value("recordings", "sample_rate", 2000)),
    "recordings.bit_depth_range": ("error", value("recordings", "bit_depth", 8)),
    "recordings.duration_s_range": ("error", value("recordings", "duration_s", 0.2)),
    "recordings.duration_agrees": ("error", value("recordings", "frames", 79_000)),
    "recordings.cycles_found": ("error", value("recordings", "cycles", 5)),
    "recordings.patient_consistent": ("error", of_patient("age", 62.0)),
    "recordings.patients_on_one_side": ("error", _other_side),
    "recordings.wav_on_one_side": ("error", _same_file_on_both_sides),
    "recordings.recordings_count": ("error", _one_recording_less),
    "recordings.age_known": ("warning", of_patient("age", None)),
    "recordings.sex_known": ("warning", of_patient("sex", None)),
    "recordings.diagnosis_known": ("warning", of_patient("diagnosis", None)),
    "recordings.fold_known": ("warning", of_patient("fold", None)),
    "recordings.body_size_known": ("warning", of_patient("icbhi_bmi", None)),
    "recordings.name_in_split_right": ("warning", value("recordings", "icbhi_name_in_split", "101_2b1_Tc_mc_Meditron")),
    "recordings.nothing_missing": ("warning", _missing),
    "recordings.has_cycles": ("warning", value("recordings", "cycles", 0)),
    "recordings.patients_disjoint": ("warning", _known_on_both_sides),
    "recordings.unusable_clipping": ("error", value("recordings", "clipped_fraction", 0.6)),
    "recordings.unusable_constant_run": ("error", value("recordings", "longest_constant_s", 31.0)),
    "recordings.unusable_dc_offset": ("error", value("recordings", "dc_offset", 0.6)),
    "recordings.unusable_silence": ("error", value("recordings", "silent_fraction", 1.0)),
    "recordings.quality_clipping": ("warning", value("recordings", "clipped_fraction", 0.19)),
    "recordings.quality_constant_run": ("warning", value("recordings", "longest_constant_s", 6.0)),
    "recordings.quality_dc_offset": ("warning", value("recordings", "dc_offset", 0.16)),
    "recordings.quality_silence": ("warning", value("recordings", "silent_fraction", 0.2)),
    "recordings.wav_unique": ("warning", _same_file_on_both_sides),
    "recordings.mono": ("warning", value("recordings", "channels", 2)),
    "recordings.published_depth": ("warning", value("recordings", "bit_depth", 32)),
    "cycles.cycle_id_agrees": ("error", value("cycles", "cycle_id", "101_1b1_Al_sc_Meditron_1")),
    "cycles.cycle_id_unique": ("error", lambda tables: tables.repeat("cycles", 0)),
    "cycles.counted_through": ("error", _index_left_out),
    "cycles.recording_exists": ("error", _no_recording),
    "cycles.patient_id_agrees": ("error", value("cycles", "patient_id", "102")),
    "cycles.split_agrees": ("error", value("cycles", "split", "test")),
    "cycles.fold_agrees": ("error", value("cycles", "fold", None)),
    "cycles.icbhi_crackles_domain": ("error", value("cycles", "icbhi_crackles", 2)),
    "cycles.icbhi_wheezes_domain": ("error", value("cycles", "icbhi_wheezes", -1)),
    "cycles.lungsound_agrees": ("error", value("cycles", "lungsound_2", 0)),
    "cycles.diagnosis_agrees": ("error", value("cycles", "diagnosis_3", 1)),
    "cycles.start_not_negative": ("error", value("cycles", "start_s", -0.1)),
    "cycles.length_positive": ("error", value("cycles", "end_s", 3.0)),
    "cycles.duration_agrees": ("error", value("cycles", "duration_s", 2.6)),
    "cycles.inside_audio": ("error", value("cycles", "end_s", 20.1)),
    "cycles.audio_there": ("error", value("cycles", "audio_sha256", None)),
    "cycles.in_order": ("error", value("cycles", "start_s", 0.4)),
    "cycles.apart": ("error", value("cycles", "start_s", 2.9)),
    "cycles.not_short": ("warning", value("cycles", "duration_s", 0.2)),
    "cycles.not_long": ("warning", value("cycles", "duration_s", 16.16)),
    "cycles.cycles_count": ("error", _one_cycle_less),
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
    """Return the verdicts on tables by suite and name."""
    verdicts, _ = run(tables.frames(), tables.suites(), SETTINGS.severity)
    return {f"{verdict.suite}.{verdict.name}": verdict for verdict in verdicts}


def verdict_of(tables: Tables, name: str) -> Verdict:
    """Return the verdict of one check."""
    suite, _, short = name.partition(".")
    check = next(check for check in tables.suites()[suite] if check.name == short)
    [verdict], _ = run_suite(suite, getattr(tables.frames(), suite), [check], SETTINGS.severity)
    return verdict


def test_every_check_has_its_fault_here() -> None:
    def names(identity: str) -> list[str]:
        return [f"{suite}.{check.name}" for suite, checks in clean(identity).suites().items() for check in checks]

    assert sorted(names(icbhi.OWN)) == sorted(FAULTS)
    assert set(names(icbhi.COMPLETE)) - set(FAULTS) <= set(PROMISED) <= set(names(icbhi.COMPLETE))
    assert sorted(names(icbhi.PART)) == sorted(FAULTS)


def test_tables_without_faults_pass_all_checks() -> None:
    assert [name for name, one in verdicts_of(clean()).items() if not one.success or one.unexpected] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_makes_its_expectation_fail(name: str) -> None:
    severity, insert = FAULTS[name]
    tables = clean()
    row = insert(tables)
    verdict = verdict_of(tables, name)
    assert (verdict.success, verdict.severity) == (False, severity)
    assert verdict.unexpected >= 1
    assert row in verdict.first


def test_the_complete_database_must_have_the_promised_numbers() -> None:
    failing = {name: one for name, one in verdicts_of(clean(icbhi.COMPLETE)).items() if not one.success}
    assert sorted(failing) == sorted(PROMISED)
    assert all(PROMISED[name] in one.first for name, one in failing.items())


@pytest.mark.parametrize(("identity", "holds"), [(icbhi.PART, True), (icbhi.OWN, False)])
def test_only_the_published_database_may_have_its_two_patients_on_both_sides(identity: str, holds: bool) -> None:
    tables = clean(identity)
    tables.recordings = tables.recordings.with_columns(patient_id=pl.col("patient_id").replace("102", "156"))
    tables.put("recordings", 3, split="test")
    verdict = verdict_of(tables, "recordings.patients_on_one_side")
    assert verdict.success == holds
    assert verdict.first == ([] if holds else ["156"])


def test_a_corpus_without_expectations_of_its_own_is_checked_by_the_general_ones() -> None:
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
