"""Settings of `download` that contradict each other."""

from pathlib import Path

import pytest

from tasks.corpora.settings import DownloadSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"source": "archive"}, "path"),
        ({"source": "directory"}, "path"),
        ({"path": "x.zip"}, "path"),
        ({"mirrors": ["ftp://example.org/"]}, "mirrors"),
        ({"source": "directory", "path": "x", "sha256": "0" * 64}, "sha256"),
        ({"sha256": "123"}, "sha256"),
        ({"source": "elsewhere"}, "source"),
        ({"exclude_patients": [101, "101"]}, "exclude_patients"),
        ({"sauce": "demo"}, "sauce"),
    ],
)
def test_settings_that_do_not_go_together_name_the_key(changes, key):
    section = params.section(params.read(Path(__file__).parents[4] / "params.yaml"), "download")
    plain = {"source": "publisher", "path": None, "metadata": None, "sha256": None}
    assert params.parse(DownloadSettings, section | plain, "download").source == "publisher"
    with pytest.raises(BreathlineError, match=rf"download\.{key}"):
        params.parse(DownloadSettings, section | plain | changes, "download")
