"""Card of an export as README.md, with the metadata of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.file_names import CARD
from tasks.exporting import statements
from tasks.prediction.facts import ModelFacts
from tasks.runtime import files, templates

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

NAME = "README.md"
LICENCE = "other"  # the licence of trained weights depends on those of the recordings and of the pretrained weights
OPTIONAL = (
    *("id", "banner", "origin", "duration_s", "corpora", "scores", "temperature", "conformal", "novelty"),
    *("normalization", "weights"),
)
FIGURES = {
    "score_strict": "Score, strict",
    "score_lenient": "Score, lenient",
    "sp": "specificity",
    "se_strict": "sensitivity, strict",
    "se_lenient": "sensitivity, lenient",
}


def write(folder: Path, card: Mapping[str, Any]) -> None:
    """Write the README.md of an export, which lists the files of its folder.

    Args:
        folder: Folder of the export, with all its other files.
        card: Content of the export's ``model.json``.
    """
    names = {path.name for path in folder.iterdir()} | {CARD}
    files.write_text(folder / NAME, _text({**dict.fromkeys(OPTIONAL), **card}, names))


def _text(card: dict[str, Any], names: Collection[str]) -> str:
    """Return the content of the README.md.

    Args:
        card: Content of the export's ``model.json``.
        names: Names of the files in the folder.
    """
    from huggingface_hub import ModelCardData

    name = f"Breathline {card['architecture']} ({card['labels']})"
    test = (card["scores"] or {}).get("test")
    learned = ModelFacts.from_card(card).corpora  # with defaults for facts that an older card lacks
    results = _results(card["labels"], test) if test else None
    metadata = ModelCardData(
        model_name=name,
        license=LICENCE,
        license_name="see-below",
        library_name="breathline",
        pipeline_tag="audio-classification",
        tags=["respiratory-sounds", "lung-sounds", card["labels"], *(corpus.name for corpus in learned)],
        metrics=sorted(FIGURES) if test else None,
        eval_results=results,
    )
    body = templates.render(
        __package__,
        "README.md.j2",
        name=name,
        card=card,
        test=test,
        figures=FIGURES,
        files=names,
        intended=statements.INTENDED,
        learned=learned,
        limits=_distinct(line for corpus in learned for line in corpus.limits),
        citations=_distinct(corpus.citation for corpus in learned if corpus.citation),
    )
    return f"---\n{metadata.to_yaml()}\n---\n{body.strip()}\n"


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _results(labels: str, test: Mapping[str, Any]) -> list[EvalResult]:
    """Return the figures on the test cycles as the Hub's `model-index`."""
    from huggingface_hub import EvalResult

    return [
        EvalResult(
            task_type="audio-classification",
            task_name=labels,
            dataset_type=test["corpus"],
            dataset_name=test.get("identity") or test["corpus"],
            dataset_split="test",
            metric_type=key,
            metric_name=title,
            metric_value=test[key]["value"],
            metric_args={end: test[key][end] for end in ("low", "high") if test[key].get(end) is not None} or None,
        )
        for key, title in FIGURES.items()
        if test.get(key, {}).get("value") is not None
    ]
