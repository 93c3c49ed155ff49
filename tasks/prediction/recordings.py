"""Classification of recordings by a trained network, by annotated cycle or by window."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from models import artifact
from models.decision_rules import DecisionRule
from models.file_names import CARD
from models.frontends import registry as front_ends
from models.frontends.base import FrontEnd
from models.frontends.settings import FrontEndSettings
from models.heads import Heads
from models.networks.base import Network
from models.training.inference import BATCH, autocast, pick_device
from models.training.normalization import Normalization, Offsets, frame_means
from models.training.settings import ComputeSettings, Selection
from models.training.transfers import to_device
from tasks.audio import quality, reading, waveforms
from tasks.checks import usability
from tasks.checks.settings import UnusableLimits
from tasks.corpora.table.facts import SUFFIXES
from tasks.distillation.soft_labels import Logits, combine
from tasks.features.cycle_features import features, require_finite
from tasks.prediction.excerpts import Excerpt, excerpts
from tasks.runtime import params, schemas
from tasks.runtime.errors import BreathlineError
from tasks.runtime.hardware import usable_cores
from tasks.sources import folder_walk
from tasks.training.torch_setup import as_breathline_error, set_up

NOT_JUDGED = "not judged"  # start of the note on a recording without a class
Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """Trained network with its front end."""

    label: str  # name for people
    network: Network  # network in evaluation mode, on its device
    front_end: FrontEnd
    labels: str  # label set of the predictions
    classes: tuple[str, ...]
    heads: Heads | None  # head of each corpus, whose mean is the prediction; None: one head
    duration_s: float  # length of a clip in seconds
    normalization: Normalization | None  # normalisation of the features, if any
    rule: DecisionRule  # decision rule of the selection
    compute: ComputeSettings  # device, precision and threads


def load(folder: Path, label: str, selection: Selection = "val") -> Model:
    """Return a model, ready to predict.

    Args:
        folder: Folder with ``model.json`` and ``<selection>.safetensors``.
        label: Name of the model in the predictions.
        selection: Selection of the epoch, `val` or `paper`.

    Raises:
        BreathlineError: The model does not exist, or its card lacks the length of a clip.
    """
    compute = ComputeSettings(device="auto", precision="auto", threads=usable_cores())
    set_up(compute)
    with as_breathline_error(where=folder, hint="`breathline registry list` shows the models"):
        network, card = artifact.load(folder, selection)
        normalization = Normalization.from_card(card)
        if "duration_s" not in card:
            raise BreathlineError("The model card has no `duration_s`.", where=folder / CARD, hint="train it again")
        clips = {field.name: card[field.name] for field in fields(FrontEndSettings) if field.name in card}
        front_end = front_ends.create(card["frontend"], **clips)
    return Model(
        label,
        network=network.to(pick_device(compute)),
        front_end=front_end,
        labels=card["labels"],
        classes=tuple(card["classes"]),
        heads=Heads.from_card(card),
        duration_s=card["duration_s"],
        normalization=normalization,
        rule=DecisionRule.from_card(card, selection),
        compute=compute,
    )


def recordings(paths: Iterable[Path]) -> list[Path]:
    """Return the given files, and the audio files in the given folders and below, sorted within each folder.

    Raises:
        BreathlineError: A file or folder does not exist, or a folder holds no audio file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            wavs = [wav for wav in folder_walk.files(path) if wav.suffix.lower() in SUFFIXES]
            if not wavs:
                raise BreathlineError(
                    f"There is no audio file in the folder ({', '.join(SUFFIXES)}).", where=path, hint="name another"
                )
            found |= dict.fromkeys(wavs)
        elif path.is_file():
            found[path] = None
        elif path.exists():
            raise BreathlineError("This is no file and no folder.", where=path, hint="name a wav file, or a folder")
        else:
            raise BreathlineError("There is no such file or folder.", where=path, hint="name a recording, or a folder")
    return list(found)


def schema(classes: Sequence[str]) -> pa.Schema:
    """Return the columns of a table of predictions."""
    return pa.schema(
        {
            "model": pa.string(),
            "recording": pa.string(),
            "file": pa.string(),
            "cycle_id": pa.string(),
            "start_s": pa.float64(),
            "end_s": pa.float64(),
            "predicted": pa.string(),
            **{f"p_{name}": pa.float32() for name in classes},
            "note": pa.string(),
        }
    )


def limits() -> UnusableLimits:
    """Return the limits of usable recordings: those of the project in the working directory, or else the defaults."""
    if not params.PARAMS.exists():
        return usability.DEFAULTS
    key = "validate.unusable"
    return params.parse(UnusableLimits, params.section(params.read(), key), key)


def extract_features(model: Model, wav: Path) -> tuple[list[Excerpt], torch.Tensor]:
    """Return the excerpts of a recording and their features ``(excerpts, frames, mels)`` float16.

    Args:
        model: Model with its front end.
        wav: Path of the recording; an annotation beside it gives the cycles.

    Raises:
        BreathlineError: The recording or its annotation cannot be read, or an excerpt has no samples.
    """
    stored = reading.read(wav)
    return _features(model, wav, stored.normalised(), stored.rate)


