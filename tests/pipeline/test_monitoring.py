"""The flow `monitoring` with a real Prefect server: state, artifact, page, and the event for automations."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from ruamel.yaml import YAML

from tasks.runtime.errors import BreathlineError
from tests.pipeline.commands import artifact, eventually
from tests.unit.tasks.monitoring import in_use
from tests.unit.tasks.monitoring.simulated import MODEL_ID, USUAL

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]


def run(project: Path, **parameters):
    from flows.monitoring import monitoring

    return monitoring(model="model", project=project, return_state=True, **{"last": None, **parameters})


def events() -> list[dict]:
    """Return the events of drift that the server has received."""
    with get_client(sync_client=True) as client:
        answer = client.request("POST", "/events/filter", json={"filter": {"event": {"name": ["breathline.drift"]}}})
    return answer.json()["events"]


def test_drift_fails_the_run_and_emits_an_event_that_the_automation_of_the_documents_matches(tmp_path):
    from prefect.server.events.schemas.automations import Automation
    from prefect.server.events.schemas.events import ReceivedEvent

    in_use.model(tmp_path / "model")
    in_use.log(tmp_path / ".breathline/use.jsonl", [(USUAL, 40)])
    state = run(tmp_path)
    assert state.is_completed(), state.message
    assert state.message == "No drift found (40 recordings)."
    assert "| level, dBFS | 40 |" in artifact("monitoring").data
    assert events() == []

    in_use.log(tmp_path / "moved.jsonl", [(replace(USUAL, level=-48.0), 40)])
    state = run(tmp_path, log=Path("moved.jsonl"))
    assert (state.name, state.is_failed()) == ("Drift", True)
    assert state.message == "Drift of level, dBFS (40 recordings)."
    assert "✗ **Drift of level, dBFS" in artifact("monitoring").data
    assert "Drift of level, dBFS" in (tmp_path / "reports/monitoring.html").read_text(encoding="utf-8")
    eventually(events)
    (found,) = events()
    assert found["resource"]["prefect.resource.id"] == f"breathline.model.{MODEL_ID}"
    assert found["payload"]["measures"] == ["level_dbfs"]
    assert any(one["prefect.resource.role"] == "flow-run" for one in found["related"])

    text = (ROOT / "docs/how-to/flows.md").read_text(encoding="utf-8")
    (written,) = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if "breathline.drift" in block]
    (automation,) = YAML(typ="safe").load(written)
    trigger = Automation.model_validate(automation).trigger
    assert trigger.covers(ReceivedEvent.model_validate(found))
    assert "breathline.drift" in trigger.expect


def test_few_recordings_and_a_missing_log_are_no_drift(tmp_path):
    in_use.model(tmp_path / "model")
    in_use.log(tmp_path / ".breathline/use.jsonl", [(replace(USUAL, level=-48.0), 5)])
    state = run(tmp_path)
    assert state.is_completed()
    assert state.message == "Too few to say: 5 recordings, and 30 are needed in a period."
    with pytest.raises(BreathlineError, match="There is no log of use"):
        run(tmp_path, log=Path("other.jsonl")).result()
