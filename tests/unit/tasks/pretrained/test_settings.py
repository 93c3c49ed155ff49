"""Settings of weights: forms of sources, hashes and commits."""

import pytest

from tasks.pretrained.settings import WeightsSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError


@pytest.mark.parametrize(
    "source",
    ["none", "https://zenodo.org/record/1/files/Cnn6_mAP%3D0.343.pth?download=1", "hf:MIT/ast-10-0.45/a/b.safetensors",
     "timm:resnet18.tv_in1k"],
)  # fmt: skip
def test_each_form_of_a_source_is_accepted(source):
    assert WeightsSettings(source=source).source == source


@pytest.mark.parametrize(
    "source",
    ["", "x", "ftp:x", "ftp://host/x", "file:///etc/passwd", "https:///x", "http://[::1", "hf:x", "hf:o/r", "hf:o/r/",
     "hf:/r/f", "hf:o/../f", "hf:o/r/../../f", "hf:o/r/f; touch pwned", "hf:o/r/f\n", "timm:", "timm:a/b", "None"],
)  # fmt: skip
def test_another_source_is_refused_with_the_forms(source):
    with pytest.raises(BreathlineError, match=r"hf:<organisation>/<repository>/<file>.*") as error:
        params.parse(WeightsSettings, {"source": source}, "weights.x")
    assert "weights.x" in str(error.value)


@pytest.mark.parametrize(
    "host", ["mirror.org", "10.0.0.1", "127.0.0.1.mirror.org", "localhost.mirror.org", "[2001:db8::1]"]
)
def test_weights_by_http_need_a_hash(host):
    source = f"http://{host}:8080/model.pt"
    with pytest.raises(BreathlineError, match=r"weights\.x\.sha256.*can be changed on its way.*https://"):
        params.parse(WeightsSettings, {"source": source}, "weights.x")
    assert WeightsSettings(source=source, sha256="0" * 64).pinned


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
def test_a_server_on_this_machine_needs_no_hash(host):
    assert not WeightsSettings(source=f"http://{host}:8080/model.pt").pinned


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("sha256", "abc", "64 hexadecimal digits"),
        ("revision", "main", "a branch or tag may move"),
        ("revision", "0" * 39, "40 hexadecimal"),
    ],
)
def test_hashes_and_commits_are_whole(key, value, what):
    with pytest.raises(BreathlineError, match=what):
        params.parse(WeightsSettings, {"source": "hf:o/r/f", key: value}, "weights.x")
    with pytest.raises(BreathlineError, match="because only a source of the hub"):
        params.parse(WeightsSettings, {"source": "https://host/f", "revision": "0" * 40}, "weights.x")
