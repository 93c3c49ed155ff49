"""A stand-in of Kaggle and of the Hugging Face hub on loopback: as much of their APIs as the libraries ask for.

Kaggle's requests are POSTs of JSON to `/v1/datasets.DatasetApiService/<call>`; an archive is a redirect to an address
with a signature. The hub lists a dataset below `/api/datasets/`, and redirects large files to such an address.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.unit.tasks.sources.server import Handler, Server, good, serving

DATASET = "vbookshelf/respiratory-sound-database"
LARGE = (".wav", ".zip")  # files that the hub stores with Git LFS
SECRETS = ("signature-secret", "token-secret")
COMMIT, NEXT = "a" * 40, "b" * 40


class Host(Handler):
    """Requests of both APIs; `server.files` holds contents by path, and `server.script` answers by their last part."""

    signatures = count()

    @property
    def where(self) -> str:
        return unquote(urlsplit(self.path).path).strip("/")

    @property
    def content(self) -> bytes | None:
        return self.server.files.get(self.where)

    def respond(self) -> None:
        name = self.where.rpartition("/")[2]
        self.server.asked.append((self.where, self.headers.get("Range")))
        if self.where.startswith("storage/"):
            assert self.headers["Authorization"] is None, "the token went to another server"
        else:
            assert self.headers["Authorization"] in self.server.tokens
        script = self.server.script[name]
        (script.pop(0) if script else Host.serve)(self)

    def serve(self) -> None:
        parts = self.where.split("/")
        if self.where == "v1/datasets.DatasetApiService/GetDataset":
            versions = self.server.versions.get(f"{self.body['ownerSlug']}/{self.body['datasetSlug']}")
            self.say(200, {"currentVersionNumber": max(versions)}) if versions else self.fail(404)
        elif self.where == "v1/datasets.DatasetApiService/DownloadDataset":
            versions = self.server.versions.get(f"{self.body['ownerSlug']}/{self.body['datasetSlug']}", {})
            content = versions.get(self.body["datasetVersionNumber"])
            self.redirect("archive.zip", content) if content else self.fail(404)
        elif self.where.startswith("api/datasets/"):
            self.describe("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        elif self.where.startswith("datasets/"):
            content = self.server.commits[parts[4]].get("/".join(parts[5:]))
            if content is None:
                self.fail(404)
            elif parts[-1].endswith(LARGE):
                self.redirect(hashlib.sha256(content).hexdigest(), content)
            else:
                self.server.files[self.where] = content
                good(self)
        else:
            good(self)

    def describe(self, dataset: str, revision: str) -> None:
        """Send commit and files of a dataset, as the hub does for `blobs=True`."""
        commit = self.server.branches.get(revision, revision)
        if dataset != DATASET:
            self.answer(401, b"{}", X_Error_Code="RepoNotFound", X_Error_Message="Repository not found")
        elif commit not in self.server.commits:
            self.answer(404, b"{}", X_Error_Code="RevisionNotFound")
        else:
            listed = [described(name, content) for name, content in self.server.commits[commit].items()]
            self.say(200, {"id": dataset, "sha": commit, "siblings": listed})

    def redirect(self, name: str, content: bytes) -> None:
        """Lead to the content on another host, below an address with another signature each time."""
        self.server.files[f"storage/{name}"] = content
        signed = f"X-Goog-Signature={SECRETS[0]}{next(self.signatures)}"
        self.answer(302, Location=f"http://localhost:{self.server.server_port}/storage/{name}?{signed}")

    def say(self, code: int, about: object) -> None:
        self.answer(code, json.dumps(about).encode(), Content_Type="application/json")

    def fail(self, code: int) -> None:
        self.say(code, {"code": code, "message": "no"})


def described(name: str, content: bytes) -> dict[str, object]:
    """Return what the hub tells of a file."""
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    about: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
    if name.endswith(LARGE):
        about["lfs"] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "pointerSize": 134}
    return about


@contextmanager
def stand_in(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Server]:
    """Let both libraries ask a server on loopback, with empty caches and credentials of a test."""
    from huggingface_hub import constants

    with serving(handler=Host) as server:
        server.versions, server.commits, server.branches = {}, {}, {"main": COMMIT}
        server.tokens = {f"Bearer {SECRETS[1]}"}
        url = server.url().rstrip("/")
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
        monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(home / "harnesses.json"), raising=False)
        for name, value in {
            "NO_PROXY": "127.0.0.1",
            "HOME": str(home),
            "KAGGLEHUB_CACHE": str(home / "kagglehub"),
            "HF_TOKEN": SECRETS[1],
            "KAGGLE_API_TOKEN": SECRETS[1],
        }.items():
            monkeypatch.setenv(name, value)
        use_kaggle(monkeypatch, url)
        yield server


def use_kaggle(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Let kagglehub, if it is installed, ask this address."""
    try:
        from kagglesdk import kaggle_env
    except ImportError:
        return
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, url)
