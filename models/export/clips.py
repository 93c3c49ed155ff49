"""Clips of several cycles at once, without control flow that depends on their lengths."""

import torch
from torch import Tensor

from models.frontends.base import FrontEnd
from models.frontends.clip import FADES_PER_SECOND, fade_out


def clips(front_end: FrontEnd, waveforms: Tensor, lengths: Tensor) -> Tensor:
    """Return the clips ``(batch, samples)`` of cycles, each equal to `FrontEnd.clip` of its cycle.

    Args:
        front_end: Front end, whose length, padding and fade apply.
        waveforms: Cycles ``(batch, time)`` at the front end's rate; what follows a cycle's length is not read.
        lengths: Number of samples of each cycle ``(batch,)``, from 1 to `time`.
    """
    samples = front_end.samples
    index = torch.arange(samples, device=waveforms.device)
    # A length of 0 would divide by zero, which ends the process in some runtimes; it counts as 1.
    own = lengths.clamp(min=1)[:, None]
    if front_end.pad == "zero":
        position = index - (samples - own).clamp(min=0) // 2
        inside = (position >= 0) & (position < own)
        clip = waveforms.gather(1, torch.where(inside, position, 0))
        return torch.where(inside, clip, 0.0)
    clip = waveforms.gather(1, index % own)
    if not front_end.fade:
        return clip
    ramp = min(front_end.sample_rate // FADES_PER_SECOND, samples)
    fade = torch.where(own <= samples, torch.from_numpy(fade_out(ramp)).to(waveforms.device), 1.0)
    return torch.cat([clip[:, : samples - ramp], clip[:, samples - ramp :] * fade], dim=1)