def _features(model: Model, wav: Path, samples: Samples, rate: int) -> tuple[list[Excerpt], torch.Tensor]:
    """Return the excerpts and features of the samples ``(frames, channels)`` of a recording.

    The processing is that of `extract` and `fbank`, so that the features of a cycle are those of the cache.
    """
    parts = excerpts(wav, len(samples) / rate, model.duration_s)
    times = [(part.start_s, part.end_s) for part in parts]
    cut = waveforms.cut(samples, rate, model.front_end.sample_rate, times, faded=model.front_end.fade)
    names = [part.cycle_id or f"{wav.stem} from {part.start_s:g} s" for part in parts]
    found = features(model.front_end, pa.record_batch([names, cut], schema=schemas.AUDIO))
    require_finite(found.not_finite, len(names), wav)
    return parts, torch.from_numpy(found.features)


def read_excerpts(
    model: Model, wav: Path, limits: UnusableLimits
) -> tuple[list[Excerpt], torch.Tensor | None, tuple[str, ...]]:
    """Return the excerpts of a recording, their features as `extract_features`, and notes on the file.

    A recording that is not usable is one excerpt without features, whose note gives the reason.

    Args:
        model: Model with its front end.
        wav: Path of the recording; an annotation beside it gives the cycles.
        limits: Limits of usable recordings.

    Raises:
        BreathlineError: The recording or its annotation cannot be read, or an excerpt has no samples.
    """
    stored = reading.read(wav)
    samples = stored.normalised()
    seconds = len(samples) / stored.rate
    measures = asdict(quality.measure(samples, stored.rate)) | {"duration_s": seconds}
    if reasons := usability.unusable(measures, limits):
        return [Excerpt(0.0, seconds, note=f"{NOT_JUDGED}: {'; '.join(reasons)}")], None, stored.notes
    return *_features(model, wav, samples, stored.rate), stored.notes


def predict(
    model: Model, wav: Path, limits: UnusableLimits = usability.DEFAULTS, offsets: Offsets | None = None
) -> pa.Table:
    """Return the class of each excerpt of a recording by the model's decision rule, and all probabilities.

    A recording that is not usable has one row without class and probabilities, whose note gives the reason.

    Args:
        model: Model that predicts.
        wav: Path of the recording; an annotation beside it gives the cycles.
        limits: Limits of usable recordings.
        offsets: Offsets of the features of each excerpt; those that the recording alone gives, if None.

    Raises:
        BreathlineError: The recording or its annotation cannot be read, or an excerpt has no samples, or the model
            needs other recordings of the device.
    """
    with reading.enough_memory(wav):
        parts, found, notes = read_excerpts(model, wav, limits)
        if found is None:
            return _table(model, wav, parts, None, notes)
        if model.normalization is not None and offsets is None:
            if model.normalization.needs_device:
                raise several_needed(model, 1)
            offsets = model.normalization.offsets(frame_means(found.numpy()), [wav.stem] * len(parts), [])
        return _table(model, wav, parts, combine([_logits(model, found, offsets)]), notes)


def several_needed(model: Model, usable: int) -> BreathlineError:
    """Return the error of a model that normalises by device and is given fewer than two usable recordings."""
    return BreathlineError(
        "The model was trained with `spectrum: device_of_the_data`: it needs the mean of several recordings of the "
        f"device, and {usable or 'none'} is usable.",
        where=model.label,
        hint="predict a folder of recordings of this one device together",
    )


def _table(
    model: Model, wav: Path, parts: Sequence[Excerpt], probabilities: Logits | None, notes: Sequence[str]
) -> pa.Table:
    """Return the rows of a recording.

    Args:
        model: Model that predicts.
        wav: Path of the recording.
        parts: Excerpts of the recording.
        probabilities: Probabilities (excerpts, classes); None for a recording that is not judged.
        notes: Notes on the file.
    """
    nothing = [None] * len(parts)
    classes = None if probabilities is None else model.rule.predict(probabilities)
    columns = {
        "model": [model.label] * len(parts),
        "recording": [wav.stem] * len(parts),
        "file": [str(wav)] * len(parts),
        "cycle_id": [part.cycle_id for part in parts],
        "start_s": [part.start_s for part in parts],
        "end_s": [part.end_s for part in parts],
        "predicted": nothing if classes is None else [model.classes[index] for index in classes],
        **{
            f"p_{name}": nothing if probabilities is None else probabilities[:, index]
            for index, name in enumerate(model.classes)
        },
        "note": ["; ".join([*filter(None, [part.note]), *notes]) or None for part in parts],
    }
    return pa.table(columns, schema=schema(model.classes))


@torch.inference_mode()
def _logits(model: Model, found: torch.Tensor, offsets: Offsets | None) -> Logits:
    """Return the logits ``(excerpts, classes)`` of features ``(excerpts, frames, mels)`` float16 with their offsets.

    With a head for each corpus, they are the logarithm of the mean probabilities of all heads.
    """
    device = next(model.network.parameters()).device
    torch.set_num_threads(model.compute.threads)  # the front end works with one thread
    context = autocast(model.compute, device)
    logits = []
    for start in range(0, len(found), BATCH):
        with context():
            batch = to_device(found[start : start + BATCH], device).float()
            if offsets is not None:
                batch += to_device(torch.from_numpy(offsets[start : start + BATCH]), device)[:, None, :]
            logits.append(model.network(batch).float().cpu().numpy())
    joined = np.concatenate(logits)
    return joined if model.heads is None else model.heads.shared(joined, None, len(model.classes))
