"""What `--deep` adds: content hashes of all files, and a sample of cycles and features computed anew from recordings.

Soft labels, predictions and figures follow in `lineage.verify.model_recomputation`. Each check leaves a note of what it
computed and of the largest difference, for nothing of that is proof without its extent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from lineage.content import content_hash
from lineage.verify import model_recomputation
from lineage.verify.audited_project import Tree
from lineage.verify.findings import Depth, Finding
from models import file_names
from models.frontends.registry import create
from tasks.artifacts import CYCLES, FEATURE_CACHES, RAW_AUDIO, WAVEFORMS
from tasks.audio import front_end_rates
from tasks.corpora.icbhi import recording
from tasks.features import cycle_waveforms
from tasks.features.arrays import compute

FACTS = ("start_s", "end_s", "icbhi_crackles", "icbhi_wheezes", "audio_sha256")
WAVEFORM = 1e-5  # of full scale: another SciPy may round a resampled waveform otherwise
FEATURE = 0.01  # of features within a few units: some steps of float16, as another FFT may give
ROWS = 64  # cycles read at a time

Check = Callable[[Tree], Iterator[Finding]]


def checks(depth: Depth) -> dict[str, Check]:
    """Return the checks that `--deep` adds, by name."""
    return {
        "content": content,
        "cycles anew": partial(cycles, depth=depth),
        "features anew": partial(features, depth=depth),
        "soft labels anew": partial(model_recomputation.soft_labels, depth=depth),
        "predictions anew": partial(model_recomputation.predictions, depth=depth),
        "metrics anew": model_recomputation.metrics,
    }


def content(tree: Tree) -> Iterator[Finding]:
    """Yield files whose bytes are as recorded, and whose content hash is not: the record was written wrongly."""
    for stage, file in tree.project.files("outputs"):
        there = tree.hashes.of(file["path"])
        if there is None or there.sha256 != file["sha256"]:
            continue  # told by `outputs`
        if content_hash(tree.root / file["path"]) != file.get("content"):
            what = f"the record of {stage} has another content hash than the file, whose bytes are as recorded"
            yield Finding(kind="content-contradicts", where=file["path"], what=what, stages=(stage,))


def cycles(tree: Tree, depth: Depth) -> Iterator[Finding]:
    """Yield cycles that the recordings do not give, in times, flags, samples or waveforms."""
    table = {row["cycle_id"]: row for row in tree.table(CYCLES).to_pylist()}
    chosen = choose(table, depth)
    record = tree.project.records.get("extract")
    unfaded = front_end_rates.unfaded(record["params"]["frontends"]) if record else []
    rates = [int(path.stem) for path in sorted((tree.root / WAVEFORMS).glob("*.parquet"))]
    kept = {rate: waveforms(tree, rate, chosen) for rate in rates}
    largest = 0.0
    by_recording: dict[str, list[str]] = {}
    for cycle in chosen:
        by_recording.setdefault(table[cycle]["recording_id"], []).append(cycle)
    for name, wanted in by_recording.items():
        found = recording.extract(tree.root / RAW_AUDIO / f"{name}.wav", rates, unfaded)
        rows = {row["cycle_id"]: (number, row) for number, row in enumerate(found.cycles)}
        for cycle in wanted:
            number, row = rows.get(cycle, (0, {}))
            told = [f"{key} {table[cycle][key]} → {row.get(key)}" for key in FACTS if table[cycle][key] != row.get(key)]
            if told:
                what = f"the recording gives another cycle: {', '.join(told)}"
                yield Finding(kind="cycle-contradicts", where=cycle, what=what, stages=("extract",))
                continue
            for rate in rates:
                off = distance(kept[rate].get(cycle, np.empty(0)), found.audio[rate][number])
                largest = max(largest, off)
                if off > WAVEFORM:
                    what = f"the recording gives another waveform at {rate} Hz, by {off:.2g} of full scale"
                    yield Finding(kind="waveform-contradicts", where=cycle, what=what, stages=("extract",))
    yield done("cycles", f"{len(chosen)} of {len(table)} cycles cut anew from {len(by_recording)} recordings", largest)


def features(tree: Tree, depth: Depth) -> Iterator[Finding]:
    """Yield rows of features that the cycles' waveforms do not give."""
    torch.set_num_threads(1)  # as in `tasks.fbank`: with others the last bits differ
    for stage, found in tree.project.records.items():
        group, _, name = stage.partition("@")
        if group != "fbank":
            continue
        index = tree.table(FEATURE_CACHES / name / file_names.INDEX)
        rows = dict(zip(index["cycle_id"].to_pylist(), index["row"].to_pylist(), strict=True))
        chosen = choose(rows, depth)
        front_end = create(name, **found["params"][f"frontends.{name}"])
        kept = np.load(tree.root / FEATURE_CACHES / name / file_names.FEATURES, mmap_mode="r")
        largest = 0.0
        for cycle, waveform in waveforms(tree, front_end.sample_rate, chosen).items():
            made = compute(front_end, [torch.from_numpy(waveform)])[0].numpy()
            off = distance(kept[rows[cycle]], made)
            largest = max(largest, off)
            if off > FEATURE:
                what = f"row {rows[cycle]} of {FEATURE_CACHES}/{name}: the waveform gives other features, by {off:.2g}"
                yield Finding(kind="feature-contradicts", where=cycle, what=what, stages=(stage,))
        yield done(stage, f"{len(chosen)} of {len(rows)} rows computed anew from waveforms", largest)


def choose(names: Collection[str], depth: Depth) -> list[str]:
    """Return a sample of names, sorted; all where there are no more."""
    return sorted(random.Random(depth.seed).sample(sorted(names), min(depth.sample, len(names))))


def waveforms(tree: Tree, rate: int, wanted: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the waveforms (samples,) of some cycles as `extract` wrote them."""
    found, names = {}, set(wanted)
    for batch in cycle_waveforms.read(tree.root / WAVEFORMS / f"{rate}.parquet", rows=ROWS):
        for row, cycle in enumerate(batch.column("cycle_id").to_pylist()):
            if cycle in names:
                # A copy: what Arrow hands out must not be written, and torch wants memory that may be.
                found[cycle] = batch.column("samples")[row].values.to_numpy().copy()
    return found


def distance(one: npt.NDArray[np.floating], other: npt.NDArray[np.floating]) -> float:
    """Return the largest difference of two arrays; infinite where their shapes differ or a value is no number."""
    if one.shape != other.shape:
        return float("inf")
    if np.array_equal(one, other):
        return 0.0
    off = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
    return off if np.isfinite(off) else float("inf")


def done(where: str, what: str, largest: float) -> Finding:
    """Return the note of what was computed anew."""
    return Finding(kind="computed-anew", where=where, what=f"{what}; largest difference {largest:.2g}", severity="note")
