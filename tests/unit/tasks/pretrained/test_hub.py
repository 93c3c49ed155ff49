"""Weights of the hub, against a stand-in of its API on loopback."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save

from tasks.pretrained.settings import WeightsSettings
from tasks.pretrained.weights import write_weights
from tasks.runtime.errors import BreathlineError, TransientError
from tasks.sources import limits
from tests.unit.tasks.sources.server import Handler, Server, sends_headers_slowly, serving

FIRST, SECOND = "a" * 40, "b" * 40
FILES = {FIRST: save({"w": torch.zeros(2)}), SECOND: save({"w": torch.ones(3)})}


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Server:
    def about(handler: Handler) -> None:
        handler.answer(200, json.dumps({"id": "o/r", "sha": SECOND}).encode(), Content_Type="application/json")

    def file(handler: Handler) -> None:
        assert handler.headers["Authorization"] == "Bearer hf_secret"
        commit = handler.path.split("/")[4]
        content = FILES.get(SECOND if commit == "main" else commit)
        if content is None:
            handler.answer(404, X_Error_Code="RevisionNotFound")
        else:
            handler.answer(200, content)

    with serving() as server:
        server.script |= {"r": [about] * 9, "w.safetensors": [file] * 9}
        url = server.url().rstrip("/")
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        yield server


def written(tmp_path: Path, **options: str) -> dict[str, object]:
    settings = WeightsSettings(source="hf:o/r/w.safetensors", **options)
    write_weights("w", settings, tmp_path / "out", local=None, downloads=tmp_path / "d")
    return json.loads((tmp_path / "out" / "source.json").read_text())


def test_the_current_commit_is_used_and_recorded(tmp_path, hub, caplog):
    source = written(tmp_path)
    assert (source["revision"], source["parameters"]) == (SECOND, 3)
    assert f"weights.w.revision: {SECOND}" in caplog.text


def test_a_pinned_commit_is_fetched_though_the_branch_has_moved(tmp_path, hub):
    source = written(tmp_path, revision=FIRST)
    assert (source["revision"], source["parameters"]) == (FIRST, 2)
    assert "r" not in dict(hub.asked)


def test_a_file_with_another_hash_is_refused(tmp_path, hub):
    with pytest.raises(BreathlineError, match=r"has the SHA-256 .*, not 0000"):
        written(tmp_path, sha256="0" * 64)
    assert written(tmp_path, sha256=hashlib.sha256(FILES[SECOND]).hexdigest())["parameters"] == 3


def test_a_missing_commit_is_permanent_and_a_dead_hub_is_not(tmp_path, hub, monkeypatch):
    with pytest.raises(BreathlineError, match="HTTP 404") as error:
        written(tmp_path, revision="c" * 40)
    assert not isinstance(error.value, TransientError)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="hub cannot be reached"):
        written(tmp_path)


def test_a_hub_whose_answer_never_ends_is_not_waited_for(tmp_path, hub, monkeypatch):
    monkeypatch.setattr(limits, "ANSWER_S", 0.3)
    hub.script["r"] = [sends_headers_slowly]
    with pytest.raises(TransientError, match=r"hub cannot be reached: no complete answer within 0\.3 s"):
        written(tmp_path)


def test_the_cache_of_the_hub_is_used_without_the_network(tmp_path, hub, monkeypatch):
    place = tmp_path / "cache" / "models--o--r"
    for commit, content in FILES.items():
        (place / "snapshots" / commit).mkdir(parents=True)
        (place / "snapshots" / commit / "w.safetensors").write_bytes(content)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(SECOND, encoding="utf-8")
    assert written(tmp_path, revision=FIRST)["parameters"] == 2
    assert written(tmp_path, sha256=hashlib.sha256(FILES[SECOND]).hexdigest())["parameters"] == 3
    assert not hub.asked
    assert written(tmp_path, sha256=hashlib.sha256(FILES[FIRST]).hexdigest(), revision=FIRST)["parameters"] == 2
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BreathlineError, match="HF_HUB_OFFLINE is set"):
        written(tmp_path, revision="c" * 40)
