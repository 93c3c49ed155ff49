"""Costly commands of the documents, run in a shell as they are written there, in the project after `make demo`."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import soundfile

from tests import toy
from tests.documents import kinds, shell_blocks
from tests.pipeline import runs

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]  # `make demo` alone takes five minutes

ROOT = shell_blocks.ROOT
HERE = (*kinds.DEMO, *kinds.RUN, *kinds.MODEL)
PAGES = list(dict.fromkeys(one.page for one in shell_blocks.commands() if kinds.matching(HERE, one.text)))
README = "README.md"
AUDIO = Path("data/raw/demo/audio")
MADE = ("exported", "lungs", "lungs-hf")  # folders that several pages make; none may hold files before
SERVER = re.compile(r"breathline serve-model\b.*")
ENV = {**toy.ENV, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


def shell(folder: Path, line: str) -> str | None:
    """Run a command line by bash, and return what it printed if it fails."""
    command = ["bash", "-c", f"set -o pipefail\n{line}"]
    done = subprocess.run(
        command, cwd=folder, env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False,
    )  # fmt: skip
    expected = kinds.STATUS.get(line, 0)
    return None if done.returncode == expected else f"status {done.returncode}:\n{done.stdout}"


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    """Return a new clone after the commands of `make demo`, in the environment of this session."""
    folder = toy.checkout(ROOT, tmp_path_factory.mktemp("demo") / "project")
    runs.commit(folder, "the code")
    target = re.search(r"^demo: setup .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for line in target[1].splitlines():
        assert shell(folder, line.strip()) is None
    shutil.copytree(folder, folder.with_name("tutorial"), symlinks=True)
    return folder


@pytest.fixture(scope="module")
def tutorial(demo) -> Path:
    """Return the project as `make demo` left it, for the pages of the tutorial in their order."""
    return demo.with_name("tutorial")


@pytest.fixture(scope="module")
def prepared(demo) -> Path:
    """Return the clone with the recordings and the version of the student that the how-to pages name."""
    wavs = sorted((demo / AUDIO).glob("*.wav"))
    for name, wav in zip(("recording", "a", "ward/a", "ward/b", "night/c", "night/d"), wavs, strict=False):
        (demo / name).parent.mkdir(exist_ok=True)
        shutil.copy(wav, demo / f"{name}.wav")
        shutil.copy(wav.with_suffix(".txt"), demo / f"{name}.txt")
    soundfile.write(demo / "a.flac", *soundfile.read(demo / "a.wav"))
    assert shell(demo, "breathline registry promote --allow demo") is None
    return demo


@contextmanager
def server(folder: Path, line: str) -> Iterator[None]:
    """Run the command of a server until the block has ended, when Ctrl-C must end it."""
    port = int(found[1]) if (found := re.search(r"--port (\d+)", line)) else 8000
    with subprocess.Popen(shlex.split(line), cwd=folder, env=ENV, start_new_session=True) as process:
        try:
            while process.poll() is None and not _listens(port):
                time.sleep(0.2)
            assert process.poll() is None, f"{line} ended with status {process.returncode}"
            yield
        finally:
            os.killpg(process.pid, signal.SIGINT)
    assert process.returncode in (0, 130), line


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page(page, request):
    own = "demo" if page == README else "tutorial" if page.startswith("docs/tutorial/") else "prepared"
    folder = request.getfixturevalue(own)
    commands = [one.text for one in shell_blocks.commands() if one.page == page and kinds.matching(HERE, one.text)]
    for made in MADE:
        shutil.rmtree(folder / made, ignore_errors=True)
    failures, started = {}, set[str]()
    with ExitStack() as running:
        for command in commands:
            if SERVER.fullmatch(command):
                if command in started:
                    continue
                started.add(command)
                running.enter_context(server(folder, command))
            elif command != "make demo" and (failure := shell(folder, command)):
                failures[command] = failure
    assert not failures, "\n\n".join(f"{command}\n{failure}" for command, failure in failures.items())
