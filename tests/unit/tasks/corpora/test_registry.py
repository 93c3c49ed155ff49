"""Registry of the corpora, and settings of `download` that contradict each other."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.corpora import registry, source_record
from tasks.corpora.settings import DownloadSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.corpora.invented import Coughs


def test_an_unknown_corpus_is_refused_with_the_known_names():
    with pytest.raises(
        BreathlineError, match=r"no corpus format `coughs`[\s\S]*format[\s\S]*demo, hf_lung, icbhi, kauh, sprsound"
    ):
        registry.get("coughs")


def test_a_corpus_is_recognised_by_the_names_of_its_recordings(monkeypatch):
    monkeypatch.setattr(registry, "_corpora", {})
    assert registry.recognise(["x", "101_1b1_Al_sc_Meditron"]) is registry.get("icbhi"), "the demo is generated"
    assert registry.recognise(["anna-1"]) is None
    registry.register(Coughs())
    assert registry.recognise(["anna-1"]) is registry.get("coughs")


def test_names_are_known_without_importing_an_adapter():
    code = "from tasks.corpora import registry; registry.names(); import sys; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


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
    section = params.section(params.read(Path(__file__).parents[4] / "params.yaml"), "corpora.demo")
    plain = {"source": "publisher", "path": None, "metadata": None, "sha256": None}
    assert params.parse(DownloadSettings, section | plain, "corpora.demo").source == "publisher"
    with pytest.raises(BreathlineError, match=rf"corpora\.demo\.{key}"):
        params.parse(DownloadSettings, section | plain | changes, "corpora.demo")


NAMES = {
    "hf_lung": "steth_20190821_12_00_25",
    "kauh": "kauh-P1_B",
    "sprsound": "65101170_0.4_1_p3_3246",
}
OTHERS = [b"101\tURTI\n", b"file,patient_id\na.wav,7\n", b"[]", b"{}", b"\xff"]


@pytest.mark.parametrize("corpus", NAMES)
def test_metadata_of_another_corpus_name_none_of_its_patients(corpus):
    own = registry.get(corpus)
    assert len(own.patients_named(source_record.encode({NAMES[corpus]: {}}))) == 1
    for content in OTHERS:
        assert own.patients_named(content) == set()
    for other in NAMES.keys() - {corpus}:
        found = own.patients_named(source_record.encode({NAMES[other]: {}}))
        assert own.patient_of(NAMES[corpus]) not in found
