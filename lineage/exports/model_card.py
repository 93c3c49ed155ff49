"""Card of the student for the Hugging Face Hub (huggingface.co/docs/hub/model-cards).

The card has YAML metadata with a `model-index` of the figures, and a text. It is the README.md of a model repository.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lineage.exports import corpora, hub_card, results, stage_runs
from lineage.exports.request import Request
from lineage.exports.results import Figure
from lineage.project import Project
from tasks.evaluation.words import SELECTIONS
from tasks.runtime.corpus_facts import CorpusFacts

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

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

    corpus, found = corpora.read(project), results.metrics(project)
    students = results.students(project)
    network = students[0].network
    states = [state["git"] for state in stage_runs.code_states(project)]
    name = f"Breathline {network['architecture']} ({found['labels']})"
    shown = results.figures(found)
    about = ModelCardData(
        model_name=name,
        license=LICENCE,
        license_name="see-licence-below",
        library_name="breathline",
        pipeline_tag="audio-classification",
        tags=["respiratory-sounds", "lung-sounds", corpus.identity.name, found["labels"]],
        metrics=sorted({figure.type for figure in shown}),
        eval_results=[_result(figure, found, corpus) for figure in shown],
    )
    return hub_card.card(
        about,
        "model_card.md.j2",
        name=name,
        network=network,
        students=students,
        found=found,
        figures=shown,
        selections=SELECTIONS,
        corpus=corpus,
        terms=corpora.terms(corpus),
        intended=corpora.INTENDED,
        weights=results.pretrained(project)[network["weights"]],
        commits=sorted({git.get("commit") or "none" for git in states}),
        dirty=any(git.get("dirty") for git in states),
        version=stage_runs.version(),
    )


def _result(figure: Figure, found: Mapping[str, Any], corpus: CorpusFacts) -> EvalResult:
    from huggingface_hub import EvalResult

    spread = {"low": figure.low, "high": figure.high, "sd_over_seeds": figure.sd, "unit": "percent"}
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
