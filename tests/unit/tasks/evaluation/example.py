"""A small test set with random predictions, and the facts of its corpus."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.summary import about, summarize
from tasks.runtime.corpus_facts import CorpusFacts, GroupColumn, Identity, LabelSet, Published
from tests.unit.tasks.corpora.invented import bare_facts

CLASSES = ("normal", "crackle", "wheeze", "both")
SETTINGS = EvaluationSettings(confidence=0.95, resamples=256, seed=0, calibration_bins=10, prevalence=None)
GROUP_COLUMNS = (
    GroupColumn(column="device", title="Device"),
    GroupColumn(column="location", title="Chest location", values={"Al": "anterior left"}),
    GroupColumn(column="age_group", title="Age"),
    GroupColumn(column="sex", title="Sex", values={"F": "female", "M": "male"}),
)
GROUPS = [group.column for group in GROUP_COLUMNS]
LABEL_SETS = {
    "lungsound_4": CLASSES,
    "lungsound_2": ("normal", "abnormal"),
    "diagnosis_3": ("healthy", "chronic", "non-chronic"),
    "diagnosis_2": ("healthy", "unhealthy"),
}
RESULT = {"labels": "lungsound_4", "split": "official", "sp": "70.00", "se": "40.00"}
PUBLISHED = (
    Published(method="A network (2020)", definition="strict", selection="paper", score="62.37 ± 0.61", **RESULT),
    Published(method="A network (2020)", definition="lenient", selection="paper", score="68.10", **RESULT),
    Published(method="Its rerun (2021)", definition="strict", selection="val", score="59.59 ± 0.47", **RESULT),
)


def facts(published: tuple[Published, ...] = ()) -> CorpusFacts:
    """Return the facts of a corpus of which the test set is a part."""
    known = {"name": "other", "statement": "A part of the other corpus", "evidence": "", "recordings": 10}
    texts = {"title": "Other corpus", "description": "Recordings.", "origin": "a study", "cycle": "one breath"}
    sets = {name: LabelSet(column=name, classes=classes, description="") for name, classes in LABEL_SETS.items()}
    return bare_facts(
        name="other",
        identity=Identity(**known, verified=True, complete=False),
        label_sets=sets,
        splits={"official": "the split of the study"},
        group_columns=GROUP_COLUMNS,
        banner="A part of the other corpus: not comparable with published scores.",
        published=published,
        **texts,
    )


def cycles(patients: int = 8, each: int = 12) -> pl.DataFrame:
    """Return test cycles of patients; the last patient alone has the device LittC2SE and no abnormal cycle."""
    rows = []
    for patient in range(patients):
        last, name = patient == patients - 1, f"{101 + patient}_1b1_Al_sc_Meditron"
        shared = {
            "recording_id": name,
            "patient_id": str(101 + patient),
            "duration_s": 2.5,
            "location": "Al",
            "corpus": "demo",
        }
        shared |= {"device": "LittC2SE" if last else "Meditron", "age_group": "unknown", "sex": "MF"[patient % 2]}
        labels = [0 if last else index % 4 for index in range(each)]
        rows += [{"cycle_id": f"{name}_{index:03}", "label": label, **shared} for index, label in enumerate(labels)]
    return pl.DataFrame(rows, schema_overrides={"label": pl.Int8})


def predict(model: str, frame: pl.DataFrame, seed: int, skill: float, selection: str = "val") -> Predictions:
    """Return random predictions; `skill` is added to the logit of the true class."""
    logits = np.random.default_rng(seed).normal(size=(frame.height, len(CLASSES)))
    logits[np.arange(frame.height), frame["label"].to_numpy()] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(model, selection, probabilities[None].astype(np.float32))


def always(model: str, index: int) -> Predictions:
    """Return predictions of one class for every test cycle."""
    probabilities = np.zeros((1, cycles().height, len(CLASSES)), dtype=np.float32)
    probabilities[..., index] = 1
    return Predictions(model, "val", probabilities)


def evaluator(
    frame: pl.DataFrame, challenge: tuple[str, ...] = (), settings: EvaluationSettings = SETTINGS
) -> Evaluator:
    return Evaluator(frame, CLASSES, settings, groups=GROUPS, metrics=challenge)


def metrics(
    selections: tuple[str, ...] = ("val",),
    *,
    teachers: bool = True,
    published: tuple[Published, ...] = (),
    challenge: tuple[str, ...] = (),
    further: Sequence[Predictions] = (),
    baselines: Sequence[str] = (),
    settings: EvaluationSettings = SETTINGS,
) -> dict:
    """Return the figures of two seeds, of further models and, unless `teachers` is false, of two teachers who label."""
    frame = cycles()
    names = {"student/1": 1.5, "student/2": 1.2}
    names |= {"teacher/a": 1.0, "teacher/b": 0.5, "ensemble": 1.1} if teachers else {}
    ensemble = ["teacher/a", "teacher/b"] if teachers else []
    parts = [
        predict(name, frame, seed, skill, selection)
        for selection in selections
        for seed, (name, skill) in enumerate(names.items())
    ]
    found = summarize(
        evaluator(frame, challenge, settings),
        [*parts, *further],
        about(facts(published), "lungsound_4", "official"),
        ensemble,
        baselines,
    )
    return found | {"corpora": {}, "external": {}}
