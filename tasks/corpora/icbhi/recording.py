"""One recording and its annotation into facts, cycles and waveforms."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.audio import quality, reading, waveforms
from tasks.corpora.icbhi import names
from tasks.corpora.icbhi.annotations import Cycle
from tasks.corpora.icbhi.annotations import read as read_cycles
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256

MAX_CYCLES = 1000  # a cycle's id has three digits


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What one recording gives.

    `facts` is its row of `recordings.parquet` and `cycles` are its rows of `cycles.parquet`, both as far as its own
    two files tell; `audio` holds, by rate in Hz, the waveform of each cycle: (samples,) float32.
    """

    facts: dict[str, Any]
    cycles: list[dict[str, Any]]
    audio: dict[int, list[npt.NDArray[np.float32]]]


def extract(wav: Path, rates: Sequence[int], unfaded: Collection[int] = ()) -> Extracted:
    """Return what a recording and the annotation beside it hold.

    Args:
        wav: The audio file, named as the recording; the annotation has the suffix ``.txt``.
        rates: The rates in Hz at which the cycles are wanted.
        unfaded: Those of them at which the recording's ends stay as they are.

    Raises:
        BreathlineError: The name, the audio or the annotation cannot be understood.
    """
    name = names.parse(wav.stem, where=wav)
    txt = wav.with_suffix(".txt")
    annotated = read_cycles(txt)
    if len(annotated) > MAX_CYCLES:
        raise BreathlineError(f"{len(annotated)} cycles are more than an annotation can have.", where=txt)
    stored = reading.read(wav)
    samples = stored.normalised()
    frames, channels = samples.shape
    cycles = [
        {
            "cycle_id": f"{wav.stem}_{index:03}",
            "recording_id": wav.stem,
            "cycle_index": index,
            **cycle_columns(cycle),
            "duration_s": cycle.end_s - cycle.start_s,
            "audio_sha256": _content(stored, waveforms.bounds(cycle.start_s, cycle.end_s, stored.rate, frames)),
        }
        for index, cycle in enumerate(annotated)
    ]
    facts = {
        "recording_id": wav.stem,
        **name_columns(name),
        "sample_rate": stored.rate,
        "subtype": stored.subtype,
        "bit_depth": stored.bit_depth,
        "channels": channels,
        "frames": frames,
        "duration_s": frames / stored.rate,
        "cycles": len(cycles),
        "recording_sha256": sha256(wav),
        "annotation_sha256": sha256(txt),
        **asdict(quality.measure(samples, stored.rate)),
    }
    times = [(cycle.start_s, cycle.end_s) for cycle in annotated]
    audio = {rate: waveforms.cut(samples, stored.rate, rate, times, faded=rate not in unfaded) for rate in rates}
    return Extracted(facts=facts, cycles=cycles, audio=audio)


def name_columns(name: names.RecordingName) -> dict[str, Any]:
    """Return the parts of a recording's name by column."""
    shared = {"patient_id": name.patient_id, "location": name.location, "device": name.device}
    return shared | {"icbhi_recording_index": name.recording_index, "icbhi_mode": name.mode}


def cycle_columns(cycle: Cycle) -> dict[str, Any]:
    """Return the times and flags of a cycle by column."""
    flags = {"icbhi_crackles": cycle.crackles, "icbhi_wheezes": cycle.wheezes}
    return {"start_s": cycle.start_s, "end_s": cycle.end_s, **flags}


def _content(stored: reading.Audio, place: slice) -> str | None:
    """Return the SHA-256 of a cycle's samples as stored (little-endian, channels interleaved); None if it has none."""
    samples = stored.samples[place]
    little_endian = samples.astype(samples.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(np.ascontiguousarray(little_endian).data).hexdigest() if len(samples) else None
