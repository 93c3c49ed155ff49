"""Batches of segments of several requests."""

import threading

import numpy as np
import pytest

from tasks.prediction.engines.base import Outputs
from tasks.serving.batching import BATCH, Batcher, Ticket
from tasks.serving.problems import RequestError
from tests.waiting import wait_until


class Engine:
    """Engine whose outputs are the first sample of each waveform; it waits for `release` before its first run."""

    def __init__(self):
        self.runs, self.release, self.begun = [], threading.Event(), threading.Event()

    def run(self, waveforms, offsets):
        self.begun.set()
        self.release.wait(60)
        self.runs.append((len(waveforms), None if offsets is None else len(offsets)))
        if any(one[0] < 0 for one in waveforms):
            raise ValueError("a negative sample")
        rows = np.array([[one[0]] for one in waveforms])
        return Outputs(rows, np.zeros(len(rows), int), rows)


class Observed(Batcher):
    def waiting(self):
        """Return the number of requests that wait for the end of a run."""
        return self._jobs.qsize()


@pytest.fixture
def engine():
    return Engine()


@pytest.fixture
def batcher(engine):
    found = Observed(engine.run)
    yield found
    engine.release.set()
    found.close()
    assert not found.is_alive()


def ask(batcher, values, results, key, *, offsets=None, timeout_s=60):
    try:
        waveforms = [np.array([value], np.float32) for value in values]
        results[key] = batcher.run(waveforms, offsets, Ticket(timeout_s)).probabilities[:, 0].tolist()
    except Exception as error:
        results[key] = error


def at_once(batcher, engine, requests):
    """Send the requests while the engine is busy with another, and return their results."""
    results = {}
    threads = [threading.Thread(target=ask, args=(batcher, [99], results, "first"))]
    threads[0].start()
    engine.begun.wait(60)
    for key, values, *offsets in requests:
        options = {"offsets": offsets[0] if offsets else None}
        threads.append(threading.Thread(target=ask, args=(batcher, values, results, key), kwargs=options))
        threads[-1].start()
        wait_until(lambda: batcher.waiting() == len(threads) - 1)  # in this order
    engine.release.set()
    for thread in threads:
        thread.join(60)
    assert results.pop("first") == [99]
    return results


def test_requests_at_once_share_a_run_and_get_their_own_rows(batcher, engine):
    results = at_once(batcher, engine, [("a", [1, 2]), ("b", [3]), ("c", [4, 5, 6])])
    assert results == {"a": [1, 2], "b": [3], "c": [4, 5, 6]}
    assert engine.runs == [(1, None), (6, None)]


def test_a_run_has_a_largest_number_of_segments(batcher, engine):
    results = at_once(batcher, engine, [("a", [1] * (BATCH - 1)), ("b", [2, 2]), ("c", [3] * (2 * BATCH)), ("d", [4])])
    assert {key: len(values) for key, values in results.items()} == {"a": BATCH - 1, "b": 2, "c": 2 * BATCH, "d": 1}
    assert [count for count, _ in engine.runs] == [1, BATCH - 1, 2, 2 * BATCH, 1]


def test_requests_with_and_without_offsets_do_not_share_a_run(batcher, engine):
    rows = np.zeros((1, 4))
    at_once(batcher, engine, [("a", [1]), ("b", [2], rows), ("c", [3], rows), ("d", [4])])
    assert engine.runs == [(1, None), (1, None), (2, 2), (1, None)]


def test_only_the_faulty_request_of_a_run_fails(batcher, engine):
    results = at_once(batcher, engine, [("a", [1]), ("b", [-1]), ("c", [3])])
    assert (results["a"], results["c"]) == ([1], [3])
    assert isinstance(results["b"], ValueError)


def test_a_request_whose_time_is_over_is_left_out(batcher, engine):
    results = {}
    first = threading.Thread(target=ask, args=(batcher, [99], results, "first"))
    first.start()
    engine.begun.wait(60)
    ask(batcher, [1, 2, 3], results, "late", timeout_s=0.05)
    assert isinstance(results["late"], RequestError)
    assert results["late"].status == 503
    engine.release.set()
    first.join(60)
    ask(batcher, [4], results, "next")
    assert results["next"] == [4]
    assert [count for count, _ in engine.runs] == [1, 1]


def test_a_request_that_is_cancelled_while_it_waits_ends_at_once(batcher, engine):
    results, ticket = {}, Ticket(60)

    def wait():
        try:
            batcher.run([np.ones(1, np.float32)], None, ticket)
        except RequestError as error:
            results["cancelled"] = error.status

    threads = [threading.Thread(target=ask, args=(batcher, [99], results, "first")), threading.Thread(target=wait)]
    threads[0].start()
    engine.begun.wait(60)
    threads[1].start()
    wait_until(batcher.waiting)
    ticket.cancelled.set()
    engine.release.set()
    for thread in threads:
        thread.join(60)
    assert results == {"first": [99], "cancelled": 503}
    assert [count for count, _ in engine.runs] == [1]


def test_a_cancelled_request_is_not_run(batcher, engine):
    engine.release.set()
    ticket = Ticket(10)
    ticket.cancelled.set()
    with pytest.raises(RequestError):
        batcher.run([np.zeros(1, np.float32)], None, ticket)
    assert engine.runs == []
