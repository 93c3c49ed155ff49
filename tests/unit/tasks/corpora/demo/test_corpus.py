import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tasks.corpora.demo import cohort, schedule
from tasks.corpora.demo.adapter import CORPUS
from tasks.corpora.demo.corpus import DATABASE, generate
from tasks.corpora.demo.devices import DEVICES
from tasks.corpora.icbhi import annotations, metadata, names
from tasks.corpora.settings import DownloadSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

REAL_SHARES = np.array([3642, 1864, 886, 506]) / 6898


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    generate(directory, seed=7, patients=3, workers=1)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*.*")}


def cycles(seed: int, patients: int) -> dict[str, np.ndarray]:
    counts = {"train": np.zeros(4, dtype=int), "test": np.zeros(4, dtype=int)}
    for number in range(cohort.FIRST_NUMBER, cohort.FIRST_NUMBER + patients):
        person = cohort.patient(seed, number)
        for recording in schedule.recordings(seed, person):
            for _, cycle in recording.annotated:
                counts[person.split][cycle.own["icbhi_crackles"] + 2 * cycle.own["icbhi_wheezes"]] += 1
    return counts


@pytest.mark.slow  # five patients by two processes: 3 s
def test_the_first_patients_are_equal_for_any_number_of_workers_and_patients(corpus, tmp_path):
    generate(tmp_path, seed=7, patients=5, workers=2)
    few, many = contents(corpus), contents(tmp_path)
    for name, data in few.items():
        if name == metadata.FOLDS_FILE:
            assert set(data.splitlines()) < set(many[name].splitlines())
        elif "/" in name:
            assert many[name] == data, name
        else:
            assert many[name].startswith(data), name
            assert len(many[name]) > len(data), name


@pytest.mark.slow
def test_another_seed_gives_other_recordings(corpus, tmp_path):
    generate(tmp_path, seed=8, patients=2, workers=1)
    audio = [{data for name, data in contents(d).items() if name.endswith(".wav")} for d in (corpus, tmp_path)]
    assert audio[0].isdisjoint(audio[1])


def test_the_corpus_reads_as_icbhi(corpus):
    recordings = {path.stem for path in (corpus / DATABASE).glob("*.wav")}
    split = metadata.read_split(corpus / metadata.SPLIT_FILE)
    matched = metadata.match(split, recordings)
    assert (matched.corrections, matched.missing, matched.unlisted) == ([], [], [])
    patients = {names.parse(name).patient_id for name in recordings}
    assert patients == {"101", "102", "103"}
    assert metadata.read_diagnosis(corpus / metadata.DIAGNOSIS_FILE).keys() == patients
    assert metadata.read_demographics(corpus / metadata.DEMOGRAPHICS_FILE).keys() == patients
    assert metadata.read_folds(corpus / metadata.FOLDS_FILE).keys() == patients
    sides = {side: {names.parse(name).patient_id for name in split if split[name] == side} for side in cohort.SIDES}
    assert sides["train"].isdisjoint(sides["test"])
    assert all(sides.values())


def test_metadata_have_the_line_ends_and_separators_of_the_official_files(corpus):
    lines = (corpus / metadata.SPLIT_FILE).read_bytes().removesuffix(b"\r\n").split(b"\r\n")
    assert all(line.count(b"\t") == 1 for line in lines)
    assert (corpus / metadata.DEMOGRAPHICS_FILE).read_bytes().count(b"\r\n") == 3
    assert b"\r" not in (corpus / metadata.DIAGNOSIS_FILE).read_bytes()
    assert (corpus / metadata.FOLDS_FILE).read_bytes().count(b" ") == 3


def test_cycles_are_contiguous_and_inside_audio_of_the_devices_formats(corpus):
    for path in sorted((corpus / DATABASE).glob("*.wav")):
        info = sf.info(path)
        formats = [form for form, _ in DEVICES[names.parse(path.stem).device].formats]
        assert (info.samplerate, info.subtype) in formats
        assert info.channels == 1
        samples, _ = sf.read(path)
        assert 1e-4 < samples.std() < np.abs(samples).max() <= 1
        assert np.mean(np.abs(samples) >= 0.9999) < 0.005
        found = annotations.read(path.with_suffix(".txt"))
        assert found
        assert all(before.end_s == after.start_s for before, after in itertools.pairwise(found))
        assert all(cycle.end_s - cycle.start_s >= 0.2 for cycle in found)
        assert found[0].start_s >= 0
        assert found[-1].end_s <= info.duration


def test_simultaneous_channels_share_their_breaths():
    person = next(p for p in (cohort.patient(3, n) for n in range(101, 121)) if p.device == "AKGC417L")
    channels = schedule.recordings(3, person)
    assert len(channels) >= 5
    assert len({channel.breaths for channel in channels}) == 1
    assert len({channel.name.recording_index for channel in channels}) == 1


@pytest.mark.slow
def test_a_large_cohort_has_icbhis_class_balance_cycle_lengths_and_split():
    counts = cycles(0, 400)
    for side in counts.values():
        assert side / side.sum() == pytest.approx(REAL_SHARES, abs=0.03)
    assert counts["train"].sum() / sum(c.sum() for c in counts.values()) == pytest.approx(0.60, abs=0.03)
    people = [cohort.patient(0, number) for number in range(101, 501)]
    lengths = [c.end_s - c.start_s for one in people for part in schedule.recordings(0, one) for _, c in part.annotated]
    # Recordings are shorter than ICBHI's, so that more of their cycles are cut.
    assert np.percentile(lengths, (5, 50, 95)) == pytest.approx((1.05, 2.54, 4.59), rel=0.2)
    assert 0.2 <= min(lengths) <= max(lengths) <= 16.2
    assert {person.device for person in people if person.split == "test"} == {"AKGC417L", "Litt3200", "Meditron"}
    assert {person.fold for person in people} == {0, 1, 2, 3, 4}


def test_the_default_size_has_the_expected_mix():
    settings = params.read()["corpora"]["demo"]["demo"]
    counts = cycles(settings["seed"], settings["patients"])
    assert 500 <= counts["train"].sum() <= 700
    assert 250 <= counts["test"].sum() <= 400
    for side in counts.values():
        assert side / side.sum() == pytest.approx(REAL_SHARES, abs=0.06)


def test_adventitious_sounds_follow_the_diagnosis():
    ill, healthy = (
        np.mean([cohort.patient(1, n).crackle_log_odds for n in range(101, 301) if cohort.patient(1, n).diagnosis == d])
        for d in ("COPD", "Healthy")
    )
    assert ill > healthy + 3


def test_a_corpus_without_two_sides_or_over_another_is_refused(corpus, tmp_path):
    with pytest.raises(BreathlineError, match="train and test"):
        generate(tmp_path, seed=1, patients=1)
    assert not list(tmp_path.iterdir())
    with pytest.raises(BreathlineError, match="database already"):
        generate(corpus, seed=1, patients=2)


@pytest.mark.parametrize(("source", "generated"), [("publisher", True), ("directory", False)])
def test_the_facts_say_whether_the_sounds_were_generated(source, generated):
    settings = DownloadSettings(format="demo", source=source, path=None if generated else Path("elsewhere"))
    assert CORPUS.facts(CORPUS.identify(Path("audio"), ["101_1b1_Al_sc_Meditron"], settings)).generated is generated
