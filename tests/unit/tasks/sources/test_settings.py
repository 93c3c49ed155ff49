"""Settings of a source that do not go together are told by their key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tasks.sources.settings import DownloadSettings


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"source": "archive"}, "path"),
        ({"source": "directory"}, "path"),
        ({"source": "demo", "path": "x.zip"}, "path"),
        ({"source": "icbhi", "path": "x.zip"}, "path"),
        ({"source": "icbhi", "mirrors": []}, "mirrors"),
        ({"source": "icbhi", "mirrors": ["ftp://example.org/"]}, "mirrors"),
        ({"source": "demo", "sha256": "0" * 64}, "sha256"),
        ({"source": "icbhi", "sha256": "123"}, "sha256"),
        ({"source": "demo", "metadata": "x"}, "metadata"),
        ({"source": "elsewhere"}, "source"),
        ({"exclude_patients": [101, 101]}, "exclude_patients"),
        ({"sauce": "demo"}, "sauce"),
    ],
)
def test_settings_that_do_not_go_together_name_the_key(changes: dict[str, Any], key: str) -> None:
    section = params.section(params.read(Path(__file__).parents[4] / "params.yaml"), "download")
    plain = {"source": "demo", "path": None, "metadata": None, "sha256": None}
    assert params.parse(DownloadSettings, section | plain, "download").source == "demo"
    with pytest.raises(BreathlineError, match=rf"download\.{key}"):
        params.parse(DownloadSettings, section | plain | changes, "download")
