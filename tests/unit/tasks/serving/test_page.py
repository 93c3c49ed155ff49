"""Web page of the server in a headless browser: a file, the microphone, keyboard, names for screen readers, phone."""

import time

import pytest

from models import artifact
from tests import browser
from tests.unit.models.export import cards
from tests.unit.tasks.serving import hostile, tiny
from tests.unit.tasks.serving.servers import LABEL, running_server

ROWS = "[...document.querySelectorAll('#rows tr')].map(row => row.innerText.replaceAll(/\\s+/g, ' ').trim())"
# Errors of scripts and what the content security policy has blocked, from the start of a page on.
WATCH = """window.faults = [];
addEventListener('error', event => faults.push(String(event.message)), true);
addEventListener('unhandledrejection', event => faults.push(String(event.reason)));
document.addEventListener('securitypolicyviolation', event => faults.push(event.violatedDirective));"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("serve"), max_bytes=2**20) as found:
        yield found


@pytest.fixture(scope="module")
def microphone(tmp_path_factory):
    path = tmp_path_factory.mktemp("microphone") / "sound.wav"
    path.write_bytes(hostile.sound(3.0, 48000))
    return path


@pytest.fixture(scope="module")
def tab(microphone):
    options = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with browser.page(390, *options, f"--use-file-for-fake-audio-capture={microphone}") as found:
        found.resize(844)
        found.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        yield found


def open_page(tab, server):
    tab.call("Page.navigate", url=f"http://127.0.0.1:{server.port}/")
    wait_until(tab, "document.readyState === 'complete' && document.querySelector('#drop')")


def wait_until(tab, expression, seconds=60):
    end = time.monotonic() + seconds
    while not tab.value(f"Boolean({expression})"):
        assert time.monotonic() < end, (expression, tab.value("document.body.innerText"))
        time.sleep(0.05)


def choose(tab, path):
    root = tab.call("DOM.getDocument")["root"]["nodeId"]
    node = tab.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
    tab.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)
    wait_until(tab, "!document.querySelector('#result').hidden || !document.querySelector('#error').hidden")


def press(tab, key):
    options = {"key": key, "code": key, "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13}[key]}
    text = {"text": "\r"} if key == "Enter" else {}
    tab.call("Input.dispatchKeyEvent", type="keyDown", **options, **text)
    tab.call("Input.dispatchKeyEvent", type="keyUp", **options)


@pytest.mark.slow  # 5 s: a browser starts
def test_a_file_is_predicted_drawn_and_listed(tab, server, tmp_path):
    (tmp_path / "a.wav").write_bytes(tiny.sound(tiny.NORMAL, tiny.UNCERTAIN, tiny.UNLIKE, tiny.SILENT))
    open_page(tab, server)
    assert tiny.BANNER in tab.value("document.querySelector('.banner').innerText")
    assert "For research only" in tab.value("document.querySelector('.banner').innerText")
    choose(tab, tmp_path / "a.wav")
    rows = tab.value(ROWS)
    assert [row.rpartition(" s ")[2] for row in rows] == [
        "normal 90 %",
        "uncertain normal or crackle 40 %",
        "crackle unlike anything the model learned from: distance 9.5, limit 9 57 %",
        "not judged 100% silence, or constant values –",
    ]
    colours = tab.value("""['wave', 'lanes', 'spectrogram'].map(id => { const plot = document.getElementById(id);
      const data = plot.getContext('2d').getImageData(0, 0, plot.width, plot.height).data;
      return new Set(new Uint32Array(data.buffer)).size; })""")
    assert colours[0] >= 2
    assert colours[1] >= 4
    assert colours[2] > 50
    assert tab.value("document.documentElement.scrollWidth") == 390  # nothing is wider than a phone
    assert tab.value("faults") == []


@pytest.mark.slow
def test_keyboard_and_names_for_screen_readers(tab, server, tmp_path):
    (tmp_path / "a.wav").write_bytes(tiny.sound(tiny.NORMAL, tiny.UNCERTAIN))
    open_page(tab, server)
    reached = []
    for _ in range(3):
        press(tab, "Tab")
        reached.append(tab.value("document.activeElement.id || document.activeElement.className"))
    assert reached == ["skip", "file", "record"]
    choose(tab, tmp_path / "a.wav")
    assert tab.value("document.activeElement.id") == "result"
    for _ in range(12):  # the parts of the player come first
        press(tab, "Tab")
        if tab.value("document.activeElement.closest('#rows') !== null"):
            break
    tab.value("player.play = async () => { window.from = player.currentTime; }")
    press(tab, "Enter")
    assert tab.value("document.querySelector('#rows tr').className") == "chosen"
    assert tab.value("window.from") == 0
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "textbox", "img", "image", "table", "link"}
    found = [(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node.get("ignored")]
    assert [node for node in found if node[0] in named and not node[1]] == []
    assert ("button", "Play 0.0–1.0 s: normal") in found
    assert any(name == "Segments: 0.0–1.0 s: normal; 1.0–2.0 s: uncertain, normal or crackle" for _, name in found)


@pytest.mark.slow
def test_the_microphone_is_recorded_and_predicted(tab, server):
    open_page(tab, server)
    begun = tab.value("performance.now()")
    tab.value("document.querySelector('#record').click()")
    wait_until(tab, "parseInt(document.querySelector('#recording').innerText) >= 1")
    assert tab.value("document.querySelector('#record').getAttribute('aria-pressed')") == "true"
    tab.value("document.querySelector('#record').click()")
    wait_until(tab, "!document.querySelector('#result').hidden")
    assert tab.value("state.answer.recording.sample_rate") >= 16000
    assert 0.3 < tab.value("state.answer.recording.seconds") < (tab.value("performance.now()") - begun) / 1000
    assert tab.value("Math.max(...state.samples)") > 0.05  # the noise of the file, not silence
    assert tab.value("faults") == []


@pytest.mark.slow
def test_a_refused_file_is_told_with_its_next_step(tab, server, tmp_path):
    (tmp_path / "b.wav").write_bytes(hostile.sound(4.0)[:-1000])
    (tmp_path / "big.wav").write_bytes(bytes(2**20 + 1))
    open_page(tab, server)
    for name, words in (("b.wav", "is cut off"), ("big.wav", "big.wav is larger than 1 MB.")):
        choose(tab, tmp_path / name)
        shown = tab.value("document.querySelector('#error').innerText")
        assert words in shown
        assert "Next: " in shown
        tab.value("document.querySelector('#error').hidden = true")


@pytest.mark.real
@pytest.mark.slow
def test_real_recordings_are_predicted_and_drawn(tab, tmp_path, real_icbhi):
    with running_server(tmp_path) as server:
        open_page(tab, server)
        for path in sorted((real_icbhi / "flac").glob("*.flac"))[::60]:
            tab.value("document.querySelector('#result').hidden = true")
            choose(tab, path)
            assert path.name in tab.value("document.querySelector('#heading').innerText")
            assert len(tab.value(ROWS)) >= 10
            assert tab.value("state.samples.length / 8000 - state.seconds") == pytest.approx(0, abs=0.1)
        assert tab.value("faults") == []


@pytest.mark.slow
def test_maps_are_drawn_over_the_spectrogram_and_can_be_hidden(tab, tmp_path):
    card, state = cards.model("efficientat", *cards.TINY["efficientat"])
    artifact.save(tmp_path / "model", {"val": state}, card)
    (tmp_path / "a.wav").write_bytes(tiny.sound(tiny.NORMAL, tiny.CRACKLE))
    orange = """(() => { const plot = document.getElementById('spectrogram');
      const data = plot.getContext('2d').getImageData(0, 0, plot.width, plot.height).data;
      let count = 0;
      for (let at = 0; at < data.length; at += 4) count += data[at] > 180 && data[at + 1] > 90 && data[at + 2] < 60;
      return count / (data.length / 4); })()"""
    with running_server(tmp_path, tmp_path / "model", engine="torch", maps=True) as server:
        open_page(tab, server)
        choose(tab, tmp_path / "a.wav")
        assert "orange: Layer-CAM" in tab.value("document.querySelector('#map-choice').innerText")
        shown = tab.value(orange)
        tab.value("document.querySelector('#map').click()")
        assert tab.value(orange) < shown / 4
        segments = tab.value("state.answer.segments.map(one => one.map.values.length)")
        assert min(segments) >= 9
        assert tab.value("faults") == []


@pytest.mark.slow
def test_a_server_with_a_token_asks_for_it(tab, tmp_path):
    (tmp_path / "a.wav").write_bytes(hostile.sound(1.0))
    with running_server(tmp_path, token="abc") as server:  # noqa: S106 - of this test
        open_page(tab, server)
        choose(tab, tmp_path / "a.wav")
        assert "needs a token" in tab.value("document.querySelector('#error').innerText")
        assert LABEL not in tab.value("document.body.innerText")
        typed = "token.value = 'abc'; token.dispatchEvent(new Event('change'))"
        tab.value(f"{{ const token = document.querySelector('#token'); {typed} }}")
        wait_until(tab, f"document.body.innerText.includes('{LABEL}')")
        assert tiny.BANNER in tab.value("document.querySelector('.banner').innerText")
        assert tab.value("document.querySelectorAll('#facts dd').length") > 1
        tab.value("document.querySelector('#error').hidden = true")
        choose(tab, tmp_path / "a.wav")
        assert len(tab.value(ROWS)) == 1
