"""Recomputation of content hashes, and of a sample of cycles and features from the recordings (`--deep`).

Soft labels, predictions and metrics are recomputed in `lineage.verify.model_recomputation`, trainings in
`lineage.verify.training_recomputation`. Each check yields a note of
its extent and of the largest difference.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from lineage.content import content_hash
from lineage.verify import model_recomputation, training_recomputation
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Sample, recomputed
from models import file_names
from models.frontends.registry import create_array
from tasks import artifacts
from tasks.artifacts import AUDIO, CYCLES, SOURCE, CorpusFolders
from tasks.audio import front_end_rates
from tasks.corpora import extraction, registry
from tasks.corpora.source_files import recordings_in
from tasks.features import cycle_waveforms
from tasks.features.arrays import compute

FACTS = ("start_s", "end_s", "audio_sha256")
WAVEFORM = 1e-5  # of full scale: another numpy or processor may round a resampled waveform differently
FEATURE = 0.01  # some steps of float16 in features of a few units: another FFT may give them
ROWS = 64  # cycles read at a time

Check = Callable[[AuditedProject], Iterator[Finding]]


def checks(sample: Sample, *, elsewhere: bool) -> dict[str, Check]:
    """Return the recomputing checks by name.

    Args:
        sample: Sample of cycles, features, predictions and trainings.
        elsewhere: Whether the run is from another machine.
    """
    found: dict[str, Check] = {
        "content": content,
        "cycles anew": partial(cycles, sample=sample),
        "features anew": partial(features, sample=sample),
        "soft labels anew": partial(model_recomputation.soft_labels, sample=sample),
        "predictions anew": partial(model_recomputation.predictions, sample=sample),
        "metrics anew": model_recomputation.metrics,
        "first losses anew": training_recomputation.losses,
    }
    if sample.retrain:
        found["trainings anew"] = partial(training_recomputation.retrained, sample=sample, elsewhere=elsewhere)
    return found


def content(audited: AuditedProject) -> Iterator[Finding]:
    """Yield files with recorded bytes and another content hash: the record itself is wrong."""
    for stage, file in audited.project.files("outputs"):
        there = audited.hashes.of(file["path"])
        if there is None or there.sha256 != file["sha256"]:
            continue  # a finding of `outputs`
        if content_hash(audited.root / file["path"]) != file.get("content"):
            what = f"the record of {stage} has another content hash than the file, whose bytes are as recorded"
            yield Finding("content-contradicts", file["path"], what, (stage,))


def cycles(audited: AuditedProject, sample: Sample) -> Iterator[Finding]:
    """Yield cycles of each corpus whose times, flags, samples or waveforms differ from those in the recordings."""
    for folders in audited.extracted:
        yield from _cycles(audited, folders, sample)


def _cycles(audited: AuditedProject, folders: CorpusFolders, sample: Sample) -> Iterator[Finding]:
    table = {row["cycle_id"]: row for row in audited.table(folders.tables / CYCLES.name).to_pylist()}
    chosen, stage = sample.choose(table), folders.stage("extract")
    corpus = registry.get(audited.json(folders.raw / SOURCE)["format"])
    facts = (*FACTS, *(name for name in corpus.cycle_columns if name not in corpus.shared_columns))
    unfaded = front_end_rates.unfaded(audited.project.records[stage]["params"]["frontends"])
    rates = [int(path.stem) for path in sorted((audited.root / folders.waveforms).glob("*.parquet"))]
    kept = {rate: waveforms(audited, folders, rate, chosen) for rate in rates}
    largest = 0.0
    by_recording: dict[str, list[str]] = {}
    for cycle in chosen:
        by_recording.setdefault(table[cycle]["recording_id"], []).append(cycle)
    audio = recordings_in(audited.root / folders.raw / AUDIO, corpus)
    for name, wanted in by_recording.items():
        found = extraction.extract(audio[name], corpus, rates, unfaded)
        rows = {row["cycle_id"]: (number, row) for number, row in enumerate(found.cycles)}
        for cycle in wanted:
            number, row = rows.get(cycle, (0, {}))
            known = table[cycle]
            differences = [f"{key} {known[key]} → {row.get(key)}" for key in facts if known[key] != row.get(key)]
            if differences:
                what = f"the recording gives another cycle: {', '.join(differences)}"
                yield Finding("cycle-contradicts", cycle, what, (stage,))
                continue
            for rate in rates:
                off = distance(kept[rate].get(cycle, np.empty(0)), found.audio[rate][number])
                largest = max(largest, off)
                if off > WAVEFORM:
                    what = f"the recording gives another waveform at {rate} Hz, by {off:.2g} of full scale"
                    yield Finding("waveform-contradicts", cycle, what, (stage,))
    what = f"{len(chosen)} of {len(table)} cycles recomputed from {len(by_recording)} recordings"
    yield recomputed(f"cycles of {folders.name}", what, largest)


def features(audited: AuditedProject, sample: Sample) -> Iterator[Finding]:
    """Yield rows of features that differ from those of the cycles' waveforms."""
    for stage, found in audited.project.records.items():
        work, folders, name = artifacts.corpus_of(stage) or (None, None, None)
        if work != "fbank" or folders is None or name is None:
            continue
        place = folders.features(name)
        index = audited.table(place / file_names.INDEX)
        rows = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
        chosen = sample.choose(rows)
        front_end = create_array(name, **found["params"][f"frontends.{name}"])
        kept = np.load(audited.root / place / file_names.FEATURES, mmap_mode="r")
        largest = 0.0
        for cycle, waveform in waveforms(audited, folders, front_end.sample_rate, chosen).items():
            (made,), _ = compute(front_end, [waveform])
            off = distance(kept[rows[cycle]], made)
            largest = max(largest, off)
            if off > FEATURE:
                what = f"row {rows[cycle]} of {place}: the waveform gives other features, by {off:.2g}"
                yield Finding("feature-contradicts", cycle, what, (stage,))
        yield recomputed(stage, f"{len(chosen)} of {len(rows)} rows recomputed from waveforms", largest)


def waveforms(
    audited: AuditedProject, folders: CorpusFolders, rate: int, wanted: Sequence[str]
) -> dict[str, npt.NDArray[np.float32]]:
    """Return the waveforms ``(samples,)`` of some cycles of a corpus, as `extract` wrote them."""
    found, names = {}, set(wanted)
    for batch in cycle_waveforms.read(audited.root / folders.waveforms / f"{rate}.parquet", rows=ROWS):
        for row, cycle in enumerate(batch.column("cycle_id").to_pylist()):
            if cycle in names:
                # A copy: a view would keep its whole batch in memory.
                found[cycle] = batch.column("samples")[row].values.to_numpy().copy()
    return found


def distance(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Return the largest difference of two arrays; infinite where shapes differ or a value is not finite."""
    if one.shape != other.shape:
        return float("inf")
    if np.array_equal(one, other):
        return 0.0
    off = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
    return off if np.isfinite(off) else float("inf")
