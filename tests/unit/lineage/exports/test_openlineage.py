"""OpenLineage events, read by the classes of its client that are generated from the specification."""

import importlib
import json
import pkgutil
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import attr
import pytest
from openlineage.client import generated
from openlineage.client.generated import base
from openlineage.client.transport import http_common

from lineage import events as log
from lineage import project
from lineage.exports import openlineage, openlineage_server
from tasks.runtime.errors import BreathlineError, TransientError

BASES = (base.RunFacet, base.JobFacet, base.DatasetFacet, base.InputDatasetFacet, base.OutputDatasetFacet)


def facet_classes():
    modules = (
        importlib.import_module(f"{generated.__name__}.{m.name}") for m in pkgutil.iter_modules(generated.__path__)
    )
    found = (one for module in modules for one in vars(module).values() if isinstance(one, type))
    return {one._get_schema(): one for one in found if issubclass(one, BASES)}


FACETS = facet_classes()


def read(event):
    """Return an event as the client understands it; what the standard does not know, or misses, is an error."""
    given = json.loads(json.dumps(event))
    assert given.pop("schemaURL") == base.RunEvent._get_schema()
    run, job = given.pop("run"), given.pop("job")
    return base.RunEvent(
        run=base.Run(run.pop("runId"), facets=facets(run.pop("facets")), **run),
        job=base.Job(facets=facets(job.pop("facets")), **job),
        inputs=[dataset(base.InputDataset, "inputFacets", one) for one in given.pop("inputs")],
        outputs=[dataset(base.OutputDataset, "outputFacets", one) for one in given.pop("outputs")],
        eventType=base.EventType(given.pop("eventType")),
        **given,
    )


def dataset(kind, of_role, given):
    return kind(facets=facets(given.pop("facets")), **{of_role: facets(given.pop(of_role))}, **given)


def facets(given):
    found = {}
    for name, facet in given.items():
        producer, kind = facet.pop("_producer"), FACETS[facet.pop("_schemaURL")]
        if kind in BASES:
            assert name.startswith("breathline_"), f"{name} is not the standard's, and must bear our prefix"
            found[name] = kind(producer=producer)
        else:
            found[name] = kind(producer=producer, **facet)
        attr.validate(found[name])
    return found


def test_every_event_follows_the_standard(made):
    events = openlineage.events(made)
    assert len(events) == 2 * len(made.stages)
    for event in events:
        attr.validate(read(event))


def test_the_reader_of_these_tests_refuses_unknown_fields(made):
    event = openlineage.events(made)[0]
    with pytest.raises(TypeError):
        read(event | {"colour": "red"})
    with pytest.raises(ValueError, match="UUID"):
        read(event | {"run": event["run"] | {"runId": "one"}})


def test_outs_of_a_stage_are_inputs_of_the_next_under_the_same_name_and_version(made):
    ended = {event["job"]["name"]: event for event in openlineage.events(made) if event["eventType"] == "COMPLETE"}

    def names(event, side):
        return {(one["name"], one["facets"]["version"]["datasetVersion"]) for one in event[side]}

    teachers = {one for name in ("t1", "t2", "t3") for one in names(ended[f"train_teacher@{name}"], "outputs")}
    assert teachers == {one for one in names(ended["soft_labels"], "inputs") if one[0].startswith("data/teachers")}
    everything = {one for event in ended.values() for one in names(event, "outputs")}
    assert all(names(event, "inputs") <= everything for event in ended.values())


def test_a_dataset_has_columns_content_and_size(made):
    ended = [event for event in openlineage.events(made) if event["eventType"] == "COMPLETE"]
    (cycles,) = (one for event in ended for one in event["outputs"] if one["name"] == "data/cycles/cycles.parquet")
    assert {"name": "start_s", "type": "double"} in cycles["facets"]["schema"]["fields"]
    file = made.root / "data/cycles/cycles.parquet"
    assert cycles["outputFacets"]["outputStatistics"]["size"] == file.stat().st_size
    assert len(cycles["facets"]["breathline_content"]["sha256"]) == 64


def test_a_failed_run_and_a_run_without_an_end_are_exported(copied):
    flow = "3f1e1a5e-8d3a-4c3e-9a53-1b8f1c1d2e3f"
    begun = {"event": "start", "stage": "evaluate", "user": "anna", "host": "small", "flow_run": flow}
    first = log.append(copied, begun | {"at": "2099-01-02T00:00:00.000+00:00"})
    failed = {"event": "end", "stage": "evaluate", "start": first, "status": "failed", "error": "OSError: disk full"}
    log.append(copied, failed | {"at": "2099-01-02T00:00:01.000+00:00"})
    log.append(copied, begun | {"at": "2099-01-02T00:00:02.000+00:00"})
    started, ended, alone = (event for event in openlineage.events(project.load(copied))[-3:])
    assert [started["eventType"], ended["eventType"], alone["eventType"]] == ["START", "FAIL", "START"]
    assert started["run"]["runId"] == ended["run"]["runId"] != alone["run"]["runId"]
    assert ended["run"]["facets"]["errorMessage"]["message"] == "OSError: disk full"
    assert ended["outputs"] == []
    assert read(started).run.facets["parent"].run["runId"] == flow
    read(ended)


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setitem(http_common.DEFAULT_RETRY_CONFIG, "backoff_factor", 0)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers.get("Authorization"), json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b"no such namespace")


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.got, server.status, server.url = [], 201, f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_events_reach_a_server_in_their_order_with_its_key_and_endpoint(server, made):
    events = openlineage.events(made)
    address = openlineage_server.send(events, {"OPENLINEAGE_URL": f"{server.url}/", "OPENLINEAGE_API_KEY": "secret"})
    assert address == f"{server.url}/api/v1/lineage"
    assert server.got == [("/api/v1/lineage", "Bearer secret", event) for event in events]
    openlineage_server.send([{}], {"OPENLINEAGE_URL": f"{server.url}/marquez", "OPENLINEAGE_ENDPOINT": "/lineage"})
    assert server.got[-1] == ("/marquez/lineage", None, {})


@pytest.mark.slow
@pytest.mark.parametrize(("status", "kind"), [(404, BreathlineError), (503, TransientError)])
def test_a_refusal_shows_the_answer(server, status, kind):
    server.status = status
    with pytest.raises(BreathlineError, match=f"{status} to event 1: no such namespace") as caught:
        openlineage_server.send([{"eventType": "START"}], {"OPENLINEAGE_URL": server.url})
    assert type(caught.value) is kind
    assert len(server.got) == (6 if kind is TransientError else 1)


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [("http://127.0.0.1:9", TransientError, "does not answer"), ("localhost", BreathlineError, "is invalid")],
)
def test_a_server_that_cannot_be_reached_is_an_error(url, kind, message):
    assert openlineage_server.send([{}], {}) is None
    with pytest.raises(BreathlineError, match=message) as caught:
        openlineage_server.send([{}], {"OPENLINEAGE_URL": url})
    assert type(caught.value) is kind
