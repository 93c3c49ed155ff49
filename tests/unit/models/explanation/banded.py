"""Networks whose maps are known: one that uses a single band of mel bins, and a transformer that sees one patch."""

import torch
from torch import Tensor, nn

from models.networks.ast import AST, ASTOptions
from models.networks.base import Network, NetworkSpec

FRAMES, MELS = 40, 32
BAND = slice(8, 16)  # mel bins that the first network depends on


class Banded(Network):
    """Level of one band: convolution of single values, ReLU, the mean over the band, and a head of two classes."""

    map_axes = ("frames", "mels")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU())
        self.num_features = 4
        self.head = nn.Linear(4, 2)
        with torch.no_grad():
            self.body[0].weight.fill_(1.0)
            self.body[0].bias.zero_()
            self.head.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 4))
            self.head.bias.zero_()

    def embed(self, features: Tensor) -> Tensor:
        maps: Tensor = self.body(features.unsqueeze(1))
        return maps[..., BAND].mean((2, 3))


def loud(cycles: int = 3) -> Tensor:
    """Return features of which every value is above the baseline of zeros."""
    return torch.rand(cycles, FRAMES, MELS, generator=torch.Generator().manual_seed(1)) + 0.5


def one_patch(*, seen: int, depth: int = 2, pool: str = "token") -> AST:
    """Return an AST on a grid of 2 × 3 patches of 16 × 16 whose tokens all attend to one patch, and change nothing.

    Each head compares a constant query with a key that only the positional embedding of the seen patch has.
    """
    options = ASTOptions(size="tiny", depth=depth, stride=16, distilled=False, pool=pool)  # type: ignore[arg-type]
    network = AST(options, NetworkSpec(frames=48, mels=32, classes=2)).eval()
    with torch.no_grad():
        for parameter in network.vit.parameters():
            parameter.zero_()
        network.vit.pos_embed[0, 1 + seen, 0] = 1.0
        for block in network.vit.blocks:
            block.norm1 = nn.Identity()
            for head in range(3):
                block.attn.qkv.bias[64 * head] = 800.0  # queries
                block.attn.qkv.weight[192 + 64 * head, 0] = 1.0  # keys; values stay zero
    return network
