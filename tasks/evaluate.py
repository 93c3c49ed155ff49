"""Stage `evaluate`: predictions of every model on the test cycles, and their figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from models.decision_rules import DecisionRule, of_ensemble
from models.training.settings import ComputeSettings, Selection
from tasks import artifacts
from tasks.distillation.settings import SoftLabelSettings
from tasks.distillation.soft_labels import Logits
from tasks.evaluation import by_corpus, curves, decision_analysis, ensembles, model_rules, native
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.inference import assemble, predict_all, read_cards
from tasks.evaluation.predictions import Predictions, pool, schema, table
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.summary import about, headline, summarize
from tasks.evaluation.words import spread
from tasks.runtime import corpus_facts, files, item_folders, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.subsets.assignment import Assignment
from tasks.training import teachers
from tasks.training.settings import ChoiceSettings, TeacherSettings
from tasks.training.torch_setup import set_up


def decide(
    known: Mapping[str, TeacherSettings],
    settings: ChoiceSettings,
    assigned: Assignment,
    folder: Path,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the decisions of the stage for its record.

    Args:
        known: Settings of all teachers.
        settings: Choice of the teachers of the ensemble.
        assigned: Labels and subsets of the cycles.
        folder: Folder of the trained teachers.
        classes: Names of the classes.

    Returns:
        ``subsets``; ``classes``; ``ensemble``, the members as ``teacher/<id>``; ``compared``, the teachers whose
        validation Scores decided the choice.
    """
    return {
        "subsets": assigned.by_subset(),
        "classes": list(classes),
        "ensemble": [f"teacher/{name}" for name in teachers.choose(known, settings, folder)],
        "compared": [f"teacher/{name}" for name in teachers.compared(known, settings, folder)],
    }


def plot_tables(
    predictions: Sequence[Predictions],
    evaluator: Evaluator,
    folders: Mapping[str, Path],
    ensembles_by_k: Mapping[int, Sequence[Logits]],
    rules_by_k: Mapping[int, DecisionRule],
) -> dict[str, pl.DataFrame]:
    """Return the tables that DVC plots, for the selection `val`, by name.

    Args:
        predictions: The predictions of all models.
        evaluator: The evaluator of the test cycles.
        folders: The folder of each model.
        ensembles_by_k: The logits of the teachers of each ensemble on the test cycles, by their number k.
        rules_by_k: The decision rule of each ensemble.
    """
    chosen = [part for part in predictions if part.selection == "val"]
    student = pool("student", [part for part in chosen if part.model.startswith("student/")])
    drawn = [student, *[part for part in chosen if part.model == "ensemble"]]
    return {
        "confusion": curves.confusion_table(student, evaluator.labels, evaluator.classes),
        "roc": curves.roc_table(drawn, evaluator.labels, evaluator.classes),
        "precision_recall": curves.precision_recall_table(drawn, evaluator.labels, evaluator.classes),
        "operating_points": decision_analysis.operating_curve(drawn, evaluator.labels, evaluator.classes),
        "decision_curve": decision_analysis.decision_curve(drawn, evaluator.labels),
        "training": curves.training_table(folders),
        "ensemble_size": ensembles.over_k(ensembles_by_k, evaluator, "val", rules_by_k),
    }


def main() -> None:
    """Run the stage on the project in the working directory."""
    decided: dict[str, Any] = {}
    with stage("evaluate", decided) as log:
        read = params.read()
        settings = params.parse(EvaluationSettings, params.section(read, "evaluation"), "evaluation")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        selections = params.parse(list[Selection], params.section(read, "selections"), "selections")
        soft_labels = params.parse(SoftLabelSettings, params.section(read, "soft_labels"), "soft_labels")
        known = teachers.read(read)
        seeds = params.parse(list[int], params.section(read, "student.seeds"), "student.seeds")
        if not seeds:
            raise BreathlineError("There is no student.", where="params.yaml: student.seeds", hint="add a seed")
        item_folders.check(artifacts.TEACHERS, known, "Trained teachers")
        folders = {f"teacher/{teacher}": artifacts.TEACHERS / teacher for teacher in known}
        folders |= {f"student/{seed}": artifacts.STUDENTS / str(seed) for seed in seeds}
        read_cards(folders, read["labels"])
        facts = corpus_facts.read()
        assigned = assignment.from_params(read)
        classes, ids = facts.label_sets[assigned.labels].classes, assigned.cycles("test")
        decided |= decide(known, soft_labels, assigned, artifacts.TEACHERS, classes)
        set_up(compute)
        logits = predict_all(
            folders,
            ids,
            assigned.sources("test"),
            selections=selections,
            compute=compute,
            features_root=artifacts.FEATURE_CACHES,
            corpora=assigned.corpora_of(ids),
            shifts=settings.augmentation.shifts,
        )
        rules = model_rules.read(folders, decided["ensemble"], selections)
        predictions = assemble(logits, decided["ensemble"], rules)

        groups = [group.column for group in facts.group_columns]
        cycles = test_cycles.read(
            artifacts.CYCLES, artifacts.RECORDINGS, ids=ids, labels=assigned.labels, groups=groups
        )
        files.write_table(artifacts.PREDICTIONS, table(predictions, cycles, classes))
        tested = by_corpus.predict_external(
            folders,
            labels=assigned.labels,
            classes=classes,
            ensemble=decided["ensemble"],
            selections=selections,
            compute=compute,
            shifts=settings.augmentation.shifts,
        )
        files.write_table(artifacts.EXTERNAL_PREDICTIONS, by_corpus.predictions_table(tested, classes, schema(classes)))
        in_own_classes = native.predict(
            folders,
            native.tested(assigned, facts, read["split"], root=Path()),
            ensemble=decided["ensemble"],
            selections=selections,
            compute=compute,
            shifts=settings.augmentation.shifts,
        )
        files.write_table(artifacts.NATIVE_PREDICTIONS, native.table(in_own_classes))
        evaluator = Evaluator(cycles, classes, settings, groups=groups, metrics=facts.metrics_of(assigned.labels))
        baselines = teachers.baselines(known)
        described = about(facts, assigned.labels, read["split"])
        metrics = summarize(evaluator, predictions, described, decided["ensemble"], baselines)
        metrics["corpora"] = by_corpus.of_training(
            cycles,
            predictions,
            facts,
            labels=assigned.labels,
            split=read["split"],
            ensemble=decided["ensemble"],
            baselines=baselines,
            settings=settings,
        )
        metrics["external"] = by_corpus.of_tested(tested, settings, decided["ensemble"], baselines)
        if in_own_classes:
            metrics["native"] = by_corpus.of_tested(in_own_classes, settings, decided["ensemble"], baselines)
        files.write_json(artifacts.METRICS, metrics)
        files.write_json(artifacts.SCORES, headline(metrics))
        members = {
            k: [f"teacher/{teacher}" for teacher in some]
            for k, some in teachers.over_k(known, soft_labels, artifacts.TEACHERS).items()
        }
        by_k = {k: [logits["val"][name] for name in some] for k, some in members.items()}
        rules_by_k = {k: of_ensemble([rules[name, "val"] for name in some]) for k, some in members.items()}
        for name, frame in plot_tables(predictions, evaluator, folders, by_k, rules_by_k).items():
            with files.replacing(artifacts.PLOTS / f"{name}.csv") as temporary:
                frame.write_csv(temporary)
        score = metrics["student"]["val"]["score_strict"]
        log.info("strict Score of the student: %s on %d test cycles", spread(score["mean"], score["sd"]), cycles.height)


if __name__ == "__main__":
    main()
