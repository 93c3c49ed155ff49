"""Page of predictions: summaries, segments, spectrograms, sounds and maps, in the look of the report."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tasks.prediction.illustrations import Illustration
from tasks.prediction.results import CAUTION, Prediction, Segment, Summary, by_patient, summarise
from tasks.reporting import media, page
from tasks.reporting.section import Block, Picture, Table, Text
from tasks.reporting.spectrograms import Map, with_map
from tasks.runtime.words import counted

SHOWN = 400  # rows of a recording's table
FRAME_S, HOP_S = 0.032, 0.01  # of a spectrogram
ROWS, FINER = 24, 4  # bands of a spectrogram without a map; rows of a spectrogram for each band
LOWEST_HZ, HIGHEST_HZ = 50.0, 8000.0
WORDS = {"judged": "judged", "uncertain": "uncertain", "unlike": "unlike", "not_judged": "not judged"}


def render(predictions: Sequence[Prediction], illustrations: Sequence[Sequence[Illustration]], rate: int) -> str:
    """Return the page as HTML: equal predictions give equal bytes.

    Args:
        predictions: Predictions of one model.
        illustrations: Sounds of some segments of each recording.
        rate: Sample rate of the sounds in Hz.
    """
    model = predictions[0].model
    sections: dict[str, tuple[str, list[Block]]] = {"summary": ("Summary", list(_summary(predictions)))}
    for index, (prediction, shown) in enumerate(zip(predictions, illustrations, strict=True), start=1):
        blocks = [*_segments(prediction), *(_picture(one, rate) for one in shown)]
        sections[f"recording-{index}"] = (prediction.recording, blocks)
    about = f"{model.label} · {model.labels} ({', '.join(model.classes)}) · engine {model.engine}"
    banner = " ".join(filter(None, (model.banner, CAUTION)))
    return page.render_blocks("predictions.html.j2", sections, about=about, banner=banner)


def _summary(predictions: Sequence[Prediction]) -> Iterator[Block]:
    """Yield the summaries of recordings and patients."""
    columns = ["recording", "seconds", "segments", *WORDS.values(), "open", "abnormal", "longest abnormal run"]
    rows = [[one.recording, f"{one.seconds:.1f}", *_cells(one.summary)] for one in predictions]
    yield Table(columns, rows)
    if patients := by_patient(predictions):
        rows = [
            [patient, f"{sum(one.seconds for one in some):.1f}", *_cells(summarise(some))]
            for patient, some in patients.items()
        ]
        yield Table(["patient", *columns[1:]], rows)


def _cells(found: Summary) -> list[str]:
    share = "–" if found.abnormal_share is None else f"{found.abnormal_share:.0%}"
    decisions = [str(found.decisions.get(name, 0)) for name in WORDS]
    return [str(found.segments), *decisions, str(found.open), share, f"{found.longest_abnormal_s:.1f} s"]


def _segments(prediction: Prediction) -> Iterator[Block]:
    """Yield the notes on a recording, and the table of its segments."""
    for note in prediction.notes:
        yield Text(note)
    columns = ["seconds", "decision", "class", "plausible", *prediction.model.classes, "confidence", "reason"]
    rows = [_row(prediction, one) for one in prediction.segments[:SHOWN]]
    more = len(prediction.segments) - len(rows)
    yield Table(columns, rows, caption=f"{counted(more, 'more segment')}; `--out` writes all" if more else "")


def _row(prediction: Prediction, one: Segment) -> list[str]:
    judged = one.judgement
    given = judged.probabilities or (None,) * len(prediction.model.classes)
    return [
        _times(one),
        WORDS[one.decision],
        one.predicted or "–",
        ", ".join(judged.classes) or "–",
        *("–" if p is None else f"{p:.2f}" for p in given),
        "–" if one.confidence is None else f"{one.confidence:.2f}",
        "; ".join((*judged.reasons, *one.notes)) or "–",
    ]


def _times(one: Segment) -> str:
    return f"{one.start_s:.2f}–{one.end_s:.2f}"


def _picture(one: Illustration, rate: int) -> Picture:
    """Return the spectrogram of a segment with its map, if there is one, and its sound."""
    segment, drawn = one.segment, one.map
    if drawn is None:
        top = min(HIGHEST_HZ, 0.95 * rate / 2)
        hertz = _hertz(np.linspace(_mel(LOWEST_HZ), _mel(top), ROWS))
        seconds = (np.arange(2) + 0.5) * len(one.waveform) / rate / 2
        found = Map(np.zeros((2, ROWS)), seconds.tolist(), hertz.tolist())
    else:
        found = Map(drawn.values.astype(np.float64), drawn.seconds, drawn.hertz)
    title = f"{_times(segment)} s: {segment.predicted}, {WORDS[segment.decision]}"
    caption = "" if drawn is None else f"Orange: what the class depends on most ({drawn.method.replace('_', ' ')})."
    return Picture(
        with_map(spectrogram(one.waveform, rate, found.hertz), found, "", f"Spectrogram of {_times(segment)} s"),
        title=title,
        caption=caption,
        sound=media.audio(one.waveform, rate),
    )


def spectrogram(waveform: npt.NDArray[np.float32], rate: int, hertz: Sequence[float]) -> npt.NDArray[np.float32]:
    """Return the level in dB ``(frames, rows)`` of a waveform, in `FINER` rows for each of some bands.

    Args:
        waveform: Waveform ``(samples,)``.
        rate: Sample rate in Hz.
        hertz: Centre of each band in Hz.
    """
    size, hop = round(rate * FRAME_S), round(rate * HOP_S)
    padded = np.pad(waveform, (0, max(0, size - len(waveform))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32))) ** 2
    centres = np.interp((np.arange(FINER * len(hertz)) + 0.5) / FINER - 0.5, np.arange(len(hertz)), hertz)
    bins = np.clip(np.round(centres * size / rate).astype(int), 0, power.shape[1] - 1)
    return np.asarray(10 * np.log10(power[:, bins] + 1e-10), dtype=np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def _hertz(mels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(700 * (10 ** (mels / 2595) - 1))
