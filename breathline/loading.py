"""Loading of models: a version of a project, a folder, or a repository of the Hugging Face hub."""

from pathlib import Path

from breathline.trained_model import Model
from flows import model_sources
from flows.model_sources import Source
from lineage import model_files
from tasks.prediction import hub, predictor
from tasks.prediction.engines.choice import Choice
from tasks.runtime.errors import BreathlineError

HUB = "hf:"


def load(
    model: str | Path, *, engine: Choice = "auto", project: str | Path | None = None, seed: int | None = None
) -> Model:
    """Return a trained model.

    Args:
        model: Folder of an export or a student; ``hf:owner/name`` or ``hf:owner/name@revision`` of the hub; or a
            version, stage or Git revision of a project, such as ``student@v1.0.0``.
        engine: `onnx`, `torch` (the reference), or `auto`: onnxruntime where the model has its file.
        project: Folder of the project that has the version; the working directory by default.
        seed: Random seed of the model, if there are several; the lowest by default.

    Raises:
        BreathlineError: The model does not exist, cannot be fetched, or is damaged.
    """
    folder, label = _fetched(model, None if project is None else Path(project), seed)
    return Model(folder, predictor.load(folder, label, engine=engine))


def _fetched(model: str | Path, project: Path | None, seed: int | None) -> tuple[Path, str]:
    """Return the local folder of a model, and its name for people."""
    name = str(model)
    if name.startswith(HUB):
        folder, label = hub.fetch(name.removeprefix(HUB)), name
        return model_sources.folder_of(Source(label), folder, seed), label
    root = project or Path.cwd()
    if (given := root / name).is_dir() and (found := _in_folder(given, name, seed)):
        model_files.check(found)
        return found, _label(name, found)
    if project is None and not (root / "dvc.yaml").is_file():
        raise BreathlineError(
            f"{name!r} is no folder of a model, and {root} is no project that could have a version of this name.",
            where=root,
            hint="name a folder, `hf:owner/name`, or the project: load(…, project=FOLDER)",
        )
    from flows import registry  # with DVC's libraries

    source = registry.resolve(root, name)
    found = registry.fetch(root, source, seed=seed)
    model_files.check(found)
    return found, _label(source.label, found)


def _in_folder(folder: Path, name: str, seed: int | None) -> Path | None:
    """Return the folder of one model in a folder; None if it holds no model."""
    try:
        return model_sources.folder_of(Source(name), folder, seed)
    except BreathlineError:
        if seed is not None:
            raise
        return None


def _label(name: str, folder: Path) -> str:
    return name + (f", seed {folder.name}" if folder.name.isdigit() else "")
