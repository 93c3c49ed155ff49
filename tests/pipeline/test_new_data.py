"""New data on a toy project, with a real Prefect server, DVC and processes."""

from typing import Any

import pytest

from tests import toy
from tests.pipeline.commands import artifact
from tests.toy import SCORE, commit

# A run of a toy's few stages takes 5 to 15 s (each starts DVC), and this test makes several.
# Flows that are called here use the session's server, too.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]

NEW_DATA = """\
stages:
  download:
    foreach: ${corpora}
    do:
      cmd: rm -rf data/raw/${key} && mkdir -p data/raw && cp -r ${item.path} data/raw/${key}
      params: ["corpora.${key}"]
      outs: ["data/raw/${key}"]
  validate:
    foreach: ${corpora}
    do:
      cmd: test ! -e data/raw/${key}/bad && mkdir -p data/validation/${key}
        && echo '{"success":true}' > data/validation/${key}/results.json
      deps: ["data/raw/${key}"]
      outs: ["data/validation/${key}/results.json"]
  train_student:
    cmd: mkdir -p data/student/1 && cp data/raw/clinic/score data/student/1/model.json && echo trained >> COUNT
    deps: [data/raw, data/validation]
    outs: [data/student/1]
  evaluate:
    cmd: sh score.sh $(cat data/student/1/model.json)
    deps: [data/student/1]
    metrics:
      - reports/scores.json: {cache: false}
artifacts:
  student: {path: data/student, type: model}
"""
NEW_DATA_PARAMS = """\
corpora:
  clinic: {format: icbhi, source: directory, path: corpus, expect: partial}
  ward: {format: icbhi, source: directory, path: ward, expect: partial}
external: {}
"""


def test_new_recordings_pass_the_gate_before_training_and_a_worse_model_is_not_promoted(tmp_path):
    from flows import registry
    from flows.new_data import new_data

    folder = toy.make(tmp_path / "project", NEW_DATA.replace("COUNT", str(tmp_path / "trained")))
    (folder / "score.sh").write_text(SCORE)
    (folder / "params.yaml").write_text(NEW_DATA_PARAMS)
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "score").write_text("60.0")
    (folder / "ward").mkdir()
    (folder / "ward" / "note").write_text("one")
    (folder / ".gitignore").write_text("/corpus\n/ward\n/data\n/reports\n/.breathline\n/.locks\n")
    commit(folder, "start")

    def look(**given: Any) -> Any:
        return new_data(project=folder, return_state=True, **{"quiet": 0, **given})

    state = look(quiet=3600)
    assert state.is_completed()
    assert "still being written" in state.message
    state = look()
    assert (state.name, registry.versions(folder)[-1].stages) == ("Completed", ("production",)), state.message
    assert state.message.startswith("student@v1.0.0 is in production: val.student.score_strict is 60.00")
    assert look().message.startswith("Nothing new")

    (corpus / "score").write_text("58.9")
    state = look(margin=1.0)
    assert (state.type.value, state.name) == ("COMPLETED", "NotPromoted"), state.message
    assert "58.90, and 60.00 in production (-1.10; allowed loss 1.00)" in state.message
    assert "- clinic: changed: score" in artifact("new-data").data
    assert len(registry.versions(folder)) == 1

    (corpus / "bad").write_text("not fit to be learned from")
    (corpus / "score").write_text("99.0")
    state = look()
    assert state.is_failed()
    assert state.message.startswith("Validation refused the new recordings: Failed: validate@clinic.")
    assert (tmp_path / "trained").read_text() == "trained\n" * 2
    assert look().message.startswith("Nothing new")

    # What does not even arrive was not refused: it is tried again at the next look.
    (corpus / "bad").unlink()
    graph = (folder / "dvc.yaml").read_text()
    (folder / "dvc.yaml").write_text(graph.replace("cmd: rm -rf data/raw", "cmd: exit 1; rm -rf data/raw"))
    state = look()
    assert state.message.startswith("The new recordings cannot be used: Failed: download@clinic.")
    assert look().is_failed()
