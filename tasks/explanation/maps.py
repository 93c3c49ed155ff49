"""Maps over the spectrograms of some test cycles, for one model: drawing, tests of the maps, and their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import torch
from torch import Tensor
from torch.optim.swa_utils import update_bn

from models import artifact
from models.explanation import cells, maps
from models.explanation.gradients import completeness_gaps
from models.explanation.settings import Method
from models.frontends.axes import Axes, axes
from models.frontends.clip import cycle_span
from models.frontends.registry import create as create_front_end
from models.heads import Heads
from models.networks.base import Network
from tasks.training.trained_networks import TrainedNetwork

AT_ONCE = 8  # cycles of one forward pass with gradients
SCHEMA = pa.schema(
    {
        **dict.fromkeys(("model", "cycle_id", "method", "target"), pa.string()),
        **dict.fromkeys(("frames", "bands"), pa.int32()),  # size of the map: cells along time and along frequency
        **dict.fromkeys(("values", "seconds", "hertz"), pa.list_(pa.float32())),
    }
)


@dataclass(frozen=True)
class Explained:
    """Some test cycles with their features and predictions by one network.

    Attributes:
        network: Network in evaluation mode on its device.
        features: Features ``(cycles, frames, mels)``.
        targets: Index ``(cycles,)`` of the predicted output of each cycle.
        outputs: Mask ``(cycles, outputs)`` of the outputs of the head that judges each cycle.
        baseline: Mean feature ``(mels,)`` of training cycles, in place of a sound.
        axes: Axes of the features.
        own: Mask ``(cycles, frames)`` of the frames of the cycle itself; the others repeat it, or are padding.
    """

    network: Network
    features: Tensor
    targets: Tensor
    outputs: Tensor
    baseline: Tensor
    axes: Axes
    own: Tensor

    def draw(self, method: Method, network: Network | None = None) -> Tensor:
        """Return the maps ``(cycles, frames, mels)`` of a method.

        Args:
            method: Method that fits the network.
            network: Network of the same architecture in place of the trained one.
        """
        judged = network or self.network
        return torch.cat(
            [
                maps.draw(method, judged, self.features[some], self.targets[some], self.baseline)
                for some in _parts(len(self.targets))
            ]
        )

    def completeness_gaps(self, maps: Tensor) -> Tensor:
        """Return the relative error ``(cycles,)`` of the sum of each integrated gradient."""
        return torch.cat(
            [
                completeness_gaps(self.network, maps[some], self.features[some], self.targets[some], self.baseline)
                for some in _parts(len(self.targets))
            ]
        )


def prepare(trained: TrainedNetwork, cycles: pl.DataFrame, baseline: Tensor, device: torch.device) -> Explained:
    """Return some test cycles with the predictions of a trained network.

    Args:
        trained: Trained network, with the rows of these cycles.
        cycles: Test cycles (`tasks.evaluation.cycles`).
        baseline: Mean feature ``(mels,)`` of training cycles.
        device: Device of the computation.
    """
    network = trained.network.to(device)
    features = trained.features.batch(trained.rows, device)
    with torch.no_grad():
        logits = torch.cat([network(features[some]) for some in _parts(len(features))])
    outputs = torch.ones_like(logits, dtype=torch.bool)
    if (heads := Heads.from_card(trained.card)) is not None:
        columns = dict(heads.columns())
        outputs[:] = False
        for row, corpus in enumerate(cycles["corpus"]):
            outputs[row, columns[corpus]] = True
    clips = trained.features.clip_settings
    found = axes(create_front_end(trained.features.frontend, **clips))
    return Explained(
        network=network,
        features=features,
        targets=logits.masked_fill(~outputs, -torch.inf).argmax(1),
        outputs=outputs,
        baseline=baseline.to(device),
        axes=found,
        own=torch.stack([own_frames(found, clips, duration) for duration in cycles["duration_s"]]).to(device),
    )


def own_frames(found: Axes, clips: Mapping[str, Any], duration_s: float) -> Tensor:
    """Return the mask ``(frames,)`` of the frames of a cycle itself; the others repeat it, or are padding.

    Args:
        found: Axes of the features.
        clips: Length and padding of the clips (`Features.clip_settings`).
        duration_s: Length of the cycle in seconds.
    """
    length, seconds = float(clips["duration_s"]), torch.from_numpy(found.seconds)
    start, end = (length * edge for edge in cycle_span(min(1.0, duration_s / length), clips["pad"]))
    if duration_s >= length and len(seconds) > 1:
        # The last frame of some front ends is centred on the end of the clip, so that its hop lies beyond.
        end += float(seconds[1] - seconds[0])
    return (seconds >= start) & (seconds < end)


def untrained(card: Mapping[str, Any], seed: int, like: Network, features: Tensor) -> Network:
    """Return a network of the same architecture with random weights, on the same device.

    Its BatchNorm layers have the statistics of some training cycles. With those of a new network, the maps would differ
    in scale from layer to layer, whatever the weights are.

    Args:
        card: Content of ``model.json``.
        seed: Random seed of the weights.
        like: Trained network.
        features: Features ``(cycles, frames, mels)`` of training cycles.
    """
    device = next(like.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = artifact.build(card).to(device).eval()
        update_bn([features], network, device)
    return network


def rows(
    model: str, cycles: Sequence[str], classes: Sequence[str], explained: Explained, drawn: Mapping[Method, Tensor]
) -> list[dict[str, Any]]:
    """Return the rows of the table of maps: a map of each cycle and method, as means over cells.

    Args:
        model: Name of the model.
        cycles: Ids of the cycles.
        classes: Names of the outputs.
        explained: The cycles.
        drawn: Maps ``(cycles, frames, mels)`` of each method.
    """
    seconds, hertz = (
        cells.centres(values, size)
        for values, size in ((explained.axes.seconds, cells.FRAMES), (explained.axes.hertz, cells.MELS))
    )
    return [
        {
            "model": model,
            "cycle_id": cycle,
            "method": method,
            "target": classes[target],
            "frames": len(seconds),
            "bands": len(hertz),
            "values": values,
            "seconds": seconds,
            "hertz": hertz,
        }
        for method, maps in drawn.items()
        for cycle, target, values in zip(
            cycles, explained.targets.tolist(), cells.mean(maps).flatten(1).cpu().numpy(), strict=True
        )
    ]


def table(found: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the table of maps, sorted by model, cycle and method."""
    ordered = sorted(found, key=lambda row: (row["model"], row["cycle_id"], row["method"]))
    return pa.Table.from_pylist([dict(row) for row in ordered], schema=SCHEMA)


def _parts(cycles: int) -> list[slice]:
    """Return slices of `AT_ONCE` cycles each."""
    return [slice(start, start + AT_ONCE) for start in range(0, cycles, AT_ONCE)]
