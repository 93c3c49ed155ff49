"""Sections of maps and of sharpness: what they show, and that they are left out without results."""

import base64
import io
import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from models.explanation import cells
from tasks.reporting import media, page, spectrograms
from tasks.reporting.sections import maps, sharpness
from tests.recompute import svg_figures
from tests.unit.tasks.reporting import example, explained
from tests.unit.tasks.reporting.test_page import Page


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    example.write(folder := tmp_path_factory.mktemp("run"), explained.figures())
    found = example.results(folder)
    explained.write_maps(folder / "data/explanation/maps.parquet", found.cycles["cycle_id"].to_list()[:4])
    return found


@pytest.fixture(scope="module")
def blocks(run):
    """Return the blocks of the section of maps."""
    return maps.content(run)


@pytest.mark.slow
def test_the_tests_of_maps_have_their_intervals(blocks):
    table = next(block for block in blocks if block.kind == "table")
    assert table.columns == ["", "Layer-CAM", "integrated gradients"]
    assert table.rows[0] == ["deletion, less that of a random order", *["−0.20 (−0.30 to −0.10)"] * 2]
    assert table.rows[-1][1:] == ["–", "–"]
    assert "95 % intervals" in table.caption
    assert "the median error is 3.2% of it" in table.caption


def test_maps_of_an_abnormal_cycle_come_first_and_gallery_cycles_are_left_out(blocks):
    pictures = [block for block in blocks if block.kind == "picture" and "Maps of" in block.caption]
    assert [picture.title for picture in pictures] == [
        "student/1: 101_1b1_Al_sc_Meditron_001",
        "student/1: 101_1b1_Al_sc_Meditron_002",
        "student/1: 101_1b1_Al_sc_Meditron_000",
    ]
    assert "True class: crackle. Maps of the most probable class: wheeze." in pictures[0].caption
    assert pictures[0].svg.count("<svg") == 2
    assert 'aria-label="Layer-CAM of 101_1b1_Al_sc_Meditron_001 by student/1"' in pictures[0].svg


def test_sharpness_has_a_row_and_a_plane_for_each_model(run):
    blocks = sharpness.content(run)
    table = next(block for block in blocks if block.kind == "table")
    assert table.rows == [["student/1", "mn", "sam", "0.5", "12.3", "0.0456", "7"]]
    assert [block.title for block in blocks if block.kind == "picture"] == [
        "Loss along a random direction",
        "Loss on a plane of two random directions",
    ]


def test_the_ninth_curve_differs_from_the_first_by_its_dashes(run):
    (one,) = run.explanation["sharpness"]["models"].values()
    eight, nine = (sharpness.line({f"student/{seed}": one for seed in range(size)}) for size in (8, 9))
    assert nine.count("stroke-dasharray") > eight.count("stroke-dasharray")


def test_the_html_of_the_section(run, blocks):
    section = replace(maps.SECTION, content=lambda _run: blocks)
    assert Page(page._body("maps", section, run)).open == []


def test_sections_without_results_are_left_out(run):
    empty = replace(run)
    empty.__dict__["explanation"] = {"maps": {"models": {}}, "sharpness": {"models": {}}}
    assert maps.content(empty) == []
    assert sharpness.content(empty) == []


def test_a_map_marks_positive_values_only():
    colours = media.colours(np.array([[-1.0, 0.0], [1.0, 2.0]]))
    assert colours[..., 3].tolist() == [[0, 0], [media.OPAQUE / 2, media.OPAQUE]]
    assert media.colours(np.zeros((2, 2)))[..., 3].max() == 0


def test_the_axes_of_a_spectrogram_are_in_seconds_and_hertz():
    mel = np.random.default_rng(0).normal(size=(40, 16)).astype("f4")
    found = spectrograms.Map(np.ones((4, 2)), [0.05, 0.15, 0.25, 0.35], [90.0, 2100.0])
    svg = spectrograms.with_map(mel, found, "a method", "a label")
    assert svg == spectrograms.with_map(mel, found, "a method", "a label")
    for text in (">seconds<", ">Hz<", ">1,000<", ">0.4<", 'aria-label="a label"'):
        assert text in svg
    assert ">5,000<" not in svg


