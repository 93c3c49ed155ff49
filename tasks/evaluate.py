"""The stage `evaluate`: what every model says of the test cycles, how good that is, and for whom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from models import artifact
from models.training.features import Features
from models.training.inference import pick_device, predict
from models.training.settings import ComputeSettings, Selection
from tasks.corpora.icbhi.labels import CLASSES
from tasks.distillation.soft_targets import Logits, SoftLabelSettings, combine
from tasks.evaluation import curves, ensembles, gallery, report
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.predictions import Predictions, pool, table
from tasks.evaluation.summary import EvaluationSettings, Judge, headline, summarize
from tasks.runtime import files, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console, stage
from tasks.subsets import assignment
from tasks.subsets.assignment import CYCLES
from tasks.training import teachers
from tasks.training.torch_setup import explained, set_up

DATA, REPORTS = Path("data"), Path("reports")


def predict_all(
    folders: Mapping[str, Path],
    cycles: Sequence[str],
    *,
    selections: Sequence[Selection],
    compute: ComputeSettings,
    features_root: Path,
) -> dict[Selection, dict[str, Logits]]:
    """Return the logits ``(cycles, classes)`` of every model in every selection.

    Args:
        folders: The folder of each model, by its name.
        cycles: The test cycles.
        selections: Which of a model's states are judged.
        compute: Device and precision.
        features_root: The folder of the feature caches.

    Raises:
        BreathlineError: A model lacks a selection, or a cycle its features.
    """
    logits: dict[Selection, dict[str, Logits]] = {selection: {} for selection in selections}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("predicting", total=len(folders) * len(selections) * len(cycles))
        for name, folder in folders.items():
            progress.update(bar, description=name)
            for selection in selections:
                with explained(where=folder, hint="run `dvc repro`"):
                    network, card = artifact.load(folder, selection)
                    features = Features(features_root / card["frontend"])
                    rows = features.find(cycles)
                logits[selection][name] = predict(
                    network.to(pick_device(compute)),
                    features,
                    rows,
                    compute=compute,
                    on_batch=lambda count: progress.advance(bar, count),
                )
    return logits


def assemble(logits: Mapping[Selection, Mapping[str, Logits]], ensemble: Sequence[str]) -> list[Predictions]:
    """Return the predictions of every model and, where it has members, of their ensemble: the mean of their logits."""
    predictions = []
    for selection, models in logits.items():
        parts = {name: combine([values]) for name, values in models.items()}
        if ensemble:
            parts["ensemble"] = combine([models[name] for name in ensemble])
        predictions += [Predictions(name, selection, values[None]) for name, values in parts.items()]
    return predictions


def write_plots(
    predictions: Sequence[Predictions],
    judge: Judge,
    folders: Mapping[str, Path],
    teachers: Mapping[int, Sequence[Logits]],
) -> report.Plots:
    """Write the tables that DVC plots, of the `val` selection, and return them.

    Args:
        predictions: Of all models.
        judge: With the test cycles.
        folders: The folder of each model.
        teachers: For each k the logits, on the test cycles, of the teachers of which k label a cycle.
    """
    chosen = [part for part in predictions if part.selection == "val"]
    student = pool("student", [part for part in chosen if part.model.startswith("student/")])
    drawn = [student, *[part for part in chosen if part.model == "ensemble"]]
    plots = {
        "confusion": curves.confusion_table(student, judge.labels, judge.classes),
        "roc": curves.roc_table(drawn, judge.labels, judge.classes),
        "precision_recall": curves.precision_recall_table(drawn, judge.labels, judge.classes),
        "training": curves.training_table(folders),
        "ensemble_size": ensembles.over_k(teachers, judge, "val"),
    }
    for name, frame in plots.items():
        with files.replacing(REPORTS / "plots" / f"{name}.csv") as temporary:
            frame.write_csv(temporary)
    return report.Plots(**{name: frame for name, frame in plots.items() if name != "confusion"})


def show(
    predictions: Sequence[Predictions], judge: Judge, cards: Mapping[str, Mapping[str, Any]]
) -> list[gallery.Example]:
    """Return the examples that the report shows, of the first seed of the student."""
    first = next(part for part in predictions if part.model.startswith("student/") and part.selection == "val")
    features = Features(DATA / "fbank" / cards[first.model]["frontend"])
    return gallery.examples(first, judge.cycles, judge.classes, features)


def read_cards(folders: Mapping[str, Path], labels: str) -> dict[str, dict[str, Any]]:
    """Return each model's card.

    Raises:
        BreathlineError: A model has not been trained, or for other labels.
    """
    cards = {}
    for name, folder in folders.items():
        path = folder / artifact.CARD
        if not path.exists():
            raise BreathlineError(f"{name} has not been trained.", where=path, hint="run `dvc repro`")
        cards[name] = json.loads(path.read_text(encoding="utf-8"))
        if cards[name]["labels"] != labels:
            what = f"{name} knows {cards[name]['labels']}, not {labels}."
            raise BreathlineError(what, where=path, hint="run `dvc repro`")
    return cards


def main() -> None:
    """Run the stage."""
    with stage("evaluate") as log:
        read = params.read()
        settings = params.parse(EvaluationSettings, params.section(read, "evaluation"), "evaluation")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        soft_labels = params.parse(SoftLabelSettings, params.section(read, "soft_labels"), "soft_labels")
        known = teachers.read(read)
        seeds = params.parse(list[int], params.section(read, "student.seeds"), "student.seeds")
        if not seeds:
            raise BreathlineError("There is no student.", where="params.yaml: student.seeds", hint="name a seed")
        teachers.check_folders(DATA / "teachers", known)
        folders = {f"teacher/{teacher}": DATA / "teachers" / teacher for teacher in known}
        folders |= {f"student/{seed}": DATA / "student" / str(seed) for seed in seeds}
        cards = read_cards(folders, read["labels"])
        assigned = assignment.from_params(read)
        classes, ids = CLASSES[assigned.labels], assigned.cycles("test")
        set_up(compute)
        logits = predict_all(folders, ids, selections=selections, compute=compute, features_root=DATA / "fbank")
        chosen = teachers.choose(known, soft_labels, DATA / "teachers")
        predictions = assemble(logits, [f"teacher/{teacher}" for teacher in chosen])

        cycles = test_cycles.read(CYCLES, DATA / "cycles/recordings.parquet", ids=ids, labels=assigned.labels)
        files.write_table(DATA / "evaluation/predictions.parquet", table(predictions, cycles, classes))
        judge = Judge(cycles, classes, settings)
        summary = json.loads((DATA / "cycles/summary.json").read_text(encoding="utf-8"))
        about = {
            "corpus": summary["corpus"],
            "recordings": summary["recordings"],
            "labels": assigned.labels,
            "split": str(read["split"]),
        }
        metrics = summarize(judge, predictions, about)
        files.write_json(REPORTS / "metrics.json", metrics)
        files.write_json(REPORTS / "scores.json", headline(metrics))
        by_k = {
            k: [logits["val"][f"teacher/{teacher}"] for teacher in some]
            for k, some in teachers.over_k(known, soft_labels, DATA / "teachers").items()
        }
        plots = write_plots(predictions, judge, folders, by_k)

        page = report.render(metrics, plots=plots, cards=cards, examples=show(predictions, judge, cards))
        with files.replacing(REPORTS / "report.html") as temporary:
            temporary.write_text(page, encoding="utf-8")
        score = metrics["student"]["val"]["score_strict"]
        log.info("student: strict Score %s on %d test cycles", report.spread(score), cycles.height)


if __name__ == "__main__":
    main()
