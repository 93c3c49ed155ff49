"""The recipe of the demo: a student smaller than its teachers, beside its own plain training."""

from pathlib import Path
from typing import Any

import pytest

from models.frontends.registry import create as create_frontend
from models.networks.registry import create
from tasks.runtime import params
from tasks.training import student as students
from tasks.training import teachers

ROOT = Path(__file__).parents[4]


@pytest.fixture(scope="module")
def demo() -> dict[str, Any]:
    """Return the committed params.yaml, which is the recipe `demo`."""
    return params.read(ROOT / "params.yaml")


def size(demo: dict[str, Any], network: Any) -> int:
    """Return the number of parameters of a network on clips of the demo."""
    frontend = create_frontend(network.frontend, **demo["frontends"][network.frontend])
    built = create(
        network.architecture,
        frames=frontend.frames,
        mels=frontend.mels,
        classes=4,
        options=network.options,
        weights=None,
    )
    return sum(parameter.numel() for parameter in built.parameters())


def test_the_student_is_smaller_than_every_teacher_and_learns_by_sam(demo):
    network, training = students.parse(demo["student"])
    known = teachers.read(demo)
    sizes = {name: size(demo, teacher) for name, teacher in known.items() if not teacher.baseline}
    assert len(sizes) >= 2
    assert size(demo, network) < 0.6 * min(sizes.values())
    assert (training.optimizer.name, training.objective.name) == ("sam", "soft_labels")
    assert demo["soft_labels"]["k"] == len(sizes), "all teachers label"


def test_a_baseline_of_each_seed_is_the_students_network_in_plain_training(demo):
    network, training = students.parse(demo["student"])
    found = {name: teachers.parse(demo, name) for name, one in teachers.read(demo).items() if one.baseline}
    assert [settings.seed for settings, _ in found.values()] == demo["student"]["seeds"]
    for settings, plain in found.values():
        assert settings.network() == network
        assert (plain.optimizer.name, plain.objective.name) == ("adamw", "cross_entropy")
        assert (plain.schedule, plain.sampler, plain.batch_size) == (
            training.schedule,
            training.sampler,
            training.batch_size,
        )
        assert plain.optimizer.lr == training.optimizer.lr
