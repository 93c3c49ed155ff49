import json

import pytest

from tasks.corpora.demo import facts as demo
from tasks.runtime import corpus_facts
from tasks.runtime.corpus_facts import Identity
from tasks.runtime.errors import BreathlineError


@pytest.fixture
def facts() -> corpus_facts.CorpusFacts:
    identity = Identity(
        name="demo", statement="The demo", evidence="Generated.", verified=True, complete=True, recordings=3
    )
    return demo.facts(identity)


def test_facts_come_back_as_they_were_written(tmp_path, facts):
    corpus_facts.write(tmp_path, facts)
    assert corpus_facts.read(tmp_path) == facts
    assert corpus_facts.read_label_sets(tmp_path) == facts.label_sets
    assert "label_sets" not in json.loads((tmp_path / "corpus.json").read_text())


def test_missing_facts_are_named(tmp_path):
    with pytest.raises(BreathlineError, match=r"facts of the corpus are missing[\s\S]*corpus\.json"):
        corpus_facts.read(tmp_path)


def test_unknown_keys_and_missing_keys_are_named(tmp_path, facts):
    corpus_facts.write(tmp_path, facts)
    (tmp_path / "corpus.json").write_text("{}")
    with pytest.raises(BreathlineError, match="title: Field required"):
        corpus_facts.read(tmp_path)
