"""The contract of all front ends, and the registration of a new one."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from models import frontends
from models.frontends.registry import create, create_array, sample_rates

NAMES = sorted(sample_rates())
NEW = """
from models.frontends.base import FrontEnd

SAMPLE_RATE = 8_000


class Blocks(FrontEnd):
    def __init__(self, samples):
        super().__init__("blocks", sample_rate=SAMPLE_RATE, samples=samples, frames=samples // 80, mels=80)

    def features(self, clips):
        return clips.reshape(len(clips), self.frames, self.mels)


FRONT_END = Blocks
"""


@pytest.mark.parametrize("name", NAMES)
def test_a_front_end_matches_its_declaration(name):
    front_end = create(name, 0.5)
    assert (front_end.name, front_end.sample_rate) == (name, sample_rates()[name])
    clip = front_end.clip(torch.ones(7))
    assert front_end(clip.expand(3, -1)).shape == (3, front_end.frames, front_end.mels)


@pytest.mark.parametrize("name", NAMES)
def test_clips_are_padded_and_faded_by_the_settings(name):
    cycle = torch.ones(7)
    faded, plain, zeros = create(name, 0.5), create(name, 0.5, fade=False), create(name, 0.5, pad="zero")
    assert faded.clip(cycle)[-1] == 0
    assert plain.clip(cycle).eq(1).all()
    assert zeros.clip(cycle).sum() == 7


@pytest.mark.parametrize("name", NAMES)
def test_clips_of_another_length_or_shorter_than_a_frame_are_refused(name):
    with pytest.raises(ValueError, match="cut and pad"):
        create(name, 0.5)(torch.ones(2, 100))
    with pytest.raises(ValueError, match="shorter than one frame"):
        create(name, 0.01)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="`mfcc`; there are: ast, beats, clap, efficientat, fbank, panns"):
        create("mfcc", 8.0)


def test_one_new_file_is_a_new_front_end(tmp_path, monkeypatch):
    (tmp_path / "blocks.py").write_text(NEW)
    monkeypatch.setattr(frontends, "__path__", [*frontends.__path__, str(tmp_path)])
    assert sample_rates() == {"blocks": 8_000} | {name: sample_rates()[name] for name in NAMES}
    front_end = create("blocks", 0.5)
    assert front_end(torch.ones(2, 4_000)).shape == (2, 50, 80)
    arrays = create_array("blocks", 0.5)
    assert arrays(arrays.clip(np.ones(7, np.float32))).shape == (50, 80)


def test_sample_rates_need_no_torch():
    code = (
        "import sys; from models.frontends import registry; registry.sample_rates(); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
