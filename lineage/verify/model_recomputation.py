"""Recomputation of decisions, soft labels and predictions from models and features, and of metrics from predictions."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lineage.verify import recorded_predictions
from lineage.verify.audited_project import AuditedProject
from lineage.verify.findings import Finding, Sample, recomputed
from models.training.settings import ComputeSettings, Selection
from tasks import evaluate
from tasks.artifacts import (
    CYCLES,
    FEATURE_CACHES,
    METRICS,
    NATIVE_PREDICTIONS,
    PREDICTIONS,
    RECORDINGS,
    SOFT_LABELS,
    STUDENTS,
    TEACHERS,
)
from tasks.distillation import labelling
from tasks.distillation.settings import SoftLabelSettings
from tasks.evaluation import by_corpus, native
from tasks.evaluation import cycles as test_cycles
from tasks.evaluation.evaluator import Evaluator
from tasks.evaluation.inference import assemble, predict_all
from tasks.evaluation.settings import EvaluationSettings
from tasks.evaluation.summary import about, summarize
from tasks.runtime import corpus_facts, params
from tasks.runtime.params import flatten
from tasks.training import teachers
from tasks.training.torch_setup import set_up

# Tolerances of networks that see the same cycles in other batches: in fp32, and where bf16 took part.
EXACT, ROUNDED = 1e-4, 0.05
FIGURE = {True: 1.01e-4, False: 0.0101}  # the last decimal of areas and errors (up to 2), and of percentages

Vectors = npt.NDArray[np.float32]
Parameters = Mapping[str, Any]


def soft_labels(audited: AuditedProject, sample: Sample) -> Iterator[Finding]:
    """Yield a choice of teachers, soft labels and logits that the teachers do not give."""
    found = audited.project.records.get("soft_labels")
    if found is None:
        return
    given, compute = found["params"], _compute(found["params"])
    table = audited.table(SOFT_LABELS)
    known = teachers.read(given)
    if not known:
        return
    ids = table["cycle_id"].to_pylist()
    logits = {name: _vectors(table, f"logits.{name}") for name in known}
    settings = _soft_label_settings(given)
    wanted = audited.assignment("soft_labels")
    decided = labelling.decide(known, settings, wanted, audited.root / TEACHERS)
    for key in ("teachers", "compared", "labelled_by"):
        if found["decisions"].get(key) != decided[key]:
            yield _soft_label(SOFT_LABELS, f"the record has other `{key}` than the teachers' cards and the split give")
    chosen = teachers.choose(known, settings, audited.root / TEACHERS)
    made = labelling.label({name: logits[name] for name in chosen}, known, wanted, settings)
    kept = np.array(table["soft_labels"].to_pylist(), dtype=np.float32)
    if made.shape != kept.shape:
        yield _soft_label(SOFT_LABELS, f"their shape is {kept.shape}, the logits give {made.shape}")
        return
    for row in np.flatnonzero(np.abs(made - kept).max(axis=(1, 2)) > EXACT):
        yield _soft_label(ids[row], f"it is {kept[row].tolist()}, the logits give {made[row].tolist()}")
    rows = sample.choose(range(len(ids)))
    some = [ids[row] for row in rows]
    folders = {name: audited.root / TEACHERS / name for name in known}
    set_up(compute)
    made_anew = predict_all(
        folders,
        some,
        wanted.sources("train", "val"),
        selections=["val"],
        compute=compute,
        features_root=audited.root / FEATURE_CACHES,
    )["val"]
    largest, allowed = 0.0, _tolerance(audited, "soft_labels", given)
    for name in known:
        off = np.abs(made_anew[name] - logits[name][rows]).max(axis=1)
        largest = max(largest, float(off.max()))
        for place in np.flatnonzero(~(off <= allowed)):
            yield _soft_label(some[place], f"the teacher {name} gives other logits, by {off[place]:.2g}")
    what = f"{len(ids)} soft labels, and logits of {len(some)} cycles by {len(known)} teachers, recomputed"
    yield recomputed("soft labels", what, largest)


def predictions(audited: AuditedProject, sample: Sample) -> Iterator[Finding]:
    """Yield an ensemble and predictions that the models do not give."""
    found = audited.project.records.get("evaluate")
    if found is None:
        return
    given, compute = found["params"], _compute(found["params"])
    assigned = audited.assignment("evaluate")
    known = teachers.read(given)
    folders = {f"teacher/{name}": audited.root / TEACHERS / name for name in known}
    folders |= {f"student/{seed}": audited.root / STUDENTS / str(seed) for seed in given["student.seeds"]}
    selections = params.parse(list[Selection], given["selections"], "selections")
    classes = found["decisions"]["classes"]
    decided = evaluate.decide(known, _soft_label_settings(given), assigned, audited.root / TEACHERS, classes)
    for key in ("ensemble", "compared"):
        if found["decisions"].get(key) != decided[key]:
            yield _prediction(str(PREDICTIONS), f"the record has another `{key}` than the teachers' cards give")
    settings = params.parse(EvaluationSettings, given["evaluation"], "evaluation")
    set_up(compute)
    for test in recorded_predictions.tests(audited, assigned, found):
        rows = sample.choose(range(len(test.ids)))
        some = [test.ids[row] for row in rows]
        logits = predict_all(
            folders,
            some,
            test.sources,
            selections=selections,
            compute=compute,
            features_root=test.features,
            corpora=None if test.external else assigned.corpora_of(some),
            native=test.native,
            shifts=settings.augmentation.shifts,
        )
        kept = {(part.model, part.selection): part.probabilities[0] for part in test.kept}
        largest, allowed = 0.0, _tolerance(audited, "evaluate", given)
        made = assemble(logits, decided["ensemble"], audited.decision_rules(test.native))
        for part in made:
            off = np.abs(part.probabilities[0] - kept[(part.model, part.selection)][rows]).max(axis=1)
            largest = max(largest, float(off.max()))
            for place in np.flatnonzero(~(off <= allowed)):
                what = f"{part.model} ({part.selection}) gives another prediction, by {off[place]:.2g}"
                yield _prediction(f"{test.external}:{some[place]}" if test.external else some[place], what)
        what = f"predictions of {len(some)} of {len(test.ids)} test cycles by {len(made)} models, recomputed"
        yield recomputed(test.title, what, largest)


def metrics(audited: AuditedProject) -> Iterator[Finding]:
    """Yield figures of reports/metrics.json, with intervals and areas, that the predictions do not give."""
    found = audited.project.records.get("evaluate")
    if found is None:
        return
    given, labels, classes = found["params"], found["params"]["labels"], found["decisions"]["classes"]
    ensemble, baselines = found["decisions"]["ensemble"], teachers.baselines(teachers.read(given))
    assigned = audited.assignment("evaluate")
    ids = assigned.cycles("test")
    facts = corpus_facts.read(audited.root / corpus_facts.FOLDER)
    groups = [group.column for group in facts.group_columns]
    tables = (audited.root / CYCLES, audited.root / RECORDINGS)
    cycles = test_cycles.read(*tables, ids=ids, labels=labels, groups=groups)
    settings = params.parse(EvaluationSettings, given["evaluation"], "evaluation")
    predicted = recorded_predictions.read(audited, found)
    evaluator = Evaluator(cycles, tuple(classes), settings, groups=groups, metrics=facts.metrics_of(labels))
    made = summarize(evaluator, predicted, about(facts, labels, given["split"]), ensemble, baselines)
    made["corpora"] = by_corpus.of_training(
        cycles,
        predicted,
        facts,
        labels=labels,
        split=given["split"],
        ensemble=ensemble,
        baselines=baselines,
        settings=settings,
    )
    tested = {
        corpus.name: recorded_predictions.tested(audited, corpus, ids, found)
        for corpus, ids in audited.tested(labels).items()
    }
    made["external"] = by_corpus.of_tested(tested, settings, ensemble, baselines)
    if own := native.tested(assigned, facts, given["split"], root=audited.root):
        rows = audited.table(NATIVE_PREDICTIONS)
        own = {
            name: one.with_predictions(native.read_predictions(rows, name, audited.decision_rules(name)))
            for name, one in own.items()
        }
        made["native"] = by_corpus.of_tested(own, settings, ensemble, baselines)
    made, kept = flatten(made, lists=True), flatten(audited.json(METRICS), lists=True)
    for key in [*kept, *(set(made) - set(kept))]:
        if not _equal(kept.get(key, "absent"), made.get(key, "absent")):
            what = f"it says {kept.get(key, 'absent')}; the predictions give {made.get(key, 'absent')}"
            yield Finding("metric-contradicts", f"{METRICS}: {key}", what, ("evaluate",))
    yield recomputed("metrics", f"{len(kept)} figures recomputed from the predictions", None)


def _vectors(table: pa.Table, column: str) -> Vectors:
    return np.array(table[column].to_pylist(), dtype=np.float32)


def _compute(given: Parameters) -> ComputeSettings:
    return params.parse(ComputeSettings, given["compute"], "compute")


def _soft_label_settings(given: Parameters) -> SoftLabelSettings:
    return params.parse(SoftLabelSettings, given["soft_labels"], "soft_labels")


def _tolerance(audited: AuditedProject, stage: str, given: Parameters) -> float:
    """Return the tolerance of logits and probabilities; a run on a GPU may have used bf16 or TF32."""
    ended = audited.ended.get(stage, [])
    on_gpu = bool(ended) and ended[-1].get("cuda") is not None
    rounded = given["compute"]["precision"] == "bf16" or (on_gpu and given["compute"]["precision"] == "auto")
    return ROUNDED if rounded else EXACT


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= FIGURE[max(abs(one), abs(other)) <= 2]
    return bool(one == other)


def _soft_label(where: object, what: str) -> Finding:
    return Finding("soft-label-contradicts", str(where), what, ("soft_labels",))


def _prediction(where: str, what: str) -> Finding:
    return Finding("prediction-contradicts", where, what, ("evaluate",))
