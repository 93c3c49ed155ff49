"""Variables of torchrun: a training believes them as a whole or not at all, and waits for others for a limited time."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from tasks.runtime import launcher
from tasks.train_teacher import main
from tests.unit.tasks.trainings import contents

SLURM = {"SLURM_PROCID": "1", "SLURM_NTASKS": "2", "SLURM_LOCALID": "1"}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in launcher.VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def left_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, str], int]]:
    """Yield a function that sets the variables of torchrun as one of two processes that nobody starts."""
    with socket.socket() as held:  # nothing listens at its port, which the system gives to no other process
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the training may listen there
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]

        def leave(rank: int, timeout_s: str) -> int:
            names = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
            for name, value in (names | {"TORCHELASTIC_RUN_ID": "old", "BREATHLINE_JOIN_TIMEOUT_S": timeout_s}).items():
                monkeypatch.setenv(name, str(value))
            return port

        yield leave


@pytest.mark.parametrize(
    ("left", "note"),
    [
        pytest.param(
            {"RANK": "1", "WORLD_SIZE": "2"},
            "RANK=1, WORLD_SIZE=2 are set, but not LOCAL_RANK, MASTER_ADDR, ",
            id="RANK",
            marks=pytest.mark.slow,  # two trainings: 1 s each
        ),
        pytest.param({"WORLD_SIZE": "4"} | SLURM, "WORLD_SIZE=4 is set, but not RANK, ", id="WORLD_SIZE"),
        pytest.param(SLURM, "", id="SLURM", marks=pytest.mark.slow),
        pytest.param(
            {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "10.0.0.1"},
            "",
            id="one process",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_variables_that_are_left_over_do_not_change_a_training(project, monkeypatch, caplog, left, note):
    main("ast")
    undisturbed = contents(project / "data/teachers/ast")
    caplog.clear()
    for name, value in left.items():
        monkeypatch.setenv(name, value)
    main("ast")
    assert contents(project / "data/teachers/ast") == undisturbed
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert [warning.startswith(note) for warning in warnings] == ([True] if note else [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rank", "cause"),
    [
        (0, "The 2 processes of the training did not find each other within 1 s."),
        (1, "The first process of the training does not answer within 1 s at 127.0.0.1:{port}: Connection refused."),
    ],
)
def test_processes_that_nobody_starts_are_waited_for_only_for_a_while(project, left_over, capfd, rank, cause):
    port = left_over(rank, "1")
    began = time.monotonic()
    with pytest.raises(SystemExit):
        main("ast")
    assert time.monotonic() - began < 120
    shown = " ".join(capfd.readouterr().err.split())
    assert "frame #" not in shown
    cause = cause.format(port=port)
    assert f"{cause} where: RANK={rank}, LOCAL_RANK={rank}, WORLD_SIZE=2, MASTER_ADDR=127.0.0.1" in shown
    assert "next: start the training with torchrun, or `unset RANK LOCAL_RANK WORLD_SIZE" in shown


@pytest.mark.parametrize("given", ["0", "nan", "soon"])
def test_a_wrong_time_to_wait_is_named(project, left_over, capsys, given):
    left_over(0, given)
    with pytest.raises(SystemExit):
        main("ast")
    assert f"where: BREATHLINE_JOIN_TIMEOUT_S={given}" in capsys.readouterr().err
