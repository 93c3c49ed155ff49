"""Definitions of the front ends: spectra, mel filters and steps around them, without a library of tensors.

`models.frontends.array_front_end` computes them with numpy, and the modules of the front ends with torch.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

from models.frontends.scales import DECIBELS, KALDI_FLOOR, Scale

Convention = Literal["kaldi", "librosa"]


@dataclass(frozen=True, kw_only=True)
class MelSpectrum:
    """Constants of frames, their spectra, and mel filters.

    Attributes:
        mels: Number of filters.
        window: Length of a frame in samples.
        shift: Distance between two frames in samples.
        fft: Length of the Fourier transform in samples.
        low_hz: Lower end of the lowest filter in Hz.
        high_hz: Upper end of the highest filter in Hz; None for half of the sample rate.
        convention: Definition of window and filters. ``kaldi``: symmetric window, triangles in mels of height 1.
            ``librosa``: periodic window, triangles in Hz of area 1 on Slaney's mel scale.
        taper: Power of the Hann window; 0.85 gives Kaldi's own window, "povey".
        double: Whether spectra are computed in float64 instead of float32.
    """

    mels: int
    window: int
    shift: int
    fft: int
    low_hz: float
    high_hz: float | None = None
    convention: Convention = "kaldi"
    taper: float = 1.0
    double: bool = False


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Steps from a clip to its features.

    Attributes:
        spectrum: Frames, spectra and mel filters.
        scale: Scale from mel energies to features.
        preemphasis: Share of the previous sample that is subtracted from each sample; 0 for none.
        centred: Whether frames are centred on every `shift`-th sample of the signal, which is mirrored at both ends.
            Pre-emphasis then drops the first sample. Otherwise the first frame begins with the signal, and the mean of
            the clip and of each frame is subtracted, as Kaldi does.
        length: Number of samples to which clips are extended: by whole repetitions, then by silence. None for no
            extension.
        standardised: Whether the features of a clip are brought to mean 0 and standard deviation 1/2.
    """

    spectrum: MelSpectrum
    scale: Scale
    preemphasis: float = 0.0
    centred: bool = False
    length: int | None = None
    standardised: bool = False

    def frames(self, samples: int) -> int:
        """Return the number of frames of clips of some samples; less than 1 if the clips are too short."""
        spectrum = self.spectrum
        if not self.centred:
            return 1 + (samples - spectrum.window) // spectrum.shift
        known = samples - bool(self.preemphasis)
        return 1 + (self.length or known) // spectrum.shift if known > spectrum.window // 2 else 0


def require_frame(name: str, *, samples: int, sample_rate: int, frames: int) -> None:
    """Check that clips have a frame.

    Args:
        name: Name of the front end.
        samples: Length of a clip in samples.
        sample_rate: Sample rate in Hz.
        frames: Number of frames of a clip.

    Raises:
        ValueError: There is none.
    """
    if frames < 1:
        raise ValueError(f"front end {name}: {samples} samples at {sample_rate} Hz are shorter than one frame")


def require_length(name: str, definition: Definition, *, samples: int, sample_rate: int) -> None:
    """Check that clips are no longer than the input of the front end's network.

    Args:
        name: Name of the front end.
        definition: Definition of the front end.
        samples: Length of a clip in samples.
        sample_rate: Sample rate in Hz.

    Raises:
        ValueError: They are longer.
    """
    if definition.length is not None and samples > definition.length:
        most = f"{definition.length / sample_rate:g}"
        raise ValueError(
            f"front end {name} takes clips of at most {most} s, not of {samples / sample_rate:g} s; "
            f"set frontends.{name}.duration_s to {most} or less"
        )


AUDIOSET_MEAN, AUDIOSET_SD = -4.2677393, 4.5689974  # of AudioSet's log mel energies
SMALLEST_SD = 1e-4  # of AST's values in a clip; digital silence has a smaller one, which holds only rounding

# Windows of 25 ms, 100 frames a second.
AST = Definition(
    spectrum=MelSpectrum(mels=128, window=400, shift=160, fft=512, low_hz=20.0),
    scale=Scale(offset=-AUDIOSET_MEAN, divisor=2 * AUDIOSET_SD, floor=KALDI_FLOOR, added=False),
    preemphasis=0.97,
)
# Samples are read as from -2^15 to 2^15: energies are 2^30 times those of samples from -1 to 1. The floor is 1e-9 of
# AST's. In recordings of 4 kHz the upper mels hold only the rounding of the resampling, so energies are in float64.
BEATS = replace(
    AST,
    spectrum=replace(AST.spectrum, taper=0.85, double=True),
    scale=Scale(offset=30 * math.log(2) - 15.41663, divisor=2 * 6.55582, floor=KALDI_FLOOR * 2**-30, added=False),
)
FBANK = replace(AST, standardised=True)
EFFICIENTAT = Definition(
    spectrum=MelSpectrum(mels=128, window=800, shift=320, fft=1024, low_hz=0.0),
    scale=Scale(offset=4.5, divisor=5.0, floor=1e-5, added=True),
    preemphasis=0.97,
    centred=True,
)
PANNS = Definition(
    spectrum=MelSpectrum(
        mels=64, window=1024, shift=320, fft=1024, low_hz=50.0, high_hz=14_000.0, convention="librosa"
    ),
    scale=DECIBELS,
    centred=True,
)
CLAP_LENGTH = 480_000  # ten seconds, the length that the encoder was trained on
CLAP = replace(PANNS, spectrum=replace(PANNS.spectrum, shift=480), length=CLAP_LENGTH)

DEFINITIONS = {"ast": AST, "beats": BEATS, "clap": CLAP, "efficientat": EFFICIENTAT, "fbank": FBANK, "panns": PANNS}
