"""Exports with weights of 8 bits: the best of several methods, and its cost in Score."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.file_names import CARD, SELECTION
from models.metrics import SCORES, scores
from models.training.features import Features
from models.training.normalization import Normalization
from tasks import artifacts
from tasks.exporting import onnx_file, quantisation
from tasks.exporting.quantisation import Method
from tasks.features import cycle_waveforms
from tasks.prediction.facts import ID_DIGITS, identity
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.subsets.splits import Subset

FILE = "model.onnx"  # the file that `predict`, `serve-model` and `use.py` take
FULL = "model_fp32.onnx"
# Cycles of each subset, a seeded choice where there are more; training cycles give the scales of the activations.
COUNTS: dict[Subset, int] = {"train": 100, "val": 1000, "test": 1000}
MEASURED: tuple[Subset, Subset] = ("val", "test")
ALLOWED = 0.5  # points of the strict Score
NAMES = {"val": "validation", "test": "test"}
Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Predicted:
    """Predictions for the cycles of one subset."""

    probabilities: npt.NDArray[np.float32]
    decisions: npt.NDArray[np.int64]
    milliseconds: float  # time for one cycle on one core


@dataclass(frozen=True)
class Inputs:
    """Inputs of the model and labels of the cycles of one subset."""

    given: Sequence[Mapping[str, npt.NDArray[Any]]]
    labels: npt.NDArray[np.int64]


def write(folder: Path, card: Mapping[str, Any], on_cycle: Advance = lambda done, total: None) -> dict[str, Any]:
    """Give ``model.onnx`` weights of 8 bits, and return the entry `int8` of ``model.json``.

    The network with weights of 32 bits is kept as ``model_fp32.onnx``.

    All methods of quantisation are measured on validation cycles of the project in the working directory. Of those
    that lose at most `ALLOWED` points of the strict Score, the fastest is kept; if none does, the one that loses least.
    It is measured on test cycles, too.

    Args:
        folder: Folder of the export, with its ONNX file.
        card: Content of the export's ``model.json``.
        on_cycle: Callback with the number of predicted cycles, and of all.

    Raises:
        BreathlineError: There are no cycles to measure with, or the model has nothing to quantise.
    """
    source = folder / FILE
    inputs = read(card)
    rounds = (1 + len(quantisation.METHODS)) * len(inputs["val"].given) + 2 * len(inputs["test"].given)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        on_cycle(done, rounds)

    full = {subset: _predict(source, inputs[subset], advance) for subset in MEASURED}
    classes = len(card["classes"])
    tried: dict[Method, Predicted] = {}
    measured: dict[Method, dict[str, Any]] = {}
    for method in quantisation.METHODS:
        path = folder / f"{method}.onnx"
        if quantisation.write(path, source, method, inputs["train"].given):
            tried[method] = _predict(path, inputs["val"], advance)
            measured[method] = {
                "bytes": path.stat().st_size,
                "milliseconds": tried[method].milliseconds,
                **_compared(inputs["val"], full["val"], tried[method], classes),
            }
    if not tried:
        raise BreathlineError("The network has no layer with weights of 8 bits.", where=source, hint="leave out --int8")
    method = choose(measured)
    reduced = {"val": tried[method], "test": _predict(folder / f"{method}.onnx", inputs["test"], advance)}
    full_bytes = source.stat().st_size
    source.replace(folder / FULL)
    (folder / f"{method}.onnx").replace(source)
    own_id = hashlib.sha256(source.read_bytes()).hexdigest()[:ID_DIGITS]
    quantisation.set_id(source, own_id)
    for other in tried.keys() - {method}:
        (folder / f"{other}.onnx").unlink()
    return {
        "file": FILE,
        "full_file": FULL,
        "id": own_id,
        "full_id": card.get("id"),
        "method": method,
        "own_split": is_trained_here(card),
        "bytes": {"float32": full_bytes, "int8": source.stat().st_size},
        "milliseconds": {"float32": full["test"].milliseconds, "int8": reduced["test"].milliseconds},
        "tried": measured,
        **{NAMES[subset]: _compared(inputs[subset], full[subset], reduced[subset], classes) for subset in MEASURED},
    }


def is_trained_here(card: Mapping[str, Any], root: Path = Path()) -> bool:
    """Return whether a model is a student of the working tree, so that the split is the one of its training.

    Args:
        card: Content of the export's ``model.json``.
        root: Folder of the project.
    """
    weights = sorted((root / artifacts.STUDENTS).glob(f"*/{SELECTION}.safetensors"))
    return card.get("id") in {identity(one.parent) for one in weights if (one.parent / CARD).is_file()}


def choose(measured: Mapping[Method, Mapping[str, Any]]) -> Method:
    """Return the method that is kept, by what was measured on validation cycles; see `write`.

    Args:
        measured: `milliseconds`, and `score_strict` in `float32` and `int8`, of each method.
    """

    def loss(method: Method) -> float:
        scores = measured[method]["score_strict"]
        return float("inf") if None in scores.values() else scores["float32"] - scores["int8"]

    good = [method for method in measured if loss(method) <= ALLOWED]
    return min(good, key=lambda one: measured[one]["milliseconds"]) if good else min(measured, key=loss)


def read(card: Mapping[str, Any], root: Path = Path()) -> dict[Subset, Inputs]:
    """Return inputs of the model for cycles of each subset of a project, with their labels.

    Args:
        card: Content of the export's ``model.json``.
        root: Folder of the project that trained the model.

    Raises:
        BreathlineError: The folder is not that project, or its waveforms are missing.
    """
    hint = "run this in the folder of the project that trained the model, or leave out --int8"
    audio = sorted(
        (root / artifacts.CorpusFolders("training", "*").waveforms).parent.glob(f"*/{card['sample_rate']}.parquet")
    )
    if not (root / params.PARAMS).exists() or not audio:
        raise BreathlineError(
            "There are no cycles to measure the cost of 8 bits with.", where=root.resolve(), hint=hint
        )
    read = params.read()
    assigned = assignment.from_params(read)
    if list(assigned.classes) != list(card["classes"]):
        raise BreathlineError(
            "The model predicts other classes than those of the project.", where=params.PARAMS, hint=hint
        )
    chosen = {subset: _some(assigned.cycles(subset), count) for subset, count in COUNTS.items()}
    waveforms = _waveforms(audio, {cycle for cycles in chosen.values() for cycle in cycles})
    offsets = _offsets(card, assigned)
    found = {}
    for subset, cycles in chosen.items():
        given = [_given(waveforms[cycle], None if offsets is None else offsets(cycle)) for cycle in cycles]
        found[subset] = Inputs(given, np.array([assigned.targets[cycle] for cycle in cycles]))
    return found


def _some(cycles: Sequence[str], count: int) -> list[str]:
    """Return at most `count` cycles, the same ones each time."""
    chosen = np.random.default_rng(0).permutation(len(cycles))[:count]
    return [cycles[index] for index in sorted(chosen)]


def _waveforms(paths: Sequence[Path], wanted: set[str]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the waveforms of some cycles by id."""
    found = {}
    for path in paths:
        for batch in cycle_waveforms.read(path, rows=64):
            for cycle, samples in zip(batch.column("cycle_id").to_pylist(), batch.column("samples"), strict=True):
                if cycle in wanted:
                    found[cycle] = np.array(samples.values, dtype=np.float32)
    return found


