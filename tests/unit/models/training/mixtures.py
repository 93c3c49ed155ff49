"""Small mixes by hand, and a tiny network with patches."""

import torch

from models.networks.ast import AST, ASTOptions
from models.networks.base import NetworkSpec
from models.training.contrastive import PatchMixContrastive
from models.training.objectives import CrossEntropy
from models.training.patchmix import Mix
from models.training.settings import PatchMixSettings

LABELS = torch.tensor([0, 1, 1, 3])


def mix(share: float = 0.25, partner: tuple[int, ...] = (1, 2, 0, 3), patches: int = 8) -> Mix:
    replaced = torch.arange(patches) >= round(share * patches)
    return Mix(lam=torch.tensor(share), perm=torch.tensor(partner), mask=replaced)


def network() -> AST:
    """Return an AST whose 48 frames and 48 mels make 3 × 3 patches."""
    torch.manual_seed(0)
    return AST(ASTOptions(size="tiny", depth=1, stride=16), NetworkSpec(frames=48, mels=48, classes=4)).eval()


def features() -> torch.Tensor:
    return torch.randn(4, 48, 48, generator=torch.Generator().manual_seed(1))


def contrastive(target: str, projection: int = 192, alpha: float = 1.0) -> PatchMixContrastive:
    torch.manual_seed(2)
    chosen = PatchMixSettings(target=target, projection=projection, alpha=alpha)
    return PatchMixContrastive(CrossEntropy(), chosen, 192)
