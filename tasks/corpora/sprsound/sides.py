"""Release and side of the split of each recording, by the folder of its annotation in the source.

`download` copies all annotations into one folder. Therefore it writes what their folders tell into a file of the
metadata, together with the mapping of event types that the settings ask for.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from tasks.corpora.file_copies import common_place
from tasks.runtime.artifact_reading import read_json
from tasks.runtime.errors import BreathlineError

FILE = "sprsound_source.json"
FIRST = 2022  # the release of the train part; the later ones add tests
LATER = (2023, 2024, 2025)
TEST_SIDES = ("inter", "intra", *(f"{part}-{year}" for year in LATER for part in ("inter", "intra", "test")))
SIDES = ("train", *TEST_SIDES)
# Patients of these sides can be in train as well: all of `intra`, by design; of later tests it is not published.
SHARED_SIDES = tuple(side for side in TEST_SIDES if not side.startswith("inter"))
_SIDE = re.compile(r"(inter|intra|train|test|valid)")
_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")


def place(annotation: str) -> tuple[str, str]:
    """Return release and side of a recording, such as ``2022`` and ``inter``.

    The folder that is nearest to the file decides. A file in folders of other names is of the train part.

    Args:
        annotation: Path of the annotation in the source, with ``/``.

    Raises:
        BreathlineError: The recording is of the test part of 2022, and neither of `inter` nor of `intra`.
    """
    folders = [part.lower() for part in reversed(PurePosixPath(annotation).parts[:-1])]
    side = next((match[1] for part in folders if (match := _SIDE.search(part))), "train")
    years = (int(match[1]) for part in folders if (match := _YEAR.search(part)))
    year = next((year for year in years if year in (FIRST, *LATER)), FIRST)
    if side == "train":
        return str(year), side
    if side in ("inter", "intra"):
        return str(year), side if year == FIRST else f"{side}-{year}"
    if year == FIRST:
        raise BreathlineError(
            "The folder does not tell whether a test recording of 2022 is of the inter or the intra test.",
            where=annotation,
            hint="keep the published folders inter_test_json and intra_test_json: the two tests are never pooled",
        )
    return str(year), f"test-{year}"


def derive(annotations: Mapping[str, Sequence[str]], also_wheeze: str | None) -> bytes:
    """Return the content of the file.

    Args:
        annotations: Paths of each recording's annotation and of its copies in the source.
        also_wheeze: Value of the column `sprsound_also_wheeze`.

    Raises:
        BreathlineError: Copies are in folders of different sides.
    """
    recordings = {}
    for recording_id, paths in sorted(annotations.items()):
        release, side = common_place(paths, place)
        recordings[recording_id] = {"release": release, "side": side}
    return _encode({"also_wheeze": also_wheeze, "recordings": recordings})


def read(folder: Path) -> tuple[dict[str, dict[str, str]], str | None]:
    """Return release and side of each recording, and the value of the column `sprsound_also_wheeze`.

    Raises:
        BreathlineError: The file is missing or damaged.
    """
    content = read_json(folder / FILE, {"recordings": dict})
    return content["recordings"], content.get("also_wheeze")


def named(content: bytes) -> list[str]:
    """Return the names of the recordings in the file."""
    return list(json.loads(content)["recordings"])


def keep(path: Path, recording_ids: Collection[str]) -> None:
    """Remove all other recordings from the file."""
    content: dict[str, Any] = json.loads(path.read_bytes())
    kept = {name: row for name, row in content["recordings"].items() if name in recording_ids}
    path.write_bytes(_encode({**content, "recordings": kept}))


def _encode(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode("ascii")
