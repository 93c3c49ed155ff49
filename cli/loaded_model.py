"""Model that a command names, ready to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from tasks.prediction.predictor import Predictor

Engine = Literal["auto", "onnx", "torch"]


class Found(NamedTuple):
    """Model in a local folder.

    Attributes:
        folder: Folder of the card and the weights.
        label: Name for people.
        origin: Name of the model, and as far as known commit, uncommitted changes and SHA-256 of the record.
    """

    folder: Path
    label: str
    origin: Mapping[str, Any]


def find(model: str | None, seed: int | None, console: Console) -> Found:
    """Return a model in a local folder, if necessary fetched from DVC's cache or remote.

    Args:
        model: Version, registry stage, Git revision, folder, or ``hf:owner/name``; None for the default model.
        seed: Random seed of the model, if there are several; None for the lowest.
        console: Console that shows the progress.

    Raises:
        BreathlineError: There is no such model, or its files were changed.
    """
    from flows import model_sources
    from lineage import model_files

    root = Path.cwd()
    if source := model_sources.local(root, model):
        folder = model_sources.folder_of(source, source.folder or root, seed)
    else:
        from flows import registry  # with DVC's libraries, for versions

        source = registry.chosen(root, model)
        with console.status(f"Fetching {source.label} …"):
            folder = registry.fetch(root, source, seed=seed)
    label = model_sources.label(source, folder)
    made = model_files.check(folder)
    if made is None and source.commit:
        made = model_files.Origin(source.commit)
    if made is not None:
        console.print(f"[dim]{escape(source.label)}: {made}[/]", soft_wrap=True)
    return Found(folder, label, {"model": label, **({} if made is None else asdict(made))})


def load(model: str | None, seed: int | None, engine: Engine, console: Console) -> Predictor:
    """Return a model, ready to predict.

    Args:
        model: Folder, version or Git revision of the model; None for the default.
        seed: Random seed of the model; None for the lowest.
        engine: Engine that runs the network.
        console: Console for the status.

    Raises:
        BreathlineError: The model is missing or damaged.
    """
    folder, label, _ = find(model, seed, console)
    with console.status("Loading the model …"):
        from tasks.prediction import predictor

        found = predictor.load(folder, label, engine=engine)
        if found.facts.quality_limits is None:
            from tasks.prediction.project_limits import project_limits

            if (limits := project_limits()) is not None:
                found = predictor.Predictor(found.engine, label, limits)
    return found
