"""References between the keys of params.yaml: names of front ends, weights, architectures, corpora and label sets."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from models.frontends.registry import sample_rates
from models.networks.options import TIMM, declarations
from models.training.settings import TrainingSettings
from tasks.audio.front_end_rates import unfaded
from tasks.corpora import registry
from tasks.distillation.settings import SoftLabelSettings
from tasks.runtime import allowed_values, faults, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import Fault, value_at
from tasks.runtime.yaml_files import Key
from tasks.subsets.settings import DEVICE
from tasks.training import teachers

TIMM_NAME = re.compile(r"^@register_model\s+def (\w+)", re.MULTILINE)


def find(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the references; values of a wrong type are left out, because `faults` reports them."""
    yield from _front_ends(_mapping(raw, "frontends"))
    for section in ("teachers", "weights"):
        for name in _duplicates(_mapping(raw, section)):
            what = "differs from another name in upper and lower case only; allowed: names that differ otherwise"
            yield Fault((section, name), what)
    for key in _networks(raw):
        yield from _network(raw, key)
    yield from _teacher_trainings(raw)
    yield from _soft_labels(raw)
    yield from _corpus(raw)


def _mapping(raw: Any, *key: str) -> Mapping[str, Any]:
    found = value_at(raw, key)
    return found if isinstance(found, Mapping) else {}


def _duplicates(names: Mapping[str, Any]) -> list[str]:
    """Return the names that a file system without upper and lower case would mix up."""
    folded = [name.lower() for name in names]
    return [name for name in names if folded.count(name.lower()) > 1 and name != name.lower()]


def _unknown(key: Key, given: Any, known: Mapping[str, Any] | list[str]) -> Iterator[Fault]:
    if isinstance(given, str) and given not in known:
        similar = allowed_values.suggestion(given, known)
        yield Fault(key, f"is {faults.shown(given)}; allowed: {', '.join(known) or 'none'}{similar}")


def _networks(raw: Mapping[str, Any]) -> list[Key]:
    """Return the keys of the networks: the student, and each teacher."""
    return [("student",), *(("teachers", name) for name in _mapping(raw, "teachers"))]


def _front_ends(front_ends: Mapping[str, Any]) -> Iterator[Fault]:
    known = sample_rates()
    for name in front_ends:
        if name not in known:
            similar = allowed_values.suggestion(name, known)
            yield Fault(("frontends", name), f"is no front end; allowed: {', '.join(known)}{similar}")
    try:
        unfaded(front_ends)
    except BreathlineError as error:
        if "differ in `fade`" in error.what:
            yield Fault(("frontends",), f"does not fit: {error.what}")


def _network(raw: Mapping[str, Any], key: Key) -> Iterator[Fault]:
    """Yield the faults of the front end, weights, architecture and options of a network."""
    given = value_at(raw, key)
    if not isinstance(given, Mapping):
        return
    yield from _unknown((*key, "frontend"), given.get("frontend"), list(_mapping(raw, "frontends")))
    yield from _unknown((*key, "weights"), given.get("weights"), list(_mapping(raw, "weights")))
    architecture = given.get("architecture")
    if not isinstance(architecture, str):
        return
    known = declarations()
    if architecture.startswith(TIMM):
        name = architecture.removeprefix(TIMM)
        if similar := _unknown_in_timm(name):
            yield Fault((*key, "architecture"), f"is {faults.shown(architecture)}; allowed: a network of timm{similar}")
    elif architecture not in known:
        names = [f"{name}<any CNN of timm>" if name == TIMM else name for name in known]
        yield from _unknown((*key, "architecture"), architecture, names)
        return
    kind = options_class(architecture)
    for fault in faults.find(kind, given["options"]) if isinstance(given.get("options"), Mapping) else ():
        yield fault.below((*key, "options"))


def options_class(architecture: str) -> type[Any]:
    """Return the class of options of a known architecture, which refuses unknown options."""
    kind = declarations()[TIMM if architecture.startswith(TIMM) else architecture].options
    kind.__pydantic_config__ = {"extra": "forbid"}
    return kind


def _unknown_in_timm(name: str) -> str:
    """Return a remark if the installed timm has no network of a name; timm itself is not imported."""
    known, plain = _timm_names(), name.partition(".")[0]
    if not known or plain in known:
        return ""
    return allowed_values.suggestion(plain, known) or " (`breathline models` lists some)"


@cache
def _timm_names() -> frozenset[str]:
    """Return the names of the networks of the installed timm, from its source; empty if it is not installed."""
    spec = find_spec("timm")
    folder = Path(spec.origin).parent / "models" if spec and spec.origin else None
    sources = [file.read_text(encoding="utf-8") for file in folder.glob("*.py")] if folder else []
    return frozenset(name for source in sources for name in TIMM_NAME.findall(source))


