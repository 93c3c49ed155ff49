"""Screenshots of Prefect's UI, whose server has another port than the UI believes."""

import importlib
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests import browser, toy

pytestmark = pytest.mark.long  # a server of its own takes 20 s


@pytest.fixture
def ui(tmp_path):
    """Yield the address of a server that was given its port by an option alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in toy.ENV.items() if not name.startswith("PREFECT_")}
    env |= {"PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            while server.poll() is None and not answers(address):
                time.sleep(0.3)
            assert server.poll() is None, (tmp_path / "log").read_text()
            yield address
        finally:
            server.terminate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


def test_the_ui_of_a_server_on_any_port_shows_its_data(ui, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(toy.ROOT / "docs")
    screenshots = importlib.import_module("screenshots")
    own = httpx.get(f"{ui}/ui-settings").json()
    assert own["api_url"] != f"{ui}/api", "the UI knows its port, so that this test shows nothing"
    httpx.post(f"{ui}/api/flows/", json={"name": "flow-of-the-test"}).raise_for_status()
    with browser.page(1440) as tab:
        tab.reply("/ui-settings", screenshots.settings(ui))
        tab.save(f"{ui}/v2/flows", tmp_path / "flows.png")
        assert "flow-of-the-test" in tab.value("document.body.innerText")
    assert (tmp_path / "flows.png").stat().st_size > 10_000
