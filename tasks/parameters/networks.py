"""Faults of networks and their trainings: architecture and options, and objectives or augmentations that do not fit."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.frontends.registry import sample_rates, with_scale
from models.networks.options import TIMM, PoolingOptions, declarations
from models.training.settings import TrainingSettings
from tasks.runtime import allowed_values, faults, params
from tasks.runtime.faults import Fault, mapping_at, value_at
from tasks.runtime.yaml_files import Key, dotted

TIMM_NAME = re.compile(r"^@register_model\s+def (\w+)", re.MULTILINE)
FIXED_SIZE = "'fixed_input_size': True"  # in timm's source: its networks take images of one size
HARD = "allowed: an objective of hard labels, such as cross_entropy"


def find(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the networks of a params.yaml and of their trainings."""
    keys: list[Key] = [("student",), *(("teachers", name) for name in mapping_at(raw, ("teachers",)))]
    for key in keys:
        if network := mapping_at(raw, key):
            yield from _network(raw, key, network)
    yield from _teacher_trainings(raw)
    student = mapping_at(raw, ("student",))
    yield from _misfits(("student",), student, student, lambda _: ("student",))


def options_class(architecture: str) -> type[Any]:
    """Return the class of options of a known architecture, which refuses unknown options."""
    kind = declarations()[TIMM if architecture.startswith(TIMM) else architecture].options
    kind.__pydantic_config__ = {"extra": "forbid"}
    return kind


def _network(raw: Mapping[str, Any], key: Key, network: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the front end, weights, architecture and options of a network."""
    for name, section in (("frontend", "frontends"), ("weights", "weights")):
        yield from faults.unknown_name((*key, name), network, mapping_at(raw, (section,)))
    architecture = network.get("architecture")
    if not isinstance(architecture, str):
        return
    if architecture.startswith(TIMM):
        if remark := _unknown_in_timm(architecture.removeprefix(TIMM)):
            what = f"is {faults.shown(architecture)}; allowed: a convolutional network of timm{remark}"
            yield Fault((*key, "architecture"), what)
    elif architecture not in declarations():
        names = [f"{name}<any CNN of timm>" if name == TIMM else name for name in declarations()]
        yield from faults.unknown_name((*key, "architecture"), network, names)
        return
    options = network.get("options")
    for fault in faults.find(options_class(architecture), options) if isinstance(options, Mapping) else ():
        yield fault.below((*key, "options"))
    yield from _windows(raw, key, network)


def _windows(raw: Mapping[str, Any], key: Key, network: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the fault of a window that is not shorter than the clips of the network's front end."""
    pooling, front_end = mapping_at(network, ("options", "pooling")), network.get("frontend")
    if not pooling or not isinstance(front_end, str):
        return
    place: Key = ("frontends", front_end, "duration_s")
    window, clip = pooling.get("window_s", PoolingOptions.window_s), value_at(raw, place)
    if isinstance(window, int | float) and isinstance(clip, int | float) and window >= clip:
        at = (*key, "options", "pooling", *(("window_s",) if "window_s" in pooling else ()))
        yield Fault(at, f"gives windows of {window} s; allowed: below {dotted(place)}, which is {clip}")


def _unknown_in_timm(name: str) -> str:
    """Return a remark if the installed timm has no network of a name; timm itself is not imported."""
    known, plain = timm_names(), name.partition(".")[0]
    if plain in timm_names(FIXED_SIZE):
        return " that takes inputs of any size, such as resnet18"
    if not known or plain in known:
        return ""
    return allowed_values.suggestion(plain, known) or " (`breathline models` lists some)"


@cache
def timm_names(part: str = "") -> frozenset[str]:
    """Return the names of the networks of the installed timm, from its source; empty if it is not installed.

    Args:
        part: Text that a file of the source must have.
    """
    spec = find_spec("timm")
    folder = Path(spec.origin).parent / "models" if spec and spec.origin else None
    sources = [file.read_text(encoding="utf-8") for file in folder.glob("*.py")] if folder else []
    return frozenset(name for source in sources if part in source for name in TIMM_NAME.findall(source))


def _teacher_trainings(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the training of the teachers, with the `override` of each."""
    general: Key = ("teacher_training",)
    whole = mapping_at(raw, general)
    if value_at(whole, ("objective", "name")) == "soft_labels":
        yield Fault((*general, "objective", "name"), f"is soft_labels; {HARD}")
    known = {fault.key for fault in faults.find(TrainingSettings, whole)}
    for name in mapping_at(raw, ("teachers",)):
        key: Key = ("teachers", name)
        override = mapping_at(raw, (*key, "override"))
        merged = params.merge(whole, override)
        for fault in faults.find(TrainingSettings, merged) if override else ():
            if fault.key not in known:
                yield fault.below((*key, "override"))
        if value_at(override, ("objective", "name")) == "soft_labels":
            yield Fault((*key, "override", "objective", "name"), f"is soft_labels; {HARD}")

        def place(section: str, key: Key = key, override: Mapping[str, Any] = override) -> Key:
            return (*key, "override") if section in override else general

        yield from _misfits(key, mapping_at(raw, key), merged, place)


def _misfits(
    key: Key, network: Mapping[str, Any], training: Mapping[str, Any], place: Callable[[str], Key]
) -> Iterator[Fault]:
    """Yield the faults of objectives that need patches, and of augmentations that need a scale of the front end.

    Args:
        key: Key of the network.
        network: Settings of the network.
        training: Settings of its training.
        place: Function from a section of the training to the key of the settings that give it.
    """
    objective, architecture = value_at(training, ("objective", "name")), network.get("architecture")
    known = declarations()
    with_patches = [name for name, declared in known.items() if declared.patches]
    without = str(architecture).startswith(TIMM) or (architecture in known and architecture not in with_patches)
    if objective in ("patchmix", "patchmix_cl") and without:
        what = f"is {objective}, which needs patches; {dotted(key)}.architecture is {architecture}"
        yield Fault((*place("objective"), "objective", "name"), f"{what}; allowed: {', '.join(with_patches)}")
    elif objective in ("patchmix", "patchmix_cl") and value_at(network, ("options", "pooling")) is not None:
        what = f"is {objective}, which mixes the patches of whole clips; {dotted(key)}.options.pooling cuts clips"
        yield Fault((*place("objective"), "objective", "name"), f"{what}; allowed: cross_entropy, or no pooling")
    front_end, scaled = network.get("frontend"), with_scale()
    if not isinstance(front_end, str) or front_end in scaled or front_end not in sample_rates():
        return
    for name in ("gain", "equalization_db", "noise_sd"):
        value = value_at(training, ("waveform", name))
        if isinstance(value, int | float) and value > 0:
            what = f"is {value}; allowed: 0, because the features of {dotted(key)}.frontend ({front_end}) have no scale"
            yield Fault((*place("waveform"), "waveform", name), f"{what}, as those of {', '.join(scaled)} have")
