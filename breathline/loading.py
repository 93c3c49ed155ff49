"""Loading of models: a version of a project, a folder, or a repository of the Hugging Face hub."""

from pathlib import Path

from breathline.trained_model import Model
from flows import model_sources
from lineage import model_files
from tasks.prediction import predictor
from tasks.prediction.engines.choice import Choice


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
    root, name = project or Path.cwd(), str(model)
    if source := model_sources.local(root, name):
        folder = model_sources.folder_of(source, source.folder or root, seed)
    else:
        from flows import registry  # with DVC's libraries

        source = registry.resolve(root, name)
        folder = registry.fetch(root, source, seed=seed)
    model_files.check(folder)
    return folder, model_sources.label(source, folder)
