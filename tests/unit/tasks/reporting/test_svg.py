"""Figures with names and numbers of lines that users choose."""

import re

import polars as pl
import pytest

from tasks.reporting.sections import training
from tasks.reporting.svg import PALETTE, drawing, line_of, side_by_side


def test_lines_differ_by_colour_or_dashes():
    styles = [(line["color"], line["linestyle"]) for line in (line_of(index, "x") for index in range(4 * len(PALETTE)))]
    assert len(set(styles)) == len(styles)


@pytest.mark.parametrize("name", ["$5 and $6", r"\frac{", "_hidden", "a < b & c", "é"])
def test_names_are_drawn_as_they_are(name):
    with drawing(4, 3, f"figure of {name}") as canvas:
        canvas.axes.plot([0, 1], [0, 1], **line_of(0, name))
        canvas.axes.legend()
        canvas.axes.set_xlabel(name)
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert canvas.svg.count(escaped) >= 3


def test_figures_beside_each_other_have_an_element_each_for_their_buttons():
    assert side_by_side(["<svg/>", "<svg/>"]).count("<div><svg/></div>") == 2


def test_numbers_of_an_axis_are_shown_in_full():
    with drawing(4, 3, "a loss that hardly changes") as canvas:
        canvas.axes.plot([1, 2], [1.38642, 1.387017])
    numbers = re.findall("<text[^>]*>([^<]*)</text>", canvas.svg)
    assert "1.3866" in numbers
    assert not [one for one in numbers if one.startswith("+")]


@pytest.mark.parametrize("models", [1, 5, 24])
def test_the_legend_of_curves_is_below_them_and_leaves_them_their_height(models):
    names = [f"teacher/{number}" for number in range(models)]
    history = pl.concat(pl.DataFrame({"model": name, "epoch": [1, 2], "train_loss": [2.0, 1.0]}) for name in names)
    svg = training._over_epochs(history, "train_loss", "training loss", "Training loss over epochs")
    top, height = map(float, re.search(r'<rect x="\S+" y="(\S+)" width="\S+" height="(\S+)"', svg).groups())
    places = re.findall(r'<text [^>]* y="(\S+)"[^>]*>teacher/', svg)
    assert len(places) == models
    assert min(map(float, places)) > top + height > 200
