"""Generated recordings in SPRSound's format, in the published layouts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE, SECONDS = 8000, 3.0
TYPES = ("Normal", "Normal", "Fine Crackle", "Wheeze", "Rhonchi", "Stridor", "Coarse Crackle", "Wheeze+Crackle")
# Folders of recordings and annotations by side, in the layout of the first release and in the later one.
LAYOUTS = {
    "BioCAS2022": {
        "train": ("BioCAS2022/train2022_wav", "BioCAS2022/train2022_json"),
        "inter": ("BioCAS2022/test2022_wav", "BioCAS2022/test2022_json/inter_test_json"),
        "intra": ("BioCAS2022/test2022_wav", "BioCAS2022/test2022_json/intra_test_json"),
        "test-2023": ("BioCAS2023/test2023_wav", "BioCAS2023/test2023_json"),
    },
    "Classification": {
        "train": ("Classification/train_classification_wav", "Classification/train_classification_json"),
        **{
            side: (
                "Classification/valid_classification_wav/2022",
                f"Classification/valid_classification_json/2022/{side}_test_json",
            )
            for side in ("inter", "intra")
        },
        "test-2023": (
            "Classification/valid_classification_wav/2023",
            "Classification/valid_classification_json/2023",
        ),
    },
}


def events(types: Sequence[str], *, text: bool = True, shuffled: bool = True) -> list[dict[str, Any]]:
    """Return events of these types one after the other, 600 ms each; times are texts or numbers."""
    kind = str if text else int
    found = [{"start": kind(50 + 650 * i), "end": kind(650 + 650 * i), "type": name} for i, name in enumerate(types)]
    return found[::-1] if shuffled else found


def annotation(types: Sequence[str], record: str, *, key: str = "record_annotation", **how: bool) -> dict[str, Any]:
    return {key: record, "event_annotation": events(types, **how)}


def recordings(patients: int, sides: Sequence[str] = ("train",)) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return side and annotation of each recording.

    Each patient of the side train has two recordings with the types in turn; the second of the first patient is of
    poor quality. The tests of `intra` are of patients of train, all others of patients of their own.
    """
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for number in range(patients):
        types = [TYPES[(number + turn) % len(TYPES)] for turn in range(3)]
        for take in range(2):
            poor = number == 0 and take == 1
            content = annotation([] if poor else types, "Poor Quality" if poor else "DAS", text=take == 0)
            found[f"{40000001 + number}_{number}.{take}_{number % 2}_p{number % 8 + 1}_{10 * number + take}"] = (
                "train",
                content,
            )
    for position, side in enumerate(side for side in sides if side != "train"):
        for number in range(4):
            owner = 40000001 + number if side == "intra" else 50000000 + 10 * position + number
            types = ("Normal", TYPES[2 + number])
            name = f"{owner}_{number}.0_{number % 2}_p1_{9000 + 10 * position + number}"
            found[name] = (side, annotation(types, "Normal", key="recording_annotation", text=False))
    return found


def lay_out(folder: Path, content: Mapping[str, tuple[str, dict[str, Any]]], layout: str = "BioCAS2022") -> Path:
    """Write recordings of noise and their annotations in a layout, and return the folder."""
    for seed, (name, (side, written)) in enumerate(content.items()):
        wavs, jsons = (folder / path for path in LAYOUTS[layout][side])
        wavs.mkdir(parents=True, exist_ok=True)
        jsons.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).uniform(-0.3, 0.3, int(RATE * SECONDS))
        soundfile.write(wavs / f"{name}.wav", noise, RATE, subtype="PCM_16")
        (jsons / f"{name}.json").write_text(json.dumps(written), encoding="utf-8")
    return folder
