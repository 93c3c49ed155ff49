"""The Python interface: models of folders, versions and the hub, and their typed results."""

import http.server
import json
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile

import breathline
from tasks.runtime.errors import BreathlineError
from tests import toy
from tests.unit.tasks import models_on_disk
from tests.unit.tasks.prediction import onnx_model

pytestmark = pytest.mark.slow  # half a second each
RATE = 8000
NOISE = np.random.default_rng(0).normal(0, 0.1, int(2.25 * RATE))


@pytest.fixture(scope="module")
def student(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    return models_on_disk.write(folder / "student" / "1").parent


def test_a_file_and_its_samples_have_equal_predictions(tmp_path, student, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", NOISE, RATE, subtype="FLOAT")
    model = breathline.load(student)
    assert (model.label, model.classes[0], model.banner) == (f"{student}, seed 1", "normal", None)
    assert model.card["architecture"] == "ast"
    assert "normal, crackle" in repr(model)
    found = model.predict("a.wav", patient="7")
    assert (found.recording, found.file, found.patient, found.sample_rate) == ("a", "a.wav", "7", RATE)
    assert isinstance(found, breathline.Prediction)
    assert isinstance(found.segments[0], breathline.Segment)
    again = model.predict(NOISE.astype(np.float32), RATE)
    assert [one.judgement for one in again.segments] == [one.judgement for one in found.segments]
    assert found.summary.segments == 3
    assert len(model.predict("a.wav", windows=(1.0, 0.25)).segments) == 6
    assert len(model.predict("a.wav", windows="1,75%").segments) == 6
    assert [len(model.predict("a.wav", windows=one).segments) for one in (0.5, [1, 0.25])] == [5, 6]
    precise = model.predict("a.wav", windows=(1.0, 0.123456789)).segments[1]
    assert precise.start_s == 0.123456789
    with pytest.raises(BreathlineError, match="describes no windows"):
        model.predict("a.wav", windows=(1, 2, 3))
    with pytest.raises(BreathlineError, match=r"44100\.5 Hz is no whole number"):
        model.predict(NOISE, 44100.5)
    assert len(model.predict("a.wav", whole=True).segments) == 1
    with pytest.raises(BreathlineError, match=r"sample rate of the samples is missing"):
        model.predict(NOISE)


def test_tables_of_pandas_and_polars_have_the_rows(student):
    found = breathline.load(student).predict(NOISE, RATE)
    pandas, polars = found.to_pandas(), found.to_polars()
    assert list(pandas.columns) == polars.columns == list(next(found.rows()))
    assert polars["p_wheeze"].to_list() == pandas["p_wheeze"].to_list()
    assert polars.height == 3
    assert [str(polars[name].dtype) for name in ("patient", "p_both", "distance", "sample_rate")] == [
        "String",
        "Float32",
        "Float64",
        "Int64",
    ]


def test_embeddings_and_maps_belong_to_the_segments(student):
    model = breathline.load(student)
    found, embedded, explained = model.predict(NOISE, RATE), model.embed(NOISE, RATE), model.explain(NOISE, RATE)
    assert embedded.values.shape == (3, 192)
    assert embedded.start_s == tuple(one.start_s for one in found.segments)
    assert [one.predicted for one in explained] == [one.predicted for one in found.segments]
    first = explained[0]
    assert first.method == "gradient_attention"
    assert first.values.shape == (len(first.seconds), len(first.hertz))
    assert (first.values.max(), explained[-1].start_s) == (1, 1.25)
    assert 0 < first.seconds[0] < first.seconds[-1] < 1


def test_an_export_is_loaded_with_its_banner(tmp_path):
    model = breathline.load(onnx_model.write(tmp_path))
    assert "learned from generated sounds" in model.banner
    assert model.predict(NOISE, RATE).model.engine == "onnx"


def test_what_is_no_model_is_refused_with_the_ways_to_name_one(tmp_path, monkeypatch, student):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BreathlineError, match=r"no folder of a model(.|\n)*project=FOLDER"):
        breathline.load("student@v1.0.0")
    with pytest.raises(BreathlineError, match=r"no model of seed 3(.|\n)*seeds: 1"):
        breathline.load(student, seed=3)
    with pytest.raises(BreathlineError, match=r"no repository of the hub(.|\n)*hf:owner/name"):
        breathline.load("hf:owner")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = breathline.nothing


class Hub(http.server.BaseHTTPRequestHandler):
    """Hugging Face hub with one repository, whose files are those of `folder`."""

    folder: Path
    commit = "c" * 40

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts[:4] == ["api", "models", "owner", "name"]:
            found = {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in self.folder.rglob("*.*")}
            files = [{"type": "file", "path": name, "size": size, "oid": name} for name, size in found.items()]
            whole = {"id": "owner/name", "sha": self.commit, "siblings": [{"rfilename": name} for name in found]}
            self.send(json.dumps(files if "tree" in parts else whole).encode())
        elif parts[:2] == ["owner", "name"] and (path := self.folder.joinpath(*parts[4:])).is_file():
            self.send(path.read_bytes(), name=path.name)
        else:
            self.send(b"{}", status=404)

    do_HEAD = do_GET  # noqa: N815 - as the library names it

    def send(self, content: bytes, status: int = 200, name: str = "") -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        headers = {"Content-Length": len(content), "ETag": f'"{name}{len(content)}"', "X-Repo-Commit": self.commit}
        for key, value in headers.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_a_repository_of_the_hub_is_fetched_and_predicts(tmp_path):
    Hub.folder = onnx_model.write(tmp_path / "export")
    (Hub.folder / "README.md").write_text("not fetched")
    code = """
import breathline, numpy, pathlib
model = breathline.load("hf:owner/name@main")
rows = model.predict(numpy.random.default_rng(0).normal(0, 0.1, 16000), 16000).segments
print(model.label, len(rows), sorted(path.name for path in model.folder.iterdir()))
breathline.load("hf:owner/missing")
"""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        done = run(code, tmp_path, tmp_path, HF_ENDPOINT=address, HF_HOME=str(tmp_path / "hub"))
        server.shutdown()
    assert done.stdout.strip() == "hf:owner/name@main 1 ['model.json', 'model.onnx']", done.stderr
    assert "tasks.runtime.errors.BreathlineError: " in done.stderr
    assert "  where: owner/missing\n  next:  correct the name" in done.stderr


def run(code: str, cwd: Path, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    env = toy.ENV | {"PYTHONPATH": str(path)} | variables
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", ["models", "tasks"])
@pytest.mark.parametrize("code", ["import breathline", "from cli.start import main; main()"])
def test_a_foreign_package_of_the_same_name_is_named(tmp_path, name, code):
    (tmp_path / "foreign" / name).mkdir(parents=True)
    (tmp_path / "foreign" / name / "__init__.py").write_text("raise SystemExit('foreign code ran')\n")
    done = run(code, tmp_path, tmp_path / "foreign")
    assert done.returncode == 1
    message = done.stderr.strip().splitlines()[-1]
    assert f"finds the package `{name}` in {tmp_path / 'foreign' / name}" in message
    assert "PYTHONPATH" in message
    assert ("Traceback" in done.stderr) == (code == "import breathline")


def test_the_import_is_light(tmp_path):
    code = "import breathline, sys, json; print(json.dumps([*{'numpy', 'torch', 'typer'} & set(sys.modules)]))"
    assert json.loads(run(code, tmp_path, tmp_path).stdout) == []
