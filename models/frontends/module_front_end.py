"""Front ends of torch behind the interface of `ArrayFrontEnd`, for those that have no definition for numpy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.frontends.base import FrontEnd
from models.frontends.clip import cut_or_pad


class ModuleFrontEnd:
    """Front end from clips of one length to normalised features; its attributes are those of the module."""

    def __init__(self, module: FrontEnd) -> None:
        """Take over the module's attributes.

        Args:
            module: Front end of torch.
        """
        self.name, self.sample_rate, self.samples = module.name, module.sample_rate, module.samples
        self.frames, self.mels, self.pad, self.fade = module.frames, module.mels, module.pad, module.fade
        self._module = module

    def clip(self, waveform: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the clip (samples,) of a cycle of any length at `sample_rate`."""
        return cut_or_pad(waveform, samples=self.samples, sample_rate=self.sample_rate, pad=self.pad, fade=self.fade)

    def __call__(self, clip: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Return the features (frames, mels) of a clip (samples,).

        It sets torch to one thread, because there is one worker for each core.
        """
        torch.set_num_threads(1)
        with torch.inference_mode():
            return np.asarray(self._module(torch.from_numpy(clip).unsqueeze(0))[0].numpy())