def test_a_mark_is_over_its_sound_where_the_last_row_is_short():
    """Of 251 frames in rows of ten, the last row has one frame; a burst fills the 25th row."""
    seconds = cells.centres(np.arange(0.5, 251) / 100, cells.FRAMES)
    mel, values = np.zeros((251, 16), "f4"), np.zeros((26, 2))
    mel[240:250, :8] = values[24, 1] = 1.0  # the sound at low frequencies, its mark at high ones
    found = spectrograms.Map(values, seconds.tolist(), [90.0, 2100.0])
    assert (*found.extent, found.end) == pytest.approx((0.0, 2.6, 2.51))
    (picture,) = re.findall(r"data:image/png;base64,\s*([^\"]*)", spectrograms.with_map(mel, found, "", ""))
    shades = np.array(Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")).astype(float)
    sound, mark = shades[..., 2].sum(0), (shades[..., 0] - shades[..., 2]).sum(0)
    middle, marked = (np.average(np.arange(len(one)), weights=one) / len(one) for one in (sound, mark))
    assert marked == pytest.approx(middle, abs=0.01)
    assert 2.51 * marked == pytest.approx(2.45, abs=0.02)


def test_the_end_of_a_clip_has_its_number():
    seconds = [float(one) for one in np.float32(np.arange(0.05, 2.5, 0.1))]
    svg = spectrograms.with_map(
        np.eye(250, 16, dtype="f4"), spectrograms.Map(np.ones((25, 2)), seconds, [90.0, 2100.0]), "", ""
    )
    assert ">2.5<" in svg


@pytest.mark.parametrize("loss", [1.4, 0.0, None])
def test_a_constant_or_undefined_loss_is_drawn_without_lines(loss):
    """As of a network in which hardly any weight matters."""
    assert "<svg" in sharpness.plane({"offsets": [-1, 0, 1], "losses": [[loss] * 3] * 3}, "student/1")


def test_labels_of_lines_of_equal_loss_are_whole_and_apart():
    """A label that the frame cuts off shows another number: 1.9 becomes 9."""
    offsets = [-0.25, -0.125, 0.0, 0.125, 0.25]
    losses = [[0.7 + 9 * (x - 0.05) ** 2 + 20 * (x + y) ** 2 for y in offsets] for x in offsets]
    svg = sharpness.plane({"offsets": offsets, "losses": losses}, "student/1")
    box = re.search(r'<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"', svg)
    left, top, size, also = map(float, box.groups())
    found = re.findall(r"font-size: 8px[^>]*(?:rotate\(\S+|translate\()\s?(\S+) (\S+)\)[^>]*>([\d.]+)", svg)
    places = np.array([(float(x) - left, float(y) - top) for x, y, _ in found])
    assert len(found) >= 4
    assert size == pytest.approx(also)
    assert ((places > 12) & (places < size - 12)).all()
    assert min(np.hypot(*(one - other)) for one, other in combinations(places, 2)) > 22


def test_labels_of_nearly_equal_losses_differ():
    assert list(sharpness.level_texts([1.3861, 1.38626, 1.387]).values()) == ["1.3861", "1.3863", "1.387"]
    assert list(sharpness.level_texts([0.7, 0.85, 1.9]).values()) == ["0.7", "0.85", "1.9"]


@pytest.mark.parametrize(("low", "high"), [(1.2, 1.35), (1.29, 26), (0.99, 1.01), (0.001, 1e5)])
def test_the_axis_of_the_loss_has_few_numbers(low, high):
    ticks = [tick for tick in sharpness.loss_ticks(low, high).tick_values(low, high) if low <= tick <= high]
    assert 3 <= len(ticks) <= 11


@pytest.mark.parametrize("losses", [[1.386401, 1.386405, 1.386412], [0.5, 1.0, 8.0]])
def test_the_numbers_at_the_axis_of_the_loss_are_exact(losses):
    svg = sharpness.line({"student/1": {"line": {"offsets": [-1, 0, 1], "losses": losses}}})
    figure = svg_figures.read("loss", svg, logarithmic=True)
    assert figure.error() < 1e-7
    assert [loss for _, loss in figure.drawn[0]] == pytest.approx(losses, rel=1e-7)
