import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
import soundfile

from tasks.audio import resampling, waveform_files, waveforms
from tasks.corpora.icbhi.adapter import CORPUS
from tasks.extract import extract
from tasks.runtime import corpus_facts, schemas
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError

PLAIN, OTHER, STEREO = "101_1b1_Al_sc_Meditron", "226_1b1_Pl_sc_LittC2SE", "300_2b2_Tc_mc_AKGC417L"
ODD = "226_1b1_Pl_sc_Meditron"  # the name of `OTHER` in the split file
SPLIT = "metadata/ICBHI_challenge_train_test.txt"
RECORDINGS = {PLAIN: (44_100, "PCM_24", 1), OTHER: (4000, "PCM_16", 1), STEREO: (32_000, "FLOAT", 2)}
SAID = {"name": "icbhi-part", "statement": "A part", "evidence": "None."}
IDENTITY = Identity(**SAID, verified=True, complete=False, recordings=3)


def write_raw(raw: Path) -> Path:
    """Write three recordings of two seconds, as `download` does; return the folder."""
    (raw / "audio").mkdir(parents=True)
    (raw / "metadata").mkdir()
    generator = np.random.default_rng(0)
    for name, (rate, subtype, channels) in RECORDINGS.items():
        noise = generator.uniform(-0.3, 0.3, (2 * rate, channels))
        soundfile.write(raw / "audio" / f"{name}.wav", noise, rate, subtype=subtype)
        (raw / "audio" / f"{name}.txt").write_text("0.036\t0.579\t0\t0\n0.579\t1.25\t1\t0\n1.25\t1.9\t1\t1\n")
    (raw / SPLIT).write_text(f"{PLAIN}\ttest\n{ODD}\ttrain\n{STEREO}\ttrain\n107_2b3_Al_mc_AKGC417L\ttrain\n")
    (raw / "metadata" / "ICBHI_Challenge_diagnosis.txt").write_text("101\tURTI\n226\tHealthy\n")
    (raw / "metadata" / "ICBHI_Challenge_demographic_information.txt").write_text("101\t3\tF\tNA\t19\t99\n")
    (raw / "metadata" / "patient_list_foldwise.txt").write_text("101 1\n226 3\n300 0\n")
    (raw / "source.json").write_text(json.dumps({"format": "icbhi", "identity": asdict(IDENTITY)}))
    return raw


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Three recordings in a folder whose name is not plain."""
    return write_raw(tmp_path / "rohe Daten ü" / "icbhi")


def run(raw: Path, workers: int = 2) -> tuple[Path, dict[str, object]]:
    out = raw.parent / "cycles"
    return out, extract(raw, out, out / "audio", rates=[16_000, 32_000], workers=workers)


def test_recordings_have_all_known_values(raw, caplog):
    with caplog.at_level(logging.INFO):
        out, _ = run(raw)
    assert pq.read_schema(out / "recordings.parquet").equals(CORPUS.recordings_schema)
    plain, other, stereo = pl.read_parquet(out / "recordings.parquet").to_dicts()
    known = {"recording_id": PLAIN, "patient_id": "101", "icbhi_recording_index": "1b1", "icbhi_mode": "sc"}
    known |= {"location": "Al", "device": "Meditron", "sample_rate": 44_100, "subtype": "PCM_24", "bit_depth": 24}
    known |= {"frames": 88_200, "duration_s": 2.0, "channels": 1, "cycles": 3, "age": 3, "sex": "F", "icbhi_bmi": None}
    known |= {"icbhi_weight_kg": 19, "icbhi_height_cm": 99, "diagnosis": "URTI", "split": "test", "fold": 1}
    assert plain | known | {"icbhi_name_in_split": None} == plain
    for suffix, kind in (("wav", "recording"), ("txt", "annotation")):
        data = (raw / "audio" / f"{PLAIN}.{suffix}").read_bytes()
        assert plain[f"{kind}_sha256"] == hashlib.sha256(data).hexdigest()
    assert plain["peak"] == pytest.approx(0.3, abs=1e-3)
    assert (other["split"], other["icbhi_name_in_split"]) == ("train", "226_1b1_Pl_sc_Meditron")
    assert (stereo["channels"], stereo["diagnosis"], stereo["fold"], stereo["age"]) == (2, None, 0, None)
    assert "diagnosis of 1 patients is unknown: 300" in caplog.text
    assert "age of 2 patients is unknown: 226, 300" in caplog.text
    assert "226_1b1_Pl_sc_Meditron is 226_1b1_Pl_sc_LittC2SE" in caplog.text
    assert "1 recordings of the metadata have no audio" in caplog.text


def test_notes_on_files_are_logged(raw, caplog):
    path = raw / "audio" / f"{OTHER}.wav"
    data = path.read_bytes()
    path.write_bytes(data[:40] + b"\xff" * 4 + data[44:])
    with caplog.at_level(logging.WARNING):
        run(raw)
    assert f"{OTHER}: the chunk data states no length (4294967295): read to the end of the file" in caplog.text


def test_cycles_have_ids_labels_and_the_hash_of_their_own_samples(raw):
    out, _ = run(raw)
    assert pq.read_schema(out / "cycles.parquet").equals(CORPUS.cycles_schema)
    cycles = pl.read_parquet(out / "cycles.parquet")
    assert cycles["cycle_id"].to_list() == [f"{name}_{index:03}" for name in sorted(RECORDINGS) for index in range(3)]
    assert cycles["lungsound_4"].to_list() == [0, 1, 3] * 3
    assert cycles["lungsound_2"].to_list() == [0, 1, 1] * 3
    assert cycles["diagnosis_3"].to_list() == [2] * 3 + [0] * 3 + [None] * 3
    assert cycles["diagnosis_2"].to_list() == [1] * 3 + [0] * 3 + [None] * 3
    assert cycles["split"].to_list() == ["test"] * 3 + ["train"] * 6
    assert cycles["duration_s"][1] == pytest.approx(0.671)
    native, _ = soundfile.read(raw / "audio" / f"{OTHER}.wav", dtype="int32")
    assert cycles["audio_sha256"][4] == hashlib.sha256(native[2316:5000].astype("<i4").tobytes()).hexdigest()
    assert cycles["audio_sha256"].n_unique() == 9


def test_waveforms_are_resampled_and_faded_as_wholes_then_cut(raw):
    out, _ = run(raw)
    for rate in (16_000, 32_000):
        assert pq.read_schema(out / "audio" / f"{rate}.parquet").equals(schemas.AUDIO)
        audio = dict(pl.read_parquet(out / "audio" / f"{rate}.parquet").iter_rows())
        assert list(audio) == sorted(audio)
        for name, (native, _, _) in RECORDINGS.items():
            samples, _ = soundfile.read(raw / "audio" / f"{name}.wav", dtype="float32", always_2d=True)
            whole = waveforms.fade(resampling.resample(samples.mean(axis=1), native, rate), rate)
            for index, (start, end) in enumerate([(0.036, 0.579), (0.579, 1.25), (1.25, 1.9)]):
                expected = whole[int(start * rate) : int(end * rate)]
                np.testing.assert_array_equal(np.array(audio[f"{name}_{index:03}"], dtype=np.float32), expected)


def test_recordings_are_not_faded_at_unfaded_rates(raw):
    (raw / "audio" / f"{PLAIN}.txt").write_text("0.0\t1.0\t0\t0\n1.0\t2.0\t0\t0\n")
    out = raw.parent / "cycles"
    rates, audio = (16_000, 32_000), out / "audio"
    extract(raw, out, audio, rates=rates, workers=1, unfaded=[16_000])
    starts = {rate: pl.read_parquet(audio / f"{rate}.parquet")["samples"][0].to_numpy() for rate in rates}
    samples, native = soundfile.read(raw / "audio" / f"{PLAIN}.wav", dtype="float32")
    np.testing.assert_array_equal(starts[16_000], resampling.resample(samples, native, 16_000)[:16_000])
    faded = waveforms.fade(resampling.resample(samples, native, 32_000), 32_000)
    np.testing.assert_array_equal(starts[32_000], faded[:32_000])


def test_the_summary_counts_by_side_and_class_and_the_facts_follow_from_the_identity(raw):
    out, summary = run(raw)
    assert json.loads((out / "summary.json").read_text()) == summary
    expected = {"corpus": "icbhi-part", "recordings": 3, "cycles": 9, "missing": ["107_2b3_Al_mc_AKGC417L"]}
    expected |= {"corrections": [{"name_in_split": "226_1b1_Pl_sc_Meditron", "recording_id": OTHER}]}
    classes = summary["classes"]
    assert summary == expected | {"rates": [16_000, 32_000], "classes": classes}
    assert classes["train"]["lungsound_4"] == {"normal": 2, "crackle": 2, "wheeze": 0, "both": 2}
    assert classes["test"]["diagnosis_3"] == {"healthy": 0, "chronic": 0, "non-chronic": 3}
    facts = corpus_facts.read(out)
    assert (facts.name, facts.title, facts.identity) == ("icbhi", "ICBHI 2017", IDENTITY)
    assert (facts.published, facts.patients_on_both_sides) == ((), ("156", "218"))


def test_bytes_are_equal_for_any_number_of_workers(raw, monkeypatch):
    monkeypatch.setattr(waveform_files, "ROW_GROUP_SAMPLES", 30_000)
    seen = []
    for workers in (1, 3):
        out, _ = run(raw, workers)
        seen.append({path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert seen[0] == seen[1]
    assert pq.ParquetFile(out / "audio" / "32000.parquet").num_row_groups > 2


def test_a_cycle_beyond_the_end_is_kept_and_clipped(raw):
    (raw / "audio" / f"{PLAIN}.txt").write_text("1.5\t2.5\t0\t0\n1.5\t1.5\t0\t1\n7\t8\t1\t0\n")
    out, _ = run(raw)
    cycles = pl.read_parquet(out / "cycles.parquet").head(3)
    assert cycles["end_s"].to_list() == [2.5, 1.5, 8]
    assert cycles["audio_sha256"].is_null().to_list() == [False, True, True]
    audio = pl.read_parquet(out / "audio" / "16000.parquet").head(3)
    assert audio["samples"].list.len().to_list() == [8000, 0, 0]


def _remove(path: str) -> Callable[[Path], None]:
    return lambda raw: (raw / path).unlink()


def _write(path: str, text: str) -> Callable[[Path], object]:
    return lambda raw: (raw / path).write_text(text)


TWO_SIDES = f"{PLAIN} test\n{STEREO} train\n{OTHER} train\n{ODD} test\n"


def _truncate(raw: Path) -> None:
    path = raw / "audio" / f"{STEREO}.wav"
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (_truncate, f"{STEREO}.wav is cut off: 1000 of"),
        (_write(f"audio/{OTHER}.wav", "no wav"), f"{OTHER}.wav is a text in UTF-8, not audio"),
        (_write(f"audio/{OTHER}.txt", "0.1\t0.2\t0\n"), "does not have the 4 columns"),
        (_remove(f"audio/{OTHER}.txt"), f"1 recordings have no annotation: {OTHER}"),
        (_remove(f"audio/{OTHER}.wav"), f"1 annotations have no recording: {OTHER}"),
        (_write("audio/notes ü.md", ""), "neither audio nor annotation: notes ü.md"),
        (_remove("metadata/ICBHI_Challenge_diagnosis.txt"), "ICBHI_Challenge_diagnosis.txt cannot be read"),
        (_remove("source.json"), "the file is missing"),
        (_write(SPLIT, f"{PLAIN}\ttest\n{STEREO}\ttrain\n"), f"does not name 1 recordings: {OTHER}"),
        (_write(SPLIT, TWO_SIDES), "train under one name and in test under another"),
    ],
)
def test_a_fault_is_named_and_leaves_the_earlier_files_whole(raw, fault, message):
    out, _ = run(raw)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    fault(raw)
    with pytest.raises(BreathlineError, match=message):
        run(raw)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_without_the_fold_list_no_patient_has_a_fold(raw):
    """The official site does not have that list."""
    (raw / "metadata" / "patient_list_foldwise.txt").unlink()
    out, _ = run(raw)
    assert pl.read_parquet(out / "recordings.parquet")["fold"].is_null().all()


@pytest.mark.parametrize("name", ["101_1b1_Al_sc_Meditron (1)", "größe 1"])
def test_an_invalid_name_is_refused(raw, name):
    for suffix in (".wav", ".txt"):
        (raw / "audio" / f"{PLAIN}{suffix}").rename(raw / "audio" / f"{name}{suffix}")
    with pytest.raises(BreathlineError, match="not the name of an ICBHI recording"):
        run(raw)


def test_files_of_earlier_rates_and_runs_are_removed(raw):
    out, _ = run(raw)
    (out / "audio" / ".16000.parquet.k1ll3d").write_bytes(b"half")
    extract(raw, out, out / "audio", rates=[16_000], workers=1)
    assert [path.name for path in (out / "audio").iterdir()] == ["16000.parquet"]
