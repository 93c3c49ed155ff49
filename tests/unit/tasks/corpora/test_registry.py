"""Registry of the corpora."""

import subprocess
import sys

import pytest

from tasks.corpora import registry
from tasks.runtime.errors import BreathlineError
from tests.unit.tasks.corpora.invented import Coughs


def test_an_unknown_corpus_is_refused_with_the_known_names():
    with pytest.raises(BreathlineError, match=r"no corpus `coughs`[\s\S]*download\.corpus[\s\S]*demo, icbhi"):
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
