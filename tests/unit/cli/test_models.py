import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text
from ruamel.yaml import YAML
from typer.testing import CliRunner

from cli import models
from cli.main import app
from models import published_sizes
from models.networks.registry import architectures, variants
from tasks.parameters import judge
from tasks.pretrained.settings import WeightsSettings
from tasks.runtime import params
from tasks.runtime.errors import BreathlineError

ROOT = Path(__file__).parents[3]
VARIANTS = variants()


def test_parameters_equal_the_publication_except_for_input_and_head():
    # torchvision's 11,689,512, with 4 classes in place of 1000, and one colour in place of three
    assert published_sizes.count_parameters(VARIANTS["resnet18"]) == 11_689_512 - 513 * 1000 + 513 * 4 - 2 * 64 * 7 * 7
    # BatchNorm of 64 mels, four blocks of one 5 × 5 convolution with its BatchNorm, two linear layers
    blocks = sum(25 * a * b + 2 * b for a, b in ((1, 64), (64, 128), (128, 256), (256, 512)))
    assert published_sizes.count_parameters(VARIANTS["cnn6"]) == 2 * 64 + blocks + 513 * 512 + 513 * 4


@pytest.mark.parametrize("name", VARIANTS)
def test_the_snippet_fits_the_settings_of_the_stages(name):
    variant = VARIANTS[name]
    pasted = YAML(typ="safe").load(models.snippet(models.find_row(name)))
    student = pasted["student"]
    assert (student["architecture"], student["options"]) == (variant.architecture, dict(variant.options))
    assert student["frontend"] in pasted["frontends"]
    settings = params.parse(WeightsSettings, pasted["weights"][student["weights"]], "weights")
    assert settings.source == next((weights.source for weights in variant.weights.values()), "none")
    whole = params.merge(params.read(ROOT / "params.yaml"), pasted, whole=["student.options"])
    assert list(judge.find(whole)) == []


@pytest.mark.parametrize("name", [*(name for name in architectures() if name != "timm/"), "timm/resnet18"])
def test_every_option_is_explained(name):
    described = models.options(models.find_row(name))
    assert described
    assert all(len(option["meaning"]) > 5 for option in described)


def test_weights_of_timm_are_found_for_a_network_that_is_not_listed():
    published = models.resolve("timm/convnext_atto").weights
    assert {weights.source for weights in published.values()} == {"timm:convnext_atto.d2_in1k"}
    assert list(models.resolve("timm/resnet18.tv_in1k").weights) == ["resnet18_imagenet"]


@pytest.mark.parametrize(("name", "hint"), [("resnet19", "one of .*resnet18"), ("timm/resnet18x", "others: .*resnet")])
def test_an_unknown_name_is_an_error_that_names_others(name, hint):
    with pytest.raises(BreathlineError, match=hint):
        models.find_row(name)


def test_the_list_needs_no_torch():
    program = (
        "import sys; from cli.main import app; app(['models'], standalone_mode=False); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.slow  # creates every network: 3 s
def test_the_table_is_that_of_the_networks():
    assert published_sizes.FILE.read_text() == published_sizes.text(), "run `python -m models.published_sizes`"


def test_without_an_extra_the_list_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    done = CliRunner().invoke(app, ["models", "--json"])
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert list(rows) == list(VARIANTS)
    assert rows["clap"]["parameters"] is None
    assert "'.[clap]'" in rows["clap"]["missing"]
    assert all(row["parameters"] > 0 for name, row in rows.items() if name != "clap")
    assert rows["mn04"]["weights"][0]["licence"] == "mit"
    assert "'.[clap]'" in Text.from_markup(models._count(rows["clap"])).plain, "brackets are no markup"


def test_one_model_is_shown_with_its_options_and_its_snippet():
    done = CliRunner().invoke(app, ["models", "mn04"])
    assert done.exit_code == 0, done.output
    assert "Multiplier of the channels" in done.stdout
    pasted = YAML(typ="safe").load(done.stdout.partition("for params.yaml\n")[2])
    assert pasted["student"]["options"] == {"width": 0.4}
    assert pasted["weights"]["mn04_as"]["source"].endswith("mn04_as_mAP_432.pt"), "long lines are whole"


@pytest.mark.parametrize("terminal", [True, False])
def test_sources_of_weights_are_in_the_list_where_a_line_is_long_enough(terminal):
    console = Console(force_terminal=terminal, width=80 if terminal else 500, file=StringIO())
    models._show_all(console, list(published_sizes.read().values()))
    printed = console.file.getvalue()
    assert "ssast_frame_base" in printed
    assert ("https://zenodo.org/record/3987831/files/Cnn6_mAP%3D0.343.pth" in printed) != terminal
    assert ("://" in printed) != terminal
