"""Image for serving alone: its packages are pinned and enough, and its Dockerfile keeps the rules."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.lint.audit import pinned
from tests.unit.tasks.serving import tiny
from tests.unit.tasks.serving.processes import ROOT, served

LOCK = ROOT / "deploy/serve-requirements.lock"
DOCKERFILE = (ROOT / "deploy/serve.Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
# Only packages of the lock can be imported, as in the image. Of others, `used` is told.
BLOCKER = """
import sys
from importlib.machinery import PathFinder
from importlib.metadata import packages_distributions
def plain(names):
    return {name.lower().replace("_", "-").replace(".", "-") for name in names}
allowed = {top for top, owners in packages_distributions().items() if plain(owners) & plain(NAMES)}
class Image:
    def find_spec(self, name, path=None, target=None):
        found = PathFinder.find_spec(name, path) if path is None else None
        places = [found.origin or "", *(found.submodule_search_locations or [])] if found else []
        if any("site-packages" in place for place in places) and name not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r} in the image", name=name)
        return None
sys.meta_path.insert(0, Image())
"""


def test_the_lock_is_a_part_of_that_of_the_project():
    own, whole = (pinned(path.read_text(encoding="utf-8")) for path in (LOCK, ROOT / "requirements.lock"))
    assert set(own) <= set(whole)
    named = (ROOT / "deploy/serve-requirements.in").read_text(encoding="utf-8").split("\n")
    assert {line for line in named if line and line[0] != "#"} <= {name for name, _ in own}
    assert not {name for name, _ in own} & {"torch", "dvc", "prefect", "polars", "pandas", "scipy", "pyarrow"}


@pytest.mark.slow
def test_the_server_imports_nothing_that_the_image_lacks(tmp_path):
    """Serve a model with an engine, a page, metrics and FHIR, while other packages cannot be imported."""
    names = [name for name, _ in pinned(LOCK.read_text(encoding="utf-8"))]
    program = f"NAMES = {names}\n{BLOCKER}\nfrom cli.serve_model import main; main()"
    model = tiny.write(tmp_path / "model")
    with served(tmp_path, [sys.executable, "-c", program, str(model), "--port", "0"]) as server:
        check(server)


@pytest.mark.long
def test_an_environment_of_the_lock_alone_serves(tmp_path):
    uv = (str(Path(sys.executable).with_name("uv")), "--quiet")
    subprocess.run([*uv, "venv", "--python", sys.executable, tmp_path / "venv"], check=True)
    python = str(tmp_path / "venv/bin/python")
    sync = [*uv, "pip", "sync", "--python", python, "--require-hashes", "--only-binary", ":all:", str(LOCK)]
    done = subprocess.run(sync, capture_output=True, text=True, check=False)
    if "error sending request" in done.stderr:
        pytest.skip("no network to the registry of packages")
    assert done.returncode == 0, done.stderr
    model = tiny.write(tmp_path / "model")
    with served(tmp_path, [python, "-m", "cli.serve_model", str(model), "--port", "0"]) as server:
        check(server)


def check(server):
    """Check that a server predicts by an engine, and has its page, metrics and FHIR."""
    with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as client:
        content = tiny.sound(tiny.NORMAL, tiny.CRACKLE)
        headers = {"Content-Type": "audio/wav"}
        answer = client.post("/predict", content=content, headers=headers).raise_for_status().json()
        assert [one["predicted"] for one in answer["segments"]] == ["normal", "crackle"]
        client.post("/predict?format=fhir", files={"file": ("a.wav", content)}).raise_for_status()
        for path in ("/", "/metrics", "/model", "/openapi.json"):
            client.get(path).raise_for_status()
        refused = client.post("/predict", content=content[:-10], headers=headers)
        assert refused.status_code == 422
    assert '"event": "defect"' not in server.log.read_text(encoding="utf-8")


def test_the_blocker_refuses_another_package():
    code = f"NAMES = ['numpy']\n{BLOCKER}\nimport numpy, json\nimport polars"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "No module named 'polars' in the image" in done.stderr


def test_the_dockerfile_keeps_the_rules():
    lines = [line for line in DOCKERFILE.splitlines() if line and not line.startswith("#")]
    given = {line.split()[0]: line for line in lines}
    assert re.fullmatch(r"FROM [\w./-]+:[\w.-]*\d[\w.-]*", given["FROM"])  # a version
    assert "ADD" not in given
    assert re.search(r"pip install [^&]*--require-hashes", given["RUN"] + DOCKERFILE)
    assert given["USER"].split()[1] not in ("root", "0", "0:0")
    assert lines.index(given["USER"]) > max(lines.index(line) for line in lines if line.startswith("RUN"))
    assert "/readyz" in given["HEALTHCHECK"]
    for name in ("ENTRYPOINT", "CMD"):  # without a shell, so that signals reach the server
        assert isinstance(json.loads(given[name].partition(" ")[2]), list)
    ignored = (ROOT / "deploy/serve.Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[1] == "*"
    for line in lines:
        if line.startswith("COPY"):
            source = line.split()[1]
            assert (ROOT / source).exists()
            assert f"!{source}" in ignored


@pytest.mark.slow
def test_the_image_starts_as_its_entrypoint_says(tmp_path):
    found = dict(re.findall(r"^(ENTRYPOINT|CMD) (.*)$", DOCKERFILE, flags=re.MULTILINE))
    entry, arguments = json.loads(found["ENTRYPOINT"]), json.loads(found["CMD"])
    env = {name: value for name, value in os.environ.items() if name != "BREATHLINE_SERVE_TOKEN"}
    env["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, *entry[1:], *arguments]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert "A server on 0.0.0.0 can be reached by other machines, and there is no token." in done.stderr
    assert Path(entry[0]).name == "python"
