"""References between the keys of params.yaml: names of front ends, numbers of teachers, and those of corpora."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from models.frontends.registry import sample_rates
from models.frontends.settings import FrontEndSettings
from tasks.audio.front_end_rates import unfaded
from tasks.corpora.settings import SECTIONS
from tasks.distillation.settings import SoftLabelSettings
from tasks.parameters import corpora, networks
from tasks.runtime import allowed_values, faults, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.faults import Fault, mapping_at, value_at
from tasks.training import teachers


def find(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the references; values of a wrong type are left out, because `faults` reports them."""
    yield from _front_ends(mapping_at(raw, ("frontends",)))
    for section in ("teachers", "weights", *SECTIONS.values()):
        for name in _duplicates(mapping_at(raw, (section,))):
            what = "differs from another name in upper and lower case only; allowed: names that differ otherwise"
            yield Fault((section, name), what)
    yield from networks.find(raw)
    yield from _equal_teachers(mapping_at(raw, ("teachers",)))
    yield from _processes(raw)
    yield from _soft_labels(raw)
    yield from corpora.find(raw)


def _duplicates(names: Mapping[str, Any]) -> list[str]:
    """Return the names that a file system without upper and lower case would mix up."""
    folded = [name.lower() for name in names]
    return [name for name in names if folded.count(name.lower()) > 1 and name != name.lower()]


def _front_ends(front_ends: Mapping[str, Any]) -> Iterator[Fault]:
    known = sample_rates()
    for name in front_ends:
        if name not in known:
            similar = allowed_values.suggestion(name, known)
            yield Fault(("frontends", name), f"is no front end; allowed: {', '.join(known)}{similar}")
    right = {name: given for name, given in front_ends.items() if not faults.find(FrontEndSettings, given)}
    try:
        unfaded({name: given for name, given in right.items() if name in known})
    except BreathlineError as error:
        yield Fault(("frontends",), f"does not fit: {error.what}")


def _equal_teachers(given: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each teacher that is trained exactly as one before it."""
    seen: dict[str, str] = {}
    for name, settings in given.items():
        same = seen.setdefault(json.dumps(settings, sort_keys=True, default=str), name)
        if same != name and isinstance(settings, Mapping):
            yield Fault(("teachers", name), f"equals teachers.{same}; allowed: another seed, or other settings")


def _processes(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault if the processes of a training cannot share its batches equally."""
    number = value_at(raw, ("compute", "processes"))
    sections = ("student", *(("teacher_training",) if mapping_at(raw, ("teachers",)) else ()))
    for section in sections:
        size = value_at(raw, (section, "batch_size"))
        if isinstance(number, int) and isinstance(size, int) and number > 0 and size % number:
            what = f"is {number}; allowed: a divisor of {section}.batch_size, which is {size}"
            yield Fault(("compute", "processes"), what)


def _soft_labels(raw: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of the number of teachers and of soft labels without teachers."""
    given, settings = value_at(raw, ("teachers",)), mapping_at(raw, ("soft_labels",))
    objective = value_at(raw, ("student", "objective", "name"))
    labels = any(
        not isinstance(one, Mapping) or one.get("baseline") is not True
        for one in mapping_at(raw, ("teachers",)).values()
    )
    if isinstance(given, Mapping) and not labels and objective == "soft_labels":
        none = "no teachers but baselines" if given else "no teachers"
        what = f"is soft_labels, and there are {none}; allowed: cross_entropy, patchmix, patchmix_cl"
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
