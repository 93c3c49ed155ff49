"""Predictions for several recordings, of which a faulty one costs no other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.training.normalization import Offsets
from tasks.prediction.illustrations import Illustrator
from tasks.prediction.passes import Options, check
from tasks.prediction.predictor import Predictor
from tasks.prediction.results import Prediction
from tasks.runtime.errors import BreathlineError


@dataclass
class Predicted:
    """Predictions for some recordings.

    Attributes:
        by_file: Predictions by recording, in their order.
        failures: Errors of the recordings without a prediction.
        together: Number of recordings whose mean normalised the features; 0 for a model without it.
    """

    by_file: dict[Path, Prediction] = field(default_factory=dict)
    failures: dict[Path, BreathlineError] = field(default_factory=dict)
    together: int = 0


def predict(
    predictor: Predictor,
    recordings: Sequence[Path],
    options: Options,
    *,
    patients: Mapping[Path, str],
    illustrator: Illustrator | None = None,
    on_frames: Callable[[Path, int], None] = lambda _path, _frames: None,
    on_done: Callable[[Path], None] = lambda _: None,
) -> Predicted:
    """Return the predictions for recordings.

    Args:
        predictor: Model.
        recordings: Recordings.
        options: Options of the prediction.
        patients: Patients of recordings, as far as they are known.
        illustrator: Collection of sounds for a page, if there is one; it takes none of whole recordings.
        on_frames: Callback with a recording and the number of its frames that were read.
        on_done: Callback with each recording that is done.

    Raises:
        BreathlineError: The model needs several recordings of a device, and there are fewer; or windows are too long.
    """
    check(options, float(predictor.facts.duration_s or 0))
    offsets: Mapping[Path, Offsets] = predictor.device_offsets(recordings, options)
    found = Predicted(together=len(offsets))
    for path in recordings:
        try:
            found.by_file[path] = predictor.predict(
                path,
                options,
                patient=patients.get(path),
                offsets=offsets.get(path),
                run=None if illustrator is None or options.whole else illustrator.run,
                on_progress=lambda frames, path=path: on_frames(path, frames),  # type: ignore[misc]
            )
        except BreathlineError as error:
            found.failures[path] = error
        if illustrator is not None:
            illustrator.take(found.by_file.get(path))
        on_done(path)
    return found
