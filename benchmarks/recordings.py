"""Features of recordings in the format of ICBHI 2017, without the stages of the pipeline."""

from pathlib import Path

import numpy as np
import torch

from models.frontends.base import FrontEnd
from tasks.audio import reading, waveforms
from tasks.corpora.icbhi import annotations


def read_cycles(folder: Path, front_end: FrontEnd, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Return the features ``(cycles, frames, mels)`` float16 and the classes of all cycles of a folder.

    The classes are normal, crackle, wheeze and both.

    Args:
        folder: Folder of recordings (wav), each with its annotation (txt) beside it.
        front_end: Front end of the features.
        device: Device that computes the features.

    Raises:
        ValueError: The folder holds no recording with an annotated cycle.
    """
    front_end, features, labels = front_end.to(device), list[np.ndarray](), list[int]()
    for path in sorted(folder.glob("*.wav")):
        annotation = path.with_suffix(".txt")
        cycles = annotations.read(annotation) if annotation.exists() else []
        if not cycles:
            continue
        audio = reading.read(path)
        times = [(cycle.start_s, cycle.end_s) for cycle in cycles]
        cut = waveforms.cut(audio.normalised(), audio.rate, front_end.sample_rate, times, faded=front_end.fade)
        clips = torch.stack([front_end.clip(torch.from_numpy(waveform)) for waveform in cut]).to(device)
        with torch.inference_mode():
            features.append(front_end(clips).half().cpu().numpy())
        labels += [cycle.own["icbhi_crackles"] + 2 * cycle.own["icbhi_wheezes"] for cycle in cycles]
    if not features:
        raise ValueError(f"{folder} holds no wav file with a txt file of its name beside it that has a cycle.")
    return np.concatenate(features), np.array(labels)
