"""Front end of the Audio Spectrogram Transformer (AST): Kaldi's fbank at 16 kHz.

Source: Gong et al., INTERSPEECH 2021 (arXiv 2104.01778), with the settings of Bae et al., INTERSPEECH 2023
(arXiv 2305.14032). The numbers are those of `torchaudio.compliance.kaldi.fbank`, several clips at a time.
"""

from torch import Tensor
from torch.nn import functional as F

from models.frontends.base import FrontEnd
from models.frontends.definitions import AST, Definition
from models.frontends.mel import MelEnergies

SAMPLE_RATE = 16_000  # Hz


class Ast(FrontEnd):
    """Log mel energies, 100 frames a second, normalised as AudioSet's for AST: (x - mean) / (2 sd)."""

    scale = AST.scale

    def __init__(self, samples: int, *, name: str = "ast", definition: Definition = AST) -> None:
        spectrum = definition.spectrum
        frames = definition.frames(samples)
        super().__init__(name, sample_rate=SAMPLE_RATE, samples=samples, frames=frames, mels=spectrum.mels)
        self.energies = MelEnergies(spectrum, SAMPLE_RATE)
        self.preemphasis = definition.preemphasis

    def features(self, clips: Tensor) -> Tensor:
        """Return the features (batch, frames, mels) float32 of float32 clips (batch, samples).

        Kaldi subtracts each frame's mean and then pre-emphasises the frame by itself. Here the clip is pre-emphasised
        once, and the remainder of each frame's mean is subtracted: the same numbers. Only the first sample of a frame
        would differ, since its predecessor lies outside the frame; the window is zero there.
        """
        window, share = self.energies.window, self.preemphasis
        clips = clips.to(window.dtype)
        clips = clips - clips.mean(dim=1, keepdim=True)  # a large offset would cost digits in the pre-emphasis
        means = clips.unfold(1, window.shape[0], self.energies.shift).mean(dim=2, keepdim=True)
        emphasised = F.pad(clips[:, 1:] - share * clips[:, :-1], (1, 0))
        return self.scale.values(self.energies(emphasised, (1 - share) * means)).float()


FRONT_END = Ast
