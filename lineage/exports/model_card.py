"""Card of the student for the Hugging Face Hub (huggingface.co/docs/hub/model-cards).

The card has YAML metadata with a `model-index` of the figures, and a text. It is the README.md of a model repository.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage.exports import corpora, hub_card, results, stage_runs
from lineage.exports.corpora import Part
from lineage.exports.request import Request
from lineage.exports.results import Figure
from lineage.project import Project
from models.decision_rules import DecisionRule
from tasks import artifacts
from tasks.evaluation.words import SELECTIONS, augmentation, sensitivity
from tasks.exporting import statements
from tasks.runtime.artifact_reading import read_table
from tasks.runtime.corpus_facts import CorpusFacts

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

USES = {"train": "learned from", "val": "validation patients, who chose the epoch", "test": "tested on"}
LICENCE = "other"  # the licence of trained weights depends on those of the recordings and of the pretrained weights


def files(request: Request) -> dict[str, str]:
    """Return the content of `model_card.md` by file name."""
    return {"model_card.md": card(request.project)}


def card(project: Project) -> str:
    """Return the card as Markdown.

    Raises:
        BreathlineError: No student is trained or evaluated yet.
    """
    from huggingface_hub import ModelCardData

    corpus, found, parts = corpora.read(project), results.metrics(project), corpora.parts(project)
    facts = {f"external corpus {part.folders.name}": part.facts for part in parts if part.external}
    facts |= {f"corpus {part.folders.name}": part.facts for part in parts if not part.external}
    students = results.students(project)
    network = students[0].network
    rules = [DecisionRule.from_card(student.network, "val") for student in students]
    states = [state["git"] for state in stage_runs.code_states(project)]
    name = f"Breathline {network['architecture']} ({found['labels']})"
    shown = [
        (test, facts.get(test, corpus) if test else corpus, part, results.figures(part))
        for test, part in results.tests(found).items()
    ]
    about = ModelCardData(
        model_name=name,
        license=LICENCE,
        license_name="see-licence-below",
        license_link=hub_card.licence_link(part.facts for part in parts if not part.external),
        library_name="breathline",
        pipeline_tag="audio-classification",
        tags=["respiratory-sounds", "lung-sounds", corpus.identity.name, found["labels"]],
        metrics=sorted({figure.type for _, _, _, figures in shown for figure in figures}),
        eval_results=[_result(one, part, about) for _, about, part, figures in shown for one in figures],
    )
    return hub_card.card(
        about,
        "model_card.md.j2",
        name=name,
        network=network,
        thresholds=[f"{rule.threshold:.2f}" for rule in rules if rule.threshold is not None],
        sensitivity=sensitivity(
            next((rule.target for rule in rules if rule.target is not None), None),
            [rule.reached for rule in rules if rule.target is not None],
        ),
        students=students,
        found=found,
        figures=shown[0][3],
        augmentation=augmentation(found),
        tests=shown[1:],
        used=_used(project, parts),
        learned=[part for part in parts if not part.external],
        external=[part for part in parts if part.external],
        selections=SELECTIONS,
        degenerate=results.degenerate,
        corpus=corpus,
        citations=list(dict.fromkeys(part.facts.citation for part in parts if part.facts.citation)),
        intended=statements.INTENDED,
        weights=results.pretrained(project)[network["weights"]],
        commits=sorted({git.get("commit") or "none" for git in states}),
        dirty=any(git.get("dirty") for git in states),
        version=stage_runs.version(),
    )


def _used(project: Project, parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return the number of patients, recordings and cycles of each corpus in each use: learned from, or tested on."""
    if "evaluate" not in project.records:
        return []
    subsets = project.records["evaluate"]["decisions"]["subsets"]
    of_cycle = {cycle: subset for subset, cycles in subsets.items() for cycle in cycles}
    tested: dict[str, set[str]] = {}
    if any(part.external for part in parts):
        table = read_table(project.root / artifacts.EXTERNAL_PREDICTIONS, ["corpus", "cycle_id"])
        for row in table.to_pylist():
            tested.setdefault(row["corpus"], set()).add(row["cycle_id"])
    found = []
    for part in parts:
        keys = ["cycle_id", "recording_id", "patient_id"]
        rows = read_table(project.root / part.folders.tables / artifacts.CYCLES.name, keys).to_pylist()
        for subset, use in USES.items():
            if part.external:
                own = [row for row in rows if subset == "test" and row["cycle_id"] in tested.get(part.folders.name, ())]
            else:
                own = [row for row in rows if of_cycle.get(row["cycle_id"]) == subset]
            if own:
                counts = {f"{key}s": len({row[f"{key}_id"] for row in own}) for key in ("patient", "recording")}
                words = "tested on, external" if part.external else use
                found.append({"use": words, "part": part, "cycles": len(own), **counts})
    return found


def _result(figure: Figure, found: Mapping[str, Any], corpus: CorpusFacts) -> EvalResult:
    from huggingface_hub import EvalResult

    spread = {"low": figure.low, "high": figure.high, "sd_over_seeds": figure.sd, "unit": "percent"}
    spread |= {"degenerate": results.degenerate(found).get(figure.selection)}
    return EvalResult(
        task_type="audio-classification",
        task_name=found["labels"],
        dataset_type=corpus.identity.name,
        dataset_name=corpus.identity.statement,
        dataset_config=f"split {found['split']}, {figure.selection}: {SELECTIONS[figure.selection]}",
        dataset_split="test",
        metric_type=figure.type,
        metric_name=f"{figure.name}, {figure.selection}",
        metric_value=figure.value,
        metric_args={key: value for key, value in spread.items() if value is not None},
    )