def _teacher_trainings(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the training of the teachers, with the `override` of each."""
    whole = _mapping(raw, "teacher_training")
    if value_at(whole, ("objective", "name")) == "soft_labels":
        yield Fault(("teacher_training", "objective", "name"), "is soft_labels; allowed: an objective of hard labels")
    plain = {fault.key for fault in faults.find(TrainingSettings, whole)}
    for name in _mapping(raw, "teachers"):
        key, override = ("teachers", name, "override"), _mapping(raw, "teachers", name, "override")
        merged = params.merge(whole, override)
        for fault in faults.find(TrainingSettings, merged) if override else ():
            if fault.key not in plain:
                yield fault.below(key)
        objective = value_at(override, ("objective", "name"))
        if objective == "soft_labels":
            yield Fault((*key, "objective", "name"), "is soft_labels; allowed: an objective of hard labels")
        yield from _patches(("teachers", name), value_at(raw, ("teachers", name)), merged, key if objective else None)
    yield from _patches(("student",), value_at(raw, ("student",)), _mapping(raw, "student"), ("student",))


def _patches(key: Key, network: Any, training: Mapping[str, Any], at: Key | None) -> Iterator[Fault]:
    """Yield a fault if an objective needs patches and the network has none."""
    objective, architecture = value_at(training, ("objective", "name")), value_at(network, ("architecture",))
    if objective in ("patchmix", "patchmix_cl") and isinstance(architecture, str):
        known = [name for name, declared in declarations().items() if declared.patches]
        if architecture not in known and (architecture in declarations() or architecture.startswith(TIMM)):
            place = (*(at or ("teacher_training",)), "objective", "name")
            what = f"is {objective}, which needs patches; {'.'.join(map(str, key))}.architecture is {architecture}"
            yield Fault(place, f"{what}; allowed: {', '.join(known)}")


def _soft_labels(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the number of teachers and of soft labels without teachers."""
    given, settings = value_at(raw, ("teachers",)), _mapping(raw, "soft_labels")
    objective = value_at(raw, ("student", "objective", "name"))
    if given == {} and objective == "soft_labels":
        what = "is soft_labels, and there are no teachers; allowed: cross_entropy, patchmix, patchmix_cl"
        yield Fault(("student", "objective", "name"), f"{what}; or add teachers")
    if not isinstance(given, Mapping):
        return
    try:
        choice = params.parse(SoftLabelSettings, settings, "soft_labels")
        known = teachers.read(raw)
    except BreathlineError:
        return
    try:
        # The best teachers are not known before they are trained; their number is.
        teachers.choose(known, replace(choice, choose="first"), Path())
    except BreathlineError as error:
        if "soft_labels.k" in str(error.where):
            number = error.what.partition(", and ")[2].removesuffix(".")
            yield Fault(("soft_labels", "k"), f"is {choice.k}; allowed: at most the number of teachers ({number})")
        else:
            yield Fault(("soft_labels", "exposure"), f"is {choice.exposure}: {error.what} Next: {error.hint}")


def _corpus(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the corpus, its source and its label sets."""
    download = _mapping(raw, "download")
    name = download.get("corpus")
    yield from _unknown(("download", "corpus"), name, registry.names())
    if not isinstance(name, str) or name not in registry.names():
        return
    corpus = registry.get(name)
    yield from _unknown(("labels",), raw.get("labels"), list(corpus.label_sets))
    _, at, device = str(raw.get("split")).partition(DEVICE)
    if at and corpus.devices and device not in corpus.devices:
        what = f"is {faults.shown(raw['split'])}; allowed after {DEVICE}: {', '.join(corpus.devices)}"
        yield Fault(("split",), what + allowed_values.suggestion(device, corpus.devices))
    if download.get("source") == "publisher":
        unused = ("metadata", "sha256") if corpus.generated else ()
        for key in unused:
            if download.get(key) is not None:
                yield Fault(
                    ("download", key),
                    f"is {faults.shown(download[key])}; allowed: null, because the corpus {name} is generated",
                )
        if not corpus.generated and download.get("mirrors") == []:
            yield Fault(("download", "mirrors"), "is []; allowed: at least one address of the publisher's files")
    label_set = corpus.label_sets.get(str(raw.get("labels")))
    variances = value_at(raw, ("soft_labels", "noise_variance"))
    if label_set and isinstance(variances, list) and len(variances) != len(label_set.classes):
        what = f"has {len(variances)} values for {len(label_set.classes)} classes"
        yield Fault(("soft_labels", "noise_variance"), f"{what}; allowed: one number, or one for each class")
