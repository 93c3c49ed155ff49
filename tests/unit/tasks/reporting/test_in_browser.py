"""Report in a headless browser: names of its controls, saved tables, and letters and colours that can be read."""

import csv
import io

import pytest

from tasks.reporting import page
from tests import browser
from tests.unit.tasks.reporting import example, explained

NAMES = "[...document.querySelectorAll('{}')].map(one => one.getAttribute('aria-label') || one.textContent)"
SAVED = """(() => {
  let saved;
  const made = URL.createObjectURL;
  URL.createObjectURL = (blob) => made.call(URL, saved = blob);
  document.querySelector('button[aria-label="NAME"]').click();
  URL.createObjectURL = made;
  return saved.text();
})()"""
SCROLLED = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
FOUR_FIGURES = """document.querySelectorAll('.side-by-side').forEach(
  (row) => [...row.children].forEach((one) => row.append(one.cloneNode(true))))"""
# Heights of the letters of all figures in pixels.
LETTERS = """[...document.querySelectorAll('figure svg')].filter(one => one.getBoundingClientRect().width).flatMap(
  one => [...one.querySelectorAll('text')].map(text => parseFloat(getComputedStyle(text).fontSize)
    * one.getBoundingClientRect().width / one.viewBox.baseVal.width))"""
# Contrast (WCAG 2) of the letters of a cell with all cycles of its row; a canvas turns any colour into its bytes.
CONTRAST = """[...document.querySelectorAll('.matrix td')].slice(0, 1).map((cell) => {
  cell.style.setProperty('--share', 1);
  const context = document.createElement('canvas').getContext('2d');
  const light = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => byte / 255);
    const [red, green, blue] = parts.map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  const small = getComputedStyle(cell.querySelector('small'));
  const [ink, ground] = [light(small.color), light(getComputedStyle(cell).backgroundColor)];
  return small.opacity * Math.max(ink / ground, ground / ink);
})[0]"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    example.write(folder := tmp_path_factory.mktemp("run"), explained.figures())
    found = example.results(folder)
    explained.write_maps(folder / "data/explanation/maps.parquet", found.cycles["cycle_id"].to_list()[:4])
    (folder / "report.html").write_text(page.render(found), encoding="utf-8")
    return folder / "report.html"


@pytest.mark.long  # a browser starts
@pytest.mark.parametrize(("width", "scheme", "least"), [(390, "dark", 9.0), (1280, "light", 10.5)])
def test_the_page_is_read_and_saved(path, width, scheme, least):
    with browser.page(width) as tab:
        tab.resize(900)
        tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        tab.call("Page.navigate", url=path.as_uri())
        tab.wait(path.as_uri())
        assert tab.value("document.documentElement.scrollWidth") == width
        assert width < 1000 or not tab.value(SCROLLED)
        for control in ("button", ".scroll[aria-label]"):
            names = tab.value(NAMES.format(control))
            assert len(names) > 5
            assert len(set(names)) == len(names)
        tab.value(FOUR_FIGURES)
        assert min(tab.value(LETTERS)) > least
        assert tab.value(CONTRAST) > 4.5
        # A hyphen, no minus sign: pandas and spreadsheets read the number.
        saved = tab.value(SAVED.replace("NAME", "CSV of student/1: tests of its maps, table 1"))
        first = list(csv.reader(io.StringIO(saved)))[1]
        assert first == ["deletion, less that of a random order", *["-0.20 (-0.30 to -0.10)"] * 2]
