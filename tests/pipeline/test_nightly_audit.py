"""The nightly audit on a finished run, with a real Prefect server."""

import pytest

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
    assert "`train_student@1`, `evaluate` |" in told


def test_the_audit_in_depth_tells_what_it_computed_and_how_to_do_so_again(project):
    from flows.nightly_audit import nightly_audit

    state = nightly_audit(deep=True, sample=2, project=project, return_state=True)
    assert state.is_completed(), state.message
    told = artifact("audit").data
    assert "| `computed-anew` | `fbank@ast` |" in told
    assert "`breathline audit verify --deep --sample 2 --seed " in told


def test_the_audit_waits_for_no_run_and_needs_one_that_has_ended(tmp_path):
    from flows.nightly_audit import nightly_audit
    from flows.processes.run_lock import exclusive_run

    folder = toy.make(tmp_path)
    with pytest.raises(BreathlineError, match="Nothing has run here"):
        nightly_audit(project=folder)
    with exclusive_run(folder), pytest.raises(BreathlineError, match="in progress in this project"):
        nightly_audit(project=folder)
