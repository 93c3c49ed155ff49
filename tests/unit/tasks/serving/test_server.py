"""Server over HTTP with a model that needs no network: answers, addresses and refusals."""

import hashlib
import json

import httpx
import pytest

from tasks.prediction.results import CAUTION, ModelIdentity
from tasks.serving import answers
from tasks.serving.answers import Answer
from tests.unit.tasks.serving import fhir_r4, hostile, tiny
from tests.unit.tasks.serving.servers import LABEL, problem, running_server

SOUND = hostile.sound(2.5)


def test_a_form_and_a_body_get_the_same_answer(server):
    raw = server.post(SOUND)
    form = server.client.post("/predict", files={"file": ("../../etc/a b.wav", SOUND, "audio/x-whatever")})
    answers = [Answer.model_validate(response.raise_for_status().json()) for response in (raw, form)]
    assert answers[0].segments == answers[1].segments
    assert [(one.start_s, one.end_s) for one in answers[0].segments] == [(0, 1), (1, 2), (1.5, 2.5)]
    assert [answer.recording.name for answer in answers] == ["recording", "a b.wav"]
    assert answers[0].notice == CAUTION
    assert answers[0].request_id == raw.headers["x-request-id"]


@pytest.mark.parametrize("container", ["FLAC", "OGG", "MP3", "AIFF"])
def test_the_format_is_known_by_the_content_alone(server, container):
    response = server.post(hostile.sound(1.0, 8000, container), "application/octet-stream")
    assert response.raise_for_status().json()["recording"]["sample_rate"] == 8000


def test_each_decision_is_answered_with_its_reason(server):
    levels = (tiny.NORMAL, tiny.UNCERTAIN, tiny.CRACKLE, tiny.UNLIKE, tiny.SILENT)
    answer = server.post(tiny.sound(*levels)).raise_for_status().json()
    found = [(one["decision"], one["predicted"], one["classes"]) for one in answer["segments"]]
    assert found == [
        ("judged", "normal", ["normal"]),
        ("uncertain", "normal", ["normal", "crackle"]),
        ("judged", "crackle", ["crackle"]),
        ("unlike", "crackle", ["crackle"]),
        ("not_judged", None, []),
    ]
    for level, segment in zip(levels[:4], answer["segments"], strict=False):
        expected = dict(zip(tiny.CLASSES, level * tiny.SHARES[0] + [1 - level, 0, 0, 0], strict=True))
        assert segment["probabilities"] == pytest.approx(expected, abs=1e-4)
    assert answer["segments"][4]["note"].startswith("100% silence")
    assert answer["model"]["banner"] == tiny.BANNER
    assert answer["recording"]["summary"] == (
        "1 of 2 segments with a clear result is abnormal, at most 1.0 s in a row. 3 segments are open: normal or "
        "abnormal. 1 uncertain, 1 unlike anything the model learned from, 1 not judged."
    )
    assert (answer["recording"]["abnormal_share"], answer["recording"]["open"]) == (0.5, 3)


def test_an_annotation_gives_the_cycles(server):
    sound = ("a.wav", tiny.sound(tiny.NORMAL, tiny.CRACKLE))
    answers = [
        server.client.post("/predict", files={"file": sound, "annotation": (name, text)})
        for name, text in (
            ("../x.TXT", b"0.1\t0.9\t0\t0\n1.0\t1.8\t1\t0\n"),
            ("a.txt", b"nothing\n"),
            ("a.exe", b"0 1"),
            ("a.txt", b"0.1\t0.9\t0\t0\n" * 100_000),
        )
    ]
    found = [
        (one["start_s"], one["end_s"], one["predicted"]) for one in answers[0].raise_for_status().json()["segments"]
    ]
    assert found == [(0.1, 0.9, "normal"), (1.0, 1.8, "crackle")]
    assert "recording.txt beside the recording is no annotation" in problem(answers[1], 422).detail
    assert problem(answers[2], 422).detail == "The annotation a.exe is of an unknown format."
    assert problem(answers[3], 413).detail == "The annotation a.txt is larger than 1 MB."
    assert not list(server.folder.iterdir())


def test_a_silent_recording_is_not_judged(server):
    answer = server.post(tiny.sound(tiny.SILENT, tiny.SILENT)).raise_for_status().json()
    assert [(one["decision"], one["probabilities"]) for one in answer["segments"]] == [("not_judged", None)]
    assert answer["recording"]["summary"].startswith("Nothing is judged: 100% silence")
    assert answer["recording"]["abnormal_share"] is None


def test_fhir_is_asked_for_by_parameter_or_header(server):
    for path, accept in (("/predict?format=fhir", "*/*"), ("/predict", "application/fhir+json")):
        headers = {"Accept": accept, "Content-Type": "audio/wav"}
        response = server.client.post(path, content=SOUND, headers=headers).raise_for_status()
        assert response.headers["content-type"] == "application/fhir+json"
        fhir_r4.check(response.json())
        assert len(response.json()["entry"]) == 5  # recording, three segments, device


def test_the_openapi_document_describes_body_and_answers(server):
    document = server.client.get("/openapi.json").json()
    operation = document["paths"]["/predict"]["post"]
    assert set(operation["requestBody"]["content"]) == {"multipart/form-data", "audio/*", "application/octet-stream"}
    assert set(operation["responses"]) >= {
        *("200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503", "507")
    }
    assert list(operation["responses"]["413"]["content"]) == ["application/problem+json"]
    assert {"/model", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])