def _offsets(card: Mapping[str, Any], assigned: Assignment) -> Callable[[str], npt.NDArray[np.float32]] | None:
    """Return a function that gives the offsets of a cycle, from the feature cache; None for models without."""
    normalization = Normalization.from_card(card)
    if normalization is None:
        return None
    features = Features(artifacts.FEATURE_CACHES / card["frontend"])
    by_cycle: dict[str, npt.NDArray[np.float32]] = {}
    for some in assigned.sources(*COUNTS):
        found = normalization.offsets(features.means(features.find(some.cycles)), some.recordings, some.devices)
        by_cycle.update(zip(some.cycles, found, strict=True))
    return by_cycle.__getitem__


def _given(
    waveform: npt.NDArray[np.float32], offsets: npt.NDArray[np.float32] | None
) -> Mapping[str, npt.NDArray[Any]]:
    """Return the inputs of the model for one cycle."""
    given = onnx_file.stacked([waveform])
    return given if offsets is None else given | {"offsets": offsets[None]}


def _predict(path: Path, inputs: Inputs, advance: Callable[[], None]) -> Predicted:
    """Return the predictions of an ONNX file, on one core."""
    session, probabilities, decisions = onnx_file.session(path), [], []
    start = time.perf_counter()
    for given in inputs.given:
        found = session.run(["probabilities", "decision"], dict(given))
        probabilities.append(found[0][0])
        decisions.append(int(found[1][0]))
        advance()
    seconds = time.perf_counter() - start
    return Predicted(np.array(probabilities), np.array(decisions), round(1000 * seconds / max(1, len(inputs.given)), 2))


def _scores(inputs: Inputs, predicted: Predicted, classes: int) -> dict[str, float]:
    return scores(inputs.labels, predicted.decisions, classes)


def _compared(inputs: Inputs, full: Predicted, reduced: Predicted, classes: int) -> dict[str, Any]:
    """Return the figures of both versions on one subset, and how far their predictions differ."""
    before, after = (_scores(inputs, one, classes) for one in (full, reduced))
    return {
        "cycles": len(inputs.labels),
        "changed_decisions": float((full.decisions != reduced.decisions).mean()),
        "largest_difference": float(np.abs(full.probabilities - reduced.probabilities).max(initial=0)),
        **{name: {"float32": _number(before[name]), "int8": _number(after[name])} for name in SCORES},
    }


def _number(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None
