import pytest

from lineage import events, log_signature
from tests.unit.lineage.signatures.signing import pair


@pytest.fixture
def keys(tmp_path, monkeypatch):
    private, public = pair(tmp_path / "keys")
    monkeypatch.setenv(log_signature.KEY, str(private))
    return private, public


@pytest.fixture
def root(tmp_path, keys, monkeypatch):
    """Return a project with six entries, of which the last four are signed."""
    folder = tmp_path / "project"
    for number in range(6):
        with monkeypatch.context() as patch:
            if number < 2:
                patch.delenv(log_signature.KEY)
            events.append(folder, {"event": "start", "stage": f"s{number}"})
    return folder
