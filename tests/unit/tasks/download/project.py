"""A project in which `download` is run: with a small corpus, and settings to bring it from anywhere."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tasks import download as stage
from tasks.corpora.icbhi import known_recordings
from tasks.corpora.settings import DemoSettings, DownloadSettings
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.sources import corpora

NAMES = corpora.NAMES
KNOWN = [*NAMES, corpora.ODD[1]]  # also the recording that the official split file misnames
FULL = corpora.recordings(NAMES) | corpora.metadata(NAMES)


def settings(source: str, path: Path | None = None, corpus: str = "icbhi", **changes: Any) -> DownloadSettings:
    given = {"metadata": None, "expect": "partial", "sha256": None, "mirrors": ["http://127.0.0.1:9/"]}
    given |= {"exclude_patients": [], **changes}
    demo = DemoSettings(seed=1, patients=4)
    return DownloadSettings(format=corpus, source=source, path=path, demo=demo, **given)


def publish(names: list[str], table: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let recordings of `corpora.recordings` pass as the published ones, and return their names.

    The side is that of `corpora.metadata`; the fold is 3; the audio of the first is known.
    """
    annotation = sha256(corpora.ANNOTATION.replace(b"\r\n", b"\n")).hexdigest()
    audio = {names[0]: sha256(corpora.wav()).hexdigest()}
    sides = ("train", "test")
    rows = [f"{name}\t{sides[i % 2]}\t3\t{annotation}\t{audio.get(name, '')}" for i, name in enumerate(names)]
    table.write_text(
        "\n".join(["recording\tsplit\tfold\tannotation_sha256\trecording_sha256", *rows]) + "\n", encoding="ascii"
    )
    monkeypatch.setattr(known_recordings, "TABLE", table)
    return names


class Project:
    """A project's folder, in which the stage is run."""

    def __init__(self, root: Path) -> None:
        self.raw, self.downloads = root / "data" / "raw" / "icbhi", root / ".checkpoints" / "download"

    def download(self, settings: DownloadSettings) -> dict[str, Any]:
        stage.download(settings, self.raw, self.downloads)
        assert [path.name for path in self.raw.parent.iterdir()] == ["icbhi"]
        source: dict[str, Any] = json.loads((self.raw / "source.json").read_text())
        return source

    def refused(self, settings: DownloadSettings, what: str) -> BreathlineError:
        before = sorted(self.raw.parent.rglob("*")) if self.raw.exists() else []
        with pytest.raises(BreathlineError, match=what) as error:
            stage.download(settings, self.raw, self.downloads)
        assert sorted(self.raw.parent.rglob("*")) == before, "something was left behind"
        return error.value

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.raw / folder).iterdir())
