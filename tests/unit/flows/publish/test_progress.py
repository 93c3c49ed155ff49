import pytest

from flows.publish import progress
from flows.publish.progress import Progress


def line(done, epochs):
    return f"[11:19:02] INFO     epoch {done}/{epochs}  loss 0.5{done}  val Score 41.0 strict"


def test_epochs_are_reported_with_pauses_and_the_last_one_always(monkeypatch):
    clock, shown = [0.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    training = Progress(lambda percent, words: shown.append((percent, words)))
    for done in range(1, 11):
        training.feed("train_teacher: 412 cycles")
        training.feed(line(done, 10))
        clock[0] += 0.4 * progress.PAUSE_S
    training.end()
    assert [percent for percent, _ in shown] == [10, 40, 70, 100]
    assert shown[-1][1] == "epoch 10 of 10: loss 0.510 val Score 41.0 strict"


def test_a_training_that_stops_early_ends_at_100_percent():
    shown = []
    training = Progress(lambda percent, words: shown.append((percent, words)))
    training.feed(line(1, 10))
    training.feed(line(2, 10))
    training.end()
    assert [percent for percent, _ in shown] == [10, 100]
    assert shown[-1][1].startswith("stopped early: epoch 2 of 10")


def test_a_stage_without_epochs_reports_nothing():
    stage = Progress(pytest.fail)
    stage.feed("Running stage 'extract':")
    stage.end()
