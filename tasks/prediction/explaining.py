"""Maps of the segments of a recording, with their predictions. It needs torch."""

from collections.abc import Sequence

from tasks.prediction.engines.base import Outputs, Samples
from tasks.prediction.engines.pytorch import TorchEngine
from tasks.prediction.maps import MappingEngine, SegmentMap
from tasks.prediction.passes import Options, Recording
from tasks.prediction.predictor import Predictor
from tasks.prediction.results import Segment
from tasks.runtime.errors import BreathlineError


def explain(model: Predictor, recording: Recording, options: Options) -> list[tuple[Segment, SegmentMap]]:
    """Return the segments of a recording that have a class, sorted by start, each with its map.

    Args:
        model: Model on the engine of PyTorch.
        recording: Recording.
        options: Options of the prediction, without `whole`.

    Raises:
        BreathlineError: The recording cannot be read, or the engine or the network draws no maps.
    """
    if not isinstance(model.engine, TorchEngine):
        raise BreathlineError(
            "Maps need the gradients of PyTorch.", where=model.engine.name, hint="use the engine torch"
        )
    engine = MappingEngine(model.engine)
    maps: list[SegmentMap] = []

    def run(waveforms: Sequence[Samples], offsets: Samples | None) -> Outputs:
        if offsets is None and model.normalization is not None:  # the reading that measures the offsets
            return model.engine.run(waveforms)
        outputs = engine.run(waveforms, offsets)
        maps.extend(outputs.maps)
        return outputs

    found = model.predict(recording, options, run=run)
    return [(one, drawn) for one, drawn in zip(model.heard(found), maps, strict=False) if one.predicted is not None]
