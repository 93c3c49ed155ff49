"""Declarations of architectures: options, published sizes and published weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, get_args, get_type_hints

from models.networks.base import Network, NetworkSpec
from models.networks.options import NetworkOptions


@dataclass(frozen=True)
class Architecture:
    """Architecture as params.yaml names it."""

    options: type[NetworkOptions]  # frozen dataclass of its options; its docstring describes each of them
    build: Callable[[Any, NetworkSpec], Network]  # function that builds the network from options and sizes
    frontend: str  # front end of its publication, which `breathline models` proposes
    library: str | None = None  # module that it imports, if an extra brings it


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights, as ``weights.<name>`` of params.yaml declares them."""

    source: str  # a URL, `hf:<organisation>/<repository>/<file>` or `timm:<model>`
    sha256: str | None = None  # SHA-256 of the file; none if it is not publicly known
    licence: str  # licence given by the authors
    learned_from: str  # training data, and the published score on it
    layout: str = "authors"  # origin of the tensors' names: the authors, Hugging Face or timm


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Published size of an architecture."""

    architecture: str  # name of the architecture
    # options that give this size; all others have their defaults
    options: Mapping[str, Any] = field(default_factory=dict)
    # published weights of this size by name, the usual ones first
    weights: Mapping[str, Weights] = field(default_factory=dict)


def audioset(source: str, sha256: str | None, licence: str, precision: float, layout: str = "authors") -> Weights:
    """Return weights that were trained on AudioSet, with their mean average precision (mAP) on it.

    Args:
        source: URL, or name with the prefix `hf:` or `timm:`.
        sha256: SHA-256 of the file, if it is publicly known.
        licence: SPDX identifier of the licence in lower case.
        precision: mAP on AudioSet, 0 to 1.
        layout: Layout of the tensors' names, as in `Weights`.
    """
    learned_from = f"AudioSet, {precision:.3f} mAP"
    return Weights(source=source, sha256=sha256, licence=licence, learned_from=learned_from, layout=layout)


def imagenet(model: str, licence: str) -> Weights:
    """Return weights that were trained on ImageNet and that timm distributes."""
    return Weights(source=f"timm:{model}", licence=licence, learned_from="ImageNet", layout="timm")


def parse_options(kind: type[Any], options: Mapping[str, Any], owner: str) -> Any:
    """Return options from params.yaml as a frozen dataclass.

    Args:
        kind: Dataclass of the options.
        options: Options by name, as in params.yaml.
        owner: Owner of the options, for error messages, such as ``architecture ast``.

    Raises:
        ValueError: An option is unknown, or its value is none of its choices; the error lists the known ones.
    """
    known = {field.name for field in fields(kind)}
    unknown = sorted(set(options) - known)
    if unknown:
        raise ValueError(f"The {owner} has no option {', '.join(unknown)}; it has {', '.join(sorted(known))}.")
    values = dict(options)
    for name, hint in get_type_hints(kind).items():
        given, choices = options.get(name), get_args(hint)
        if given is None or not choices:
            continue
        if all(isinstance(choice, str) for choice in choices) and given not in choices:
            raise ValueError(f"The option {name} of the {owner} is {given}; it can be {', '.join(choices)}.")
        if isinstance(given, Mapping):
            section = next(choice for choice in choices if isinstance(choice, type) and is_dataclass(choice))
            values[name] = parse_options(section, given, f"option {name} of the {owner}")
    return kind(**values)
