"""Release and side of the split of each recording, by the folder of its annotation in the source.

The file of the metadata also keeps the mapping of event types that the settings ask for.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from tasks.corpora import source_record
from tasks.corpora.file_copies import common_place
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
    side = next((match[1] for part in folders if (match := _SIDE.match(part))), "train")
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
    for recording_id, paths in annotations.items():
        release, side = common_place(paths, place)
        recordings[recording_id] = {"release": release, "side": side}
    return source_record.encode(recordings, also_wheeze=also_wheeze)
