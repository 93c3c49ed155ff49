"""Contents of ``reports/metrics.json``: all figures of the evaluation as one plain mapping.

Scores, Sp, Se, recall, precision and F1 are in percent with two decimals. Areas, ECE (0 to 1) and Brier score (0 to 2)
have four. A figure that is undefined, because there are too few cycles or patients, is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from models.metrics import FIGURES, SCORES, confusion, figures
from tasks.evaluation import intervals
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.predictions import Predictions
from tasks.evaluation.rounding import rounded
from tasks.runtime.corpus_facts import CorpusFacts
from tasks.subsets.splits import SplitOf


def about(facts: CorpusFacts, labels: str, split: SplitOf) -> dict[str, Any]:
    """Return the entries of ``reports/metrics.json`` that say what was evaluated.

    Args:
        facts: The facts of the corpus.
        labels: The label set.
        split: The split, of all corpora or of each by its name.
    """
    return {
        "corpus": facts.identity.name,
        "identity": facts.identity.statement,
        "banner": facts.banner,
        "comparable": bool(facts.published),
        "generated": facts.generated,
        "recordings": facts.identity.recordings,
        "labels": labels,
        "split": ", ".join(f"{name}: {one}" for name, one in split.items())
        if isinstance(split, Mapping)
        else str(split),
    }


def summarize(
    evaluator: Evaluator,
    predictions: Sequence[Predictions],
    about: Mapping[str, Any],
    ensemble: Sequence[str],
    baselines: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the contents of ``reports/metrics.json``.

    Args:
        evaluator: The evaluator of the test cycles.
        predictions: Predictions of all teachers, the ensemble if there is one, and all seeds, in each selection.
        about: The entries that `about` returns.
        ensemble: Names of the ensemble's members, ``teacher/<id>``: the teachers that label. The student is compared
            with them, and not with other teachers.
        baselines: Names of the baselines, ``teacher/<id>``. The student is compared with them, too.
    """
    selections = sorted({part.selection for part in predictions}, key=lambda name: (name != "val", name))
    by_model: dict[str, dict[str, Predictions]] = {}
    for part in predictions:
        by_model.setdefault(part.model, {})[part.selection] = part
    students = {name: parts for name, parts in by_model.items() if name.startswith("student/")}
    teachers = {name: parts for name, parts in by_model.items() if name.startswith("teacher/")}
    averaged = by_model.get("ensemble", {})
    settings = evaluator.settings
    names = np.array(evaluator.classes)[evaluator.labels]
    normal = confusion(evaluator.labels, np.zeros_like(evaluator.labels), len(evaluator.classes))
    return {
        **about,
        "classes": list(evaluator.classes),
        "selections": selections,
        "interval": {"confidence": settings.confidence, "method": intervals.METHOD, **intervals.OVER},
        "test": {
            "cycles": evaluator.cycles.height,
            "patients": evaluator.size,
            "recordings": evaluator.cycles["recording_id"].n_unique(),
            "per_class": {name: int((names == name).sum()) for name in evaluator.classes},
        },
        "augmentation": asdict(settings.augmentation),
        "prevalence": evaluator.prevalence,
        "labelling": [name.partition("/")[2] for name in ensemble],
        "baselines": [name.partition("/")[2] for name in baselines],
        # The figures of a model that calls every cycle normal.
        "always_normal": {name: rounded(value) for name, value in figures(normal).items()},
        "student": {
            selection: evaluator.evaluate_seeds([parts[selection] for parts in students.values()])
            for selection in selections
        },
        "students": _each(evaluator, students),
        "teachers": _each(evaluator, teachers),
        "ensemble": {selection: evaluator.evaluate(part) for selection, part in averaged.items()},
        "student_minus": {
            selection: {
                name: evaluator.compare([parts[selection] for parts in students.values()], others)
                for name, others in (
                    ("ensemble", [averaged[selection]] if averaged else []),
                    ("teachers", [teachers[name][selection] for name in ensemble]),
                    ("baselines", [teachers[name][selection] for name in baselines]),
                )
                if others
            }
            for selection in selections
        },
    }


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of ``reports/scores.json``: the mean figures that experiments are compared by.

    Figures on external corpora are apart, by the name of the corpus.
    """
    external = {name: headline(found) for name, found in metrics.get("external", {}).items()}
    result: dict[str, Any] = {"external": external} if external else {}
    for selection in metrics["selections"]:
        student, ensemble = metrics["student"][selection], metrics["ensemble"].get(selection)
        result[selection] = {"student": {name: student[name]["mean"] for name in FIGURES}}
        if ensemble:
            result[selection]["ensemble"] = {name: ensemble[name] for name in SCORES}
    return result


def _each(evaluator: Evaluator, models: Mapping[str, Mapping[str, Predictions]]) -> dict[str, Any]:
    return {
        name.split("/", 1)[1]: {selection: evaluator.evaluate(part) for selection, part in parts.items()}
        for name, parts in models.items()
    }