def test_states_and_model(server):
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready"}
    described = server.client.get("/model").json()
    assert (described["label"], described["classes"], described["notice"]) == (LABEL, tiny.CLASSES, CAUTION)
    assert described["card"]["sample_rate"] == tiny.RATE
    problem(server.client.get("/docs"), 404)
    problem(server.client.get("/predict"), 405)


def test_every_response_has_security_headers(server):
    for response in (server.client.get("/"), server.client.get("/nothing"), server.post(b"x"), server.post(SOUND)):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-store"
        assert not [name for name in response.headers if name.startswith("access-control-")]
        assert "server" not in response.headers


@pytest.mark.parametrize(
    ("content", "kind", "status", "words"),
    [
        (b"", "audio/wav", 422, ("0 bytes", "audio file")),
        (b"text" * 9, "audio/wav", 422, ("The recording recording ", "")),
        (SOUND[:-100], "audio/wav", 422, ("cut off", "")),
        (SOUND, "text/plain", 415, ("'text/plain' is not supported", "multipart/form-data")),
        (SOUND, "", 415, ("no content type", "audio/wav")),
        (SOUND, "multipart/form-data", 400, ("boundary", "`file`")),
        (hostile.form(SOUND, field="other"), hostile.FORM_TYPE, 422, ("no part `file`", "curl -F file=@a.wav")),
        (hostile.form(SOUND, ended=False), hostile.FORM_TYPE, 422, ("no part `file`", "curl")),
        (hostile.form(SOUND).replace(b"\r\n", b"\n"), hostile.FORM_TYPE, 400, ("", "`file`")),
        (bytes(2**21 + 1), "audio/wav", 413, ("larger than 2 MB", "shorter parts")),
        (hostile.sound(61), "audio/wav", 422, ("61 s", "")),
    ],
)
def test_refusals_say_what_is_wrong_and_what_to_do(server, content, kind, status, words):
    found = problem(server.post(content, kind), status)
    assert words[0] in found.detail
    assert words[1] in found.next
    assert str(server.folder) not in found.detail + found.next
    assert not list(server.folder.iterdir())


def test_metrics_count_requests_segments_and_seconds(tmp_path):
    with running_server(tmp_path) as server:
        server.post(SOUND)
        server.post(b"nothing")
        text = server.client.get("/metrics").text
        assert 'breathline_requests_total{route="/predict",status="200"} 1.0' in text
        assert 'breathline_requests_total{route="/predict",status="422"} 1.0' in text
        assert 'breathline_segments_total{decision="judged"} 3.0' in text
        assert "breathline_audio_seconds_total 2.5" in text
        assert f'breathline_model_info{{id="0123456789abcdef",label="{LABEL}"}} 1.0' in text


def test_each_prediction_is_logged_or_not_given_out(tmp_path):
    (tmp_path / "uploads").mkdir()
    log = tmp_path / "use.jsonl"
    with running_server(tmp_path / "uploads", use_log=log) as server:
        answer = server.client.post("/predict", files={"file": ("Erika.wav", SOUND)}).raise_for_status().json()
        entry = json.loads(log.read_text(encoding="utf-8"))
        assert entry["file_sha256"] == hashlib.sha256(SOUND).hexdigest()
        assert (entry["segments"], entry["model"], entry["user"]) == (3, LABEL, "server")
        assert entry["decisions"] == answer["recording"]["decisions"]
        assert "Erika" not in log.read_text(encoding="utf-8")
        problem(server.post(b"no sound"), 422)
        failed = json.loads(log.read_text(encoding="utf-8").splitlines()[1])
        assert failed["file_sha256"] == hashlib.sha256(b"no sound").hexdigest()
        assert (failed["seconds"], failed["decisions"], failed["model"]) == (None, {"not_judged": 1}, LABEL)
        log.unlink()
        log.mkdir()
        assert problem(server.post(SOUND), 507).detail == "The server cannot log the use of the model."


def test_a_defect_is_an_answer_and_the_server_stays_up(tmp_path, monkeypatch):
    with running_server(tmp_path) as server:
        monkeypatch.setattr(server.service, "_predictor", None)
        found = problem(server.post(SOUND), 500)
        assert found.detail == "This is a defect of Breathline."
        assert server.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("/home/erika/lungs/data/export/1, seed 1", "export/1, seed 1"),
        ("../../home/erika/lungs", "erika/lungs"),
        ("student@v1.0.0, seed 2", "student@v1.0.0, seed 2"),
        ("data/export/1", "data/export/1"),
    ],
)
def test_the_label_of_a_model_names_at_most_two_folders_outside_the_project(label, shown):
    given = ModelIdentity(label=label, id=None, banner=None, engine="onnx", labels="lungsound_4", classes=("normal",))
    assert answers.model(given).label == shown


@pytest.mark.parametrize("name", hostile.NAMES)
def test_the_name_of_a_file_is_a_label_and_no_path(server, name):
    answer = server.raw(hostile.request(hostile.form(SOUND, name), hostile.FORM_TYPE))
    assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    if answer.startswith(b"HTTP/1.1 200"):
        label = json.loads(answer.partition(b"\r\n\r\n")[2])["recording"]["name"]
        assert label
        assert label.isprintable()
        assert len(label) <= 80
        assert not set(label) & set("/\\")
    assert not list(server.folder.iterdir())


def test_connections_of_old_and_odd_clients(server):
    assert server.raw(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200")
    assert server.raw(b"\x16\x03\x01\x02\x00\x01\x00").startswith(b"HTTP/1.1 400")  # TLS
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for _ in range(3):  # one connection
            assert client.get("/healthz").status_code == 200
