"""Every expectation fires when its fault is planted, names the rows, and holds where there is none."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from tasks.checks import cycles as cycle_checks
from tasks.checks import recordings as recording_checks
from tasks.checks.runner import judge, judge_suite, suites
from tests.unit.tasks.checks.corpora import SETTINGS, Corpus, clean

Fault = Callable[[Corpus], str]


def value(table: str, column: str, wrong: object, row: int = 1) -> Fault:
    """Return the fault of one wrong value, which is named by the row's name."""
    return lambda corpus: corpus.put(table, row, **{column: wrong}) or "unknown"


def of_patient(column: str, wrong: object) -> Fault:
    """Return the fault of one wrong value of the second patient, who is named."""

    def plant(corpus: Corpus) -> str:
        corpus.put("recordings", 2, **{column: wrong})
        return "102"

    return plant


def _other_side(corpus: Corpus) -> str:
    corpus.put("recordings", 3, split="test")
    return "102"


def _known_on_both_sides(corpus: Corpus) -> str:
    corpus.summary["corpus"] = "icbhi-part"
    corpus.recordings = corpus.recordings.with_columns(patient_id=pl.col("patient_id").replace("102", "156"))
    corpus.put("recordings", 3, split="test")
    return "156"


def _same_file_on_both_sides(corpus: Corpus) -> str:
    corpus.put("recordings", 5, recording_sha256=corpus.recordings["recording_sha256"][1])
    return corpus.recordings["recording_id"][1]


def _missing(corpus: Corpus) -> str:
    corpus.summary["missing"] = ["107_2b3_Al_mc_AKGC417L"]
    return "107_2b3_Al_mc_AKGC417L"


def _repeated_samples(corpus: Corpus) -> str:
    return corpus.put("cycles", 5, audio_sha256=corpus.cycles["audio_sha256"][1])


def _one_recording_less(corpus: Corpus) -> str:
    corpus.drop("recordings", 5)
    return "5 instead of 6"


def _one_cycle_less(corpus: Corpus) -> str:
    corpus.drop("cycles", 1)
    return "23 instead of 24"


def _counted(labels: str, wrong: int, message: str) -> Fault:
    def plant(corpus: Corpus) -> str:
        corpus.put("cycles", 0, **{labels: wrong})
        return message

    return plant


def _no_recording(corpus: Corpus) -> str:
    corpus.drop("recordings", 0)
    return corpus.cycles["cycle_id"][0]


def _index_left_out(corpus: Corpus) -> str:
    corpus.drop("cycles", 1)
    return corpus.cycles["cycle_id"][1]


FAULTS: dict[str, tuple[str, Fault]] = {
    **{
        f"recordings.{column}_required": ("error", value("recordings", column, None))
        for column in recording_checks.REQUIRED
    },
    **{f"cycles.{column}_required": ("error", value("cycles", column, None)) for column in cycle_checks.REQUIRED},
    "recordings.recording_id_pattern": ("error", value("recordings", "recording_id", "101_1b1_Xx_sc_Meditron")),
    "recordings.recording_id_agrees": ("error", value("recordings", "device", "Litt3200")),
    "recordings.recording_id_unique": ("error", lambda corpus: corpus.repeat("recordings", 0)),
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
    "cycles.cycle_id_unique": ("error", lambda corpus: corpus.repeat("cycles", 0)),
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
# Of the complete database alone; a corpus of three patients that calls itself that breaks all of them.
PROMISES = {
    "recordings.recordings_count": "6 instead of 920",
    "recordings.patients_count": "3 instead of 126",
    "recordings.recordings_per_side": "test: 2 instead of 381",
    "recordings.patients_per_diagnosis": "Healthy: 1 instead of 26",
    "cycles.cycles_count": "24 instead of 6898",
    "cycles.cycles_per_lungsound_4": "test both: 2 instead of 143",
}


def test_all_expectations_have_their_fault_here() -> None:
    def names(corpus: str) -> list[str]:
        of_suites = suites(SETTINGS, clean(corpus).summary).items()
        return [f"{suite}.{check.name}" for suite, checks in of_suites for check in checks]

    assert sorted(names("demo")) == sorted(FAULTS)
    assert set(names("icbhi")) - set(FAULTS) <= set(PROMISES) <= set(names("icbhi"))
    assert sorted(set(names("icbhi-part"))) == sorted(FAULTS)


def test_a_corpus_without_fault_passes_all() -> None:
    verdicts, _ = judge(clean().frames(), SETTINGS)
    assert [verdict.name for verdict in verdicts if not verdict.success or verdict.unexpected] == []


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_makes_its_expectation_fail(name: str) -> None:
    severity, plant = FAULTS[name]
    corpus = clean()
    row = plant(corpus)
    frames = corpus.frames()
    suite, _, short = name.partition(".")
    check = next(check for check in suites(SETTINGS, corpus.summary)[suite] if check.name == short)
    [verdict], _ = judge_suite(suite, getattr(frames, suite), [check], SETTINGS.severity)
    assert (verdict.success, verdict.severity) == (False, severity)
    assert verdict.unexpected >= 1
    assert row in verdict.first


def test_what_claims_to_be_the_whole_database_must_be() -> None:
    verdicts, _ = judge(clean("icbhi").frames(), SETTINGS)
    failing = {f"{verdict.suite}.{verdict.name}": verdict for verdict in verdicts if not verdict.success}
    assert sorted(failing) == sorted(PROMISES)
    assert {name: PROMISES[name] in verdict.first for name, verdict in failing.items()} == dict.fromkeys(PROMISES, True)


@pytest.mark.parametrize(("corpus", "patient", "holds"), [("icbhi-part", "156", True), ("demo", "156", False)])
def test_only_icbhi_may_have_its_two_patients_on_both_sides(corpus: str, patient: str, holds: bool) -> None:
    tables = clean(corpus)
    tables.recordings = tables.recordings.with_columns(patient_id=pl.col("patient_id").replace("102", patient))
    tables.put("recordings", 3, split="test")
    check = next(c for c in suites(SETTINGS, tables.summary)["recordings"] if c.name == "patients_on_one_side")
    [verdict], _ = judge_suite("recordings", tables.frames().recordings, [check], SETTINGS.severity)
    assert verdict.success == holds
    assert verdict.first == ([] if holds else [patient])
