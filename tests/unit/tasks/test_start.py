"""Packages that stages import at their start: those that the work needs. Each of them takes 0.3 to 3 s."""

import subprocess
import sys

import pytest

from tests import toy

HEAVY = {
    "torch", "torch._dynamo", "torchvision", "timm", "sklearn", "scipy.signal", "scipy.stats", "great_expectations",
    "dvc", "prefect",
}  # fmt: skip
LAUNCHER = "import cli.stage_launcher, lineage.recorder"


def loaded(statements):
    code = f"import sys\n{statements}\nprint(*{HEAVY} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=toy.ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.slow
def test_stages_without_networks_need_no_torch():
    assert loaded(f"{LAUNCHER}\nfrom tasks import download, external, extract, fbank, pool, report") == set()


@pytest.mark.slow
def test_a_training_without_folds_needs_torch_alone_before_its_network():
    assert loaded(f"{LAUNCHER}\nfrom tasks import soft_labels, train_teacher") == {"torch"}
