"""Pictures and sounds of the gallery, compared with the features, map and waveform of their cycle."""

import io
import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl
import soundfile
from PIL import Image
from scipy.signal import correlate, resample_poly

from tests.recompute.run import Run

COLUMNS, RATE = 400, 8000  # largest width of a spectrogram; sample rate of sounds in Hz
OPAQUE, SHADES = 0.75 * 255, 2  # opacity of the largest value of a map; shades by which a picture may differ
LEAST = 1e-6  # difference of features that is drawn as black and white
HEARD = 0.8  # least correlation of a sound with its waveform
DATA = re.compile(r'<(?:img|audio)[^>]* src="data:([^;]*);base64,([^"]*)"')


class Source(NamedTuple):
    """Features, waveform and map of a cycle of the gallery."""

    features: np.ndarray
    waveform: np.ndarray
    marks: np.ndarray | None


def sources(run: Run, cycles: Collection[str], maps: pl.DataFrame) -> dict[str, Source]:
    """Return the sources of some cycles.

    Args:
        run: The run.
        cycles: Ids of the cycles.
        maps: Maps that are shown, one for each cycle.
    """
    own = pl.col("cycle_id").is_in(cycles)
    features, waveforms, marks = {}, {}, {}
    for cache in (run.root / "data/fbank" / run.cards[run.first_student]["frontend"]).glob("*"):
        values = np.load(cache / "features.npy", mmap_mode="r")
        rows = pl.read_parquet(cache / "index.parquet").filter(own).select("cycle_id", "row").rows()
        features |= {cycle: values[row].astype(float) for cycle, row in rows}
    for path in (run.root / "data/waveforms").glob("*/*.parquet"):
        rows = pl.scan_parquet(path).filter(own).select("cycle_id", "samples").collect().rows()
        waveforms |= {cycle: resample_poly(samples, RATE, int(path.stem)) for cycle, samples in rows}
    for row in maps.filter(own).iter_rows(named=True):
        marks[row["cycle_id"]] = np.reshape(row["values"], (row["frames"], row["bands"]))
    return {cycle: Source(features[cycle], waveforms[cycle], marks.get(cycle)) for cycle in cycles if cycle in features}


def differences(source: Source, article: str) -> Iterator[str]:
    """Yield a phrase for each picture or sound beside a cycle that is not its own."""
    parts = [(kind, io.BytesIO(b64decode(data))) for kind, data in DATA.findall(article)]
    pictures = [np.array(Image.open(data)) for kind, data in parts if kind == "image/png"]
    step = -(-len(source.features) // COLUMNS)
    thin = source.features[: len(source.features) // step * step].reshape(-1, step, source.features.shape[1]).mean(1)
    low, high = np.percentile(thin, [1, 99])
    shades = [(pictures[0], 255 * np.clip((thin - low) / max(high - low, LEAST), 0, 1))]
    if source.marks is not None:
        positive = np.clip(source.marks, 0, None)
        shades.append((pictures[1][..., 3], OPAQUE * positive / max(positive.max(), np.finfo(float).tiny)))
    for name, (drawn, values) in zip(("spectrogram", "map"), shades, strict=False):
        if drawn.T.shape != values.shape or np.abs(drawn[::-1].T - values).max() > SHADES:
            yield f"the {name} of another cycle"
    for _, data in (one for one in parts if one[0].startswith("audio")):
        heard = soundfile.read(data)[0]
        wave = source.waveform[: len(heard)]
        if correlate(heard, wave, method="fft").max() < HEARD * np.linalg.norm(heard) * np.linalg.norm(wave):
            yield "the sound of another cycle"
