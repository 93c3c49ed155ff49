"""Options of all networks, and those of each architecture, read from its source: importing this needs no torch.

A module that sets ``ARCHITECTURES`` as a mapping of ``"name": Architecture(OptionsClass, NetworkClass, …)`` has the
class of options in the same file. Such a class uses the modules of `LIGHT` only, so it can be built by itself.
"""

import ast
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Interval, Len

from models import networks
from models.discovery import assigned

TIMM = "timm/"  # prefix of the architectures that timm builds
# Modules that a class of options may use.
LIGHT = {__name__, "annotated_types", "collections.abc", "dataclasses", "typing"}
PATCHES = "PatchNetwork"  # base class of the networks with patches

Depth = Annotated[int, Interval(ge=1, le=1000)]  # number of blocks
Rate = Annotated[float, Interval(ge=0, lt=1)]  # rate of a dropout
Side = Annotated[int, Interval(ge=1, le=1024)]
Stride = Side | Annotated[Sequence[Side], Len(2, 2)]  # of patches: one for mels and frames, or one for each


@dataclass(frozen=True, kw_only=True)
class PoolingOptions:
    """Pooling of overlapping windows of a clip, each of which passes the network by itself.

    Attributes:
        windows: ``attention``: weighted mean of the windows' embeddings, with learned weights; ``mean``: plain mean.
        window_s: Length of a window in seconds, shorter than the clip.
        hop_s: Largest distance in seconds from one window to the next. It is lowered so that the last window ends with
            the clip.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    windows: Literal["attention", "mean"] = "attention"
    window_s: Annotated[float, Interval(ge=0.1, le=120)] = 2.0
    hop_s: Annotated[float, Interval(ge=0.05, le=120)] = 1.0

    def __post_init__(self) -> None:
        if self.hop_s > self.window_s:
            raise ValueError(f"hop_s: at most window_s, which is {self.window_s}, so that no frame is left out")


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Options of all networks.

    Attributes:
        pooling: Pooling of overlapping windows of the clip, such as ``{windows: attention, window_s: 2, hop_s: 1}``
            (docs/reference/models.md); null: the network takes the clip as a whole.
    """

    pooling: PoolingOptions | None = None


@dataclass(frozen=True)
class Declaration:
    """Declaration of an architecture.

    Attributes:
        options: Frozen dataclass of its options.
        patches: Whether its network has patches.
    """

    options: type[Any]
    patches: bool


def declarations() -> dict[str, Declaration]:
    """Return the declaration of each architecture by name; ``timm/`` stands for all of timm."""
    return _declarations(tuple(networks.__path__))


@cache
def _declarations(folders: tuple[str, ...]) -> dict[str, Declaration]:
    found: dict[str, tuple[type[Any], str]] = {}
    bases: dict[str, set[str]] = {}
    for module, value in assigned(networks, "ARCHITECTURES").items():
        tree = _tree(folders, module)
        namespace = _light_namespace(tree, module)
        for name, call in _entries(value):
            options, network = call.args[:2]
            found[name] = namespace[ast.unparse(options)], ast.unparse(network)
        bases |= {node.name: set(map(ast.unparse, node.bases)) for node in tree.body if isinstance(node, ast.ClassDef)}

    def has_patches(network: str) -> bool:
        return network == PATCHES or any(map(has_patches, bases.get(network, ())))

    return {name: Declaration(options, has_patches(network)) for name, (options, network) in found.items()}


def missing_library(architecture: str, library: str) -> str:
    """Return the message on a missing library of a network, which is in the extra of the architecture's name.

    Args:
        architecture: Name of the architecture.
        library: Name of the module that its network imports.
    """
    return f"The architecture {architecture} needs the library {library}: `pip install -e '.[{architecture}]'`."


def _entries(value: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    """Yield name and declaration of each architecture in the expression of an ``ARCHITECTURES``."""
    if isinstance(value, ast.Dict):
        for key, call in zip(value.keys, value.values, strict=True):
            if isinstance(call, ast.Call):
                yield str(key.value) if isinstance(key, ast.Constant) else TIMM, call


def _light_namespace(tree: ast.Module, module: str) -> dict[str, Any]:
    """Return the imports of light modules, the literal constants and the dataclasses of a module."""
    namespace: dict[str, Any] = {"__name__": f"{networks.__name__}.{module}"}
    for node in tree.body:
        light = isinstance(node, ast.ImportFrom) and node.module in LIGHT
        if isinstance(node, ast.ClassDef):
            light = any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list)
        elif isinstance(node, ast.Assign):
            with suppress(ValueError):
                ast.literal_eval(node.value)
                light = True
        if light:
            exec(compile(ast.Module([node], []), module, "exec"), namespace)  # noqa: S102 - the project's own source
    return namespace


def _tree(folders: Iterable[str], module: str) -> ast.Module:
    files = (Path(folder) / f"{module}.py" for folder in folders)
    return ast.parse(next(file for file in files if file.is_file()).read_text(encoding="utf-8"))
