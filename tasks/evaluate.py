"""The stage `evaluate`: predictions on the test cycles, scores with intervals, plots and the report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from models.training.features import Features
from models.training.settings import ComputeSettings, Selection
from tasks import assignment, files, params
from tasks.assignment import CYCLES, Assignment
from tasks.errors import BreathlineError
from tasks.evaluation import curves, report
from tasks.evaluation.bootstrap import Bootstrap
from tasks.evaluation.predictions import Model, logits, models, table, with_ensemble
from tasks.evaluation.summary import summarise
from tasks.icbhi.labels import CLASSES
from tasks.stage import console, stage
from tasks.torch_setup import explained, set_up

RECORDINGS, SUMMARY = Path("data/cycles/recordings.parquet"), Path("data/cycles/summary.json")
PREDICTIONS, METRICS = Path("data/evaluation/predictions.parquet"), Path("reports/metrics.json")
PLOTS, REPORT = Path("reports/plots"), Path("reports/report.html")


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """Of the intervals and of the calibration error."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    confidence: float
    resamples: int
    seed: int
    calibration_bins: int


def predict(
    wanted: Sequence[Model],
    members: Sequence[str],
    selections: Sequence[Selection],
    assigned: Assignment,
    compute: ComputeSettings,
) -> pl.DataFrame:
    """Return predictions.parquet: what every model, and the ensemble of ``members``, says of the test cycles."""
    cycles = assigned.cycles("test")
    said = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bars = {model.name: progress.add_task(model.name, total=len(cycles) * len(selections)) for model in wanted}
        found = logits(
            wanted, selections, cycles, compute=compute, on_cycles=lambda name, n: progress.advance(bars[name], n)
        )
        for model, selection, values in found:
            said[model, selection] = values
    rows = pl.read_parquet(CYCLES, columns=["cycle_id", "recording_id", "patient_id"])
    labels = pl.DataFrame({"cycle_id": cycles, "label": [assigned.targets[cycle] for cycle in cycles]})
    test = labels.join(rows, on="cycle_id", how="left", maintain_order="left")
    return table(with_ensemble(said, members, selections), test, CLASSES[assigned.labels])


def describe_test(predictions: pl.DataFrame, classes: Sequence[str]) -> dict[str, Any]:
    """Return how many cycles, patients and cycles of each class the test set holds."""
    test = predictions.unique("cycle_id")
    return {
        "cycles": test.height,
        "patients": test["patient_id"].n_unique(),
        "recordings": test["recording_id"].n_unique(),
        "classes": {name: test.filter(pl.col("label") == at).height for at, name in enumerate(classes)},
    }


def examples(predictions: pl.DataFrame, student: Path, classes: Sequence[str]) -> list[report.Example]:
    """Return the cycles that the report shows, with the features that the student saw."""
    frontend = json.loads((student / "model.json").read_text(encoding="utf-8"))["frontend"]
    features = Features(Path("data/fbank") / frontend)
    return [
        report.Example(
            cycle_id=row["cycle_id"],
            label=classes[row["label"]],
            predicted=classes[row["predicted"]],
            probabilities={name: row[f"p_{name}"] for name in classes},
            features=features.batch(features.find([row["cycle_id"]]), torch.device("cpu"))[0].half().numpy(),
        )
        for row in report.choose_examples(predictions, "val").iter_rows(named=True)
    ]


def main() -> None:
    """Run the stage."""
    with stage("evaluate") as log:
        read = params.read()
        settings = params.parse(EvaluationSettings, params.section(read, "evaluation"), "evaluation")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        seeds = params.parse(list[int], params.section(read, "student.seeds"), "student.seeds")
        teachers = sorted(params.section(read, "teachers"))
        if not seeds:
            raise BreathlineError("There is no student.", where="params.yaml: student.seeds", hint="name a seed")
        set_up(compute)
        assigned = assignment.from_params(read)
        classes, wanted = CLASSES[assigned.labels], models(teachers, seeds)
        members = teachers[: params.section(read, "soft_labels.k")]
        with explained(where="data/teachers, data/student", hint="run `dvc repro`"):
            predictions = predict(wanted, members, selections, assigned, compute)
        files.write_table(PREDICTIONS, predictions.to_arrow())

        recordings = pl.read_parquet(RECORDINGS)
        bootstrap = Bootstrap.draw(
            predictions["patient_id"].n_unique(),
            resamples=settings.resamples,
            confidence=settings.confidence,
            seed=settings.seed,
        )
        summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
        metrics = {
            "corpus": summary["corpus"],
            "recordings": summary["recordings"],
            "labels": assigned.labels,
            "split": str(read["split"]),
            "test": describe_test(predictions, classes),
            "evaluation": asdict(settings),
            **summarise(predictions, recordings, classes, bootstrap, settings.calibration_bins),
        }
        files.write_json(METRICS, metrics)
        plots = write_plots(predictions, wanted, classes)
        first = next(model.folder for model in wanted if model.name.startswith("student/"))
        shown = examples(predictions, first, classes)
        page = report.render(
            metrics, predictions, plots, classes=classes, examples=shown, bins=settings.calibration_bins
        )
        with files.replacing(REPORT) as temporary:
            temporary.write_text(page, encoding="utf-8")
        head = metrics["student"]["val"]["score_strict"]
        log.info("student: strict Score %.1f (%.1f to %.1f)", head["mean"], head["low"], head["high"])


def write_plots(
    predictions: pl.DataFrame, wanted: Sequence[Model], classes: Sequence[str]
) -> Mapping[str, pl.DataFrame]:
    """Write the tables behind DVC's plots, and return them; they show the epoch that validation chose."""
    chosen = predictions.filter(pl.col("selection") == "val")
    plots = {
        "confusion": curves.confusion(chosen, classes),
        "roc": curves.roc(chosen, classes),
        "precision_recall": curves.precision_recall(chosen, classes),
        "training": curves.training([(model.name, model.folder) for model in wanted]),
    }
    for name, frame in plots.items():
        with files.replacing(PLOTS / f"{name}.csv") as temporary:
            frame.write_csv(temporary)
    return plots


if __name__ == "__main__":
    main()
