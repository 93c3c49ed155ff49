"""The nightly audit on a finished run, with a real Prefect server."""

import logging

import pytest

from cli.output import run_flow
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.pipeline import runs
from tests.pipeline import tampering as do
from tests.pipeline.commands import artifact

# Each test audits a copy of the finished run, which takes seconds.
# Flows that are called here use the session's server, too.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("server")]


def test_the_audit_fails_on_damage_and_not_on_a_project_that_has_moved_on(project):
    from flows.nightly_audit import nightly_audit

    do.text(project / "tasks/distillation/soft_labels.py", "axis=0", "axis=-3")
    runs.edit(project, lambda read: read["student"]["optimizer"].update(lr=0.5))
    state = nightly_audit(project=project, return_state=True)
    assert state.is_completed()
    assert state.message.startswith("All as recorded")
    assert "2 changes since the run" in state.message
    assert "| `module-changed` | `tasks/distillation/soft_labels.py` |" in artifact("audit").data

    do.flip(do.first(project))
    state = nightly_audit(project=project, return_state=True)
    assert state.is_failed()
    assert state.message.startswith("Not as recorded in 2 places (out-changed, recording-contradicts)")
    told = artifact("audit").data
    assert told.index("`out-changed`") < told.index("### Changed since the run") < told.index("`module-changed`")
    assert "`train_student@1`, `evaluate`, `explain`, `export`, `report` |" in told


@pytest.mark.long  # test_verify.py verifies a run in depth
def test_the_audit_in_depth_tells_what_it_computed_and_how_to_do_so_again(project):
    from flows.nightly_audit import nightly_audit

    state = nightly_audit(deep=True, sample=2, project=project, return_state=True)
    assert state.is_completed(), state.message
    told = artifact("audit").data
    assert "| `computed-anew` | `fbank@icbhi-ast` |" in told
    assert "`breathline audit verify --deep --sample 2 --seed " in told


def test_the_audit_waits_for_no_run_and_needs_one_that_has_ended(tmp_path):
    from flows.nightly_audit import nightly_audit
    from flows.processes.run_lock import exclusive_run

    folder = toy.make(tmp_path)
    with pytest.raises(BreathlineError, match="Nothing has run here"):
        nightly_audit(project=folder)
    with exclusive_run(folder), pytest.raises(BreathlineError, match="in progress in this project"):
        nightly_audit(project=folder)


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("fault", [BreathlineError("what", where="where", hint="next"), KeyError("frames")], ids=repr)
def test_an_error_of_a_flow_is_whole_in_log_and_state_and_the_same_for_the_command(fault, debug, tmp_path, monkeypatch):
    from flows import nightly_audit

    def verify(*_, **__):
        raise fault

    folder, logged = toy.make(tmp_path), []
    handler = logging.Handler()
    handler.emit = logged.append
    logger = logging.getLogger("prefect.flow_runs")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "disabled", False)  # a test of a stage may have configured logging in this process
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(nightly_audit, "verify", verify)
    monkeypatch.setenv("BREATHLINE_DEBUG", "1" if debug else "")
    monkeypatch.chdir(folder)
    with pytest.raises(type(fault)) as caught:
        run_flow(nightly_audit.nightly_audit, "hint")
    assert caught.value is fault
    error = next(record for record in logged if record.levelname == "ERROR")
    lines = error.getMessage().splitlines()
    assert [line.strip().split(":")[0] for line in lines[1:]] == ["where", "next"]
    assert ("flows/nightly_audit.py" in lines[1] or "test_nightly_audit.py" in lines[1]) == isinstance(fault, KeyError)
    assert any(record.exc_info for record in logged) == debug
    ended = logged[-1].getMessage()
    assert all(line.strip() in ended for line in lines)
