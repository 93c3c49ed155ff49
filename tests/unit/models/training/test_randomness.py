"""Seeds of positions in a training."""

import torch

from models.training.randomness import derive_seed, generator


def test_every_position_has_its_own_constant_seed():
    places = [(use, epoch, step) for use in ("order", "step", "network") for epoch in range(9) for step in range(9)]
    seeds = [derive_seed(seed, *place) for seed in (0, 1) for place in places]
    assert len(set(seeds)) == len(seeds)
    assert seeds[5] == derive_seed(0, *places[5])
    firsts = torch.tensor([torch.rand((), generator=generator(0, *place)) for place in places])
    assert abs(float(firsts.mean()) - 0.5) < 0.1, "neighbouring positions are independent"
    assert abs(float(torch.corrcoef(torch.stack([firsts[1:], firsts[:-1]]))[0, 1])) < 0.2
