"""Template with which pages of `dvc plots` need no internet."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest
from dvc_render.html import render_html
from dvc_render.vega import VegaRenderer

from tests import toy


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("offline_plots", toy.ROOT / "docs/offline_plots.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_a_page_of_dvc_holds_the_libraries_and_loads_none(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", toy.ENV["PATH"])
    toy.make(tmp_path)
    bundle = "window.vegaEmbed = 'a </script> in a text';"
    monkeypatch.setitem(sys.modules, "vl_convert", SimpleNamespace(javascript_bundle=lambda _: bundle))
    script.main()
    assert toy.call(tmp_path, "dvc", "config", "plots.html_template").strip() == "tmp/plots.html"
    rows = [{"x": 1, "y": 2, "rev": "workspace"}]
    plot = VegaRenderer(rows, "a.csv", template="linear", x="x", y="y")
    page = render_html([plot], tmp_path / "out/index.html", tmp_path / ".dvc/tmp/plots.html").read_text()
    assert "window.vegaEmbed = 'a <\\/script> in a text';" in page
    assert "vegaEmbed('#a_csv', spec)" in page
    assert "cdn" not in page
    assert "<script src" not in page
    assert toy.call(tmp_path, "git", "status", "--short", ".dvc/tmp") == ""


def test_without_the_package_the_next_step_is_told(script, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(SystemExit, match="pip install vl-convert-python"):
        script.main()
