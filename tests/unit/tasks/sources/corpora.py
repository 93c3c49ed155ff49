"""Small corpora in ICBHI's format, and zips of them, made by code."""

import io
import zipfile
from collections.abc import Mapping
from itertools import islice, product
from pathlib import Path

import numpy as np
import soundfile

from tasks.corpora.icbhi.metadata import DEMOGRAPHICS_FILE, DIAGNOSIS_FILE, FOLDS_FILE, SPLIT_FILE

NAMES = ["101_1b1_Al_sc_Meditron", "101_1b1_Pr_sc_Meditron", "102_1b1_Ar_sc_Litt3200", "103_2b2_Ar_mc_LittC2SE"]
ODD = ("226_1b1_Pl_sc_Meditron", "226_1b1_Pl_sc_LittC2SE")  # in the official split file, and in truth
FOLDER = "ICBHI_final_database"
ANNOTATION = b"0.0\t0.2\t0\t1\r\n"


def many(count: int) -> list[str]:
    places = product(range(101, 300), ("1b1", "2b2"), ("Al", "Ar", "Tc"))
    return [f"{patient}_{index}_{place}_sc_AKGC417L" for patient, index, place in islice(places, count)]


def wav(frames: int = 800) -> bytes:
    """Return a wav file of noise at 4 kHz, 16 bit."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(frames).integers(-9000, 9000, frames, dtype=np.int16)
    soundfile.write(buffer, noise, 4000, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def recordings(names: list[str], folder: str = FOLDER) -> dict[str, bytes]:
    """Return recordings and annotations, by path."""
    audio = wav()
    return {f"{folder}/{name}.wav": audio for name in names} | {f"{folder}/{name}.txt": ANNOTATION for name in names}


def metadata(names: list[str], *, folds: bool = True) -> dict[str, bytes]:
    """Return the metadata files of recordings, by official name."""
    split = "".join(f"{name}\t{'test' if index % 2 else 'train'}\r\n" for index, name in enumerate(names))
    files = {
        SPLIT_FILE: split.encode(),
        DIAGNOSIS_FILE: b"101\tURTI\n102\tHealthy\n",
        DEMOGRAPHICS_FILE: b"101\t3\tF\tNA\t19\t99\r\n",
        FOLDS_FILE: b"101 0\n102 1\n",
    }
    return files if folds else {name: content for name, content in files.items() if name != FOLDS_FILE}


def lay_out(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a folder, and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
