"""Facts that a trained model states about itself: reader of the ``model.json`` of exports and of students' folders.

An export (`tasks.export`) states all of them. The folder of a student, or an export of an earlier version, states
fewer: what depends on an absent fact is then not judged. Importing this module needs neither torch nor pyarrow.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from models.decision_rules import DecisionRule
from models.file_names import CARD, SELECTION
from tasks import artifacts
from tasks.checks import usability
from tasks.checks.settings import UnusableLimits
from tasks.prediction.fact_parts import Conformal, LearnedCorpus, Novelty
from tasks.runtime.errors import BreathlineError

FORMAT = 1  # of ``model.json`` of an export; the card of a student has no `format`
ID_DIGITS = 16  # of the id of a student
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """Facts of one model.

    Attributes:
        card: Whole content of ``model.json``.
        id: Identity of weights and card, 16 hexadecimal digits; None for the folder of a student.
        architecture: Name of the network.
        frontend: Name of the front end.
        labels: Name of the label set.
        classes: Names of the classes, the normal one first.
        sample_rate: Sample rate of the model's input in Hz; None if the card does not state it.
        duration_s: Length of a clip in seconds; None in cards of early versions.
        seed: Random seed of the training, if stated.
        rule: Decision rule, with the temperature that calibrates the probabilities.
        normalization: Normalisation of the features by recording or device, if any.
        corpora: Corpora that the model was trained on; empty if the card does not state them.
        scores: Figures on validation patients (`validation`) and on test patients (`test`).
        conformal: Conformal sets, if fitted.
        novelty: Limit of the distance, if fitted.
        quality_limits: Limits of usable recordings, if stated.
        reference: Distributions of inputs and outputs, for monitoring, if stated.
    """

    card: Mapping[str, Any]
    id: str | None
    architecture: str
    frontend: str
    labels: str
    classes: tuple[str, ...]
    sample_rate: int | None
    duration_s: float | None
    seed: int | None
    rule: DecisionRule
    normalization: Mapping[str, Any] | None
    corpora: tuple[LearnedCorpus, ...]
    scores: Mapping[str, Any]
    conformal: Conformal | None
    novelty: Novelty | None
    quality_limits: UnusableLimits | None
    reference: Mapping[str, Any] | None

    @property
    def temperature(self) -> float | None:
        """Divisor of the logits that calibrates the probabilities; None if none was fitted."""
        return self.rule.temperature

    @property
    def generated(self) -> bool:
        """True if the model was trained on generated sounds, also in part."""
        return any(corpus.generated for corpus in self.corpora)

    @property
    def degenerate(self) -> str | None:
        """Kind of degeneracy on the test cycles, such as ``always normal``; None if there is none."""
        flag: str | None = (self.scores.get("test") or {}).get("degenerate")
        return flag

    @classmethod
    def read(cls, folder: Path) -> "ModelFacts":
        """Return the facts of the model in a folder, an export's or a student's.

        The folder of a student whose export is in the same project has the corpora and scores of the export.

        Raises:
            BreathlineError: ``model.json`` is missing or damaged.
        """
        card = _read(folder / CARD)
        return cls.from_card(card if "format" in card else {**_of_export(folder), **card}, folder / CARD)

    @classmethod
    def from_card(cls, card: Mapping[str, Any], path: Path = Path(CARD)) -> "ModelFacts":
        """Return the facts that the content of a ``model.json`` states.

        Args:
            card: Content of the file.
            path: Path of the file, for the error message.

        Raises:
            BreathlineError: A fact that every prediction needs is missing, or a part has another content.
        """
        try:
            limits = card.get("quality_limits")
            return cls(
                card=card,
                id=card.get("id"),
                architecture=card["architecture"],
                frontend=card["frontend"],
                labels=card["labels"],
                classes=tuple(card["classes"]),
                sample_rate=card.get("sample_rate"),
                duration_s=card.get("duration_s"),
                seed=card.get("seed"),
                rule=DecisionRule.from_card(card, SELECTION),
                normalization=card.get("normalization"),
                corpora=tuple(_known(LearnedCorpus, corpus) for corpus in card.get("corpora") or ()),
                scores=card.get("scores") or {},
                conformal=_optional(Conformal, card.get("conformal")),
                novelty=_optional(Novelty, card.get("novelty")),
                # A limit that the export does not state yet has its default.
                quality_limits=None
                if limits is None
                else replace(usability.DEFAULTS, **_names(UnusableLimits, limits)),
                reference=card.get("reference"),
            )
        except KeyError as error:
            raise _damaged(path, f"`{error.args[0]}` is missing") from error
        except (TypeError, AttributeError, ValueError) as error:
            raise _damaged(path, f"the file has other content than expected ({error})") from error


def identity(student: Path) -> str:
    """Return the id of a student: the first digits of the SHA-256 over its weights and its card."""
    digest = hashlib.sha256()
    for name in (f"{SELECTION}.safetensors", CARD):
        digest.update((student / name).read_bytes())
    return digest.hexdigest()[:ID_DIGITS]


def banner(facts: ModelFacts) -> str | None:
    """Return the sentences that every output of a model shows; None if there is nothing to warn of.

    A model that was trained on generated sounds says so, and a degenerate one says which class it always predicts. An
    export holds these sentences in its card.
    """
    if stored := facts.card.get("banner"):
        return str(stored)
    found = []
    if facts.generated:
        titles = [corpus.title for corpus in facts.corpora if corpus.generated]
        part = "" if len(titles) == len(facts.corpora) else f", in part ({', '.join(titles)})"
        found.append(f"This model learned from generated sounds{part}: it says nothing about real lungs.")
    if facts.degenerate is not None:
        found.append(f"This model is degenerate: {_degeneracy(facts.degenerate)}.")
    return " ".join(found) or None


def _degeneracy(flag: str) -> str:
    """Return a clause for a flag of `tasks.evaluation.degeneracy`, such as ``always normal``."""
    words = {"always": "it called every test cycle", "never": "it called no test cycle"}
    first, _, rest = flag.partition(" ")
    return f"{words[first]} {rest}" if first in words else f"it {flag} in the test"


def _of_export(student: Path) -> dict[str, Any]:
    """Return corpora and scores from the export of a student; empty if the project has none of these weights."""
    full = student.resolve()
    root = full.parents[min(len(artifacts.STUDENTS.parts), len(full.parents) - 1)]
    path = root / artifacts.EXPORTS / full.name / CARD
    if full.parent != root / artifacts.STUDENTS or not path.is_file():
        return {}
    exported = _read(path)
    if not (full / f"{SELECTION}.safetensors").is_file() or exported.get("id") != identity(full):
        return {}
    return {key: exported[key] for key in ("corpora", "scores") if key in exported}


def _read(path: Path) -> dict[str, Any]:
    """Return the object of a JSON file; `models.file_reading` would import pyarrow."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _damaged(path, "the file is missing") from error
    except OSError as error:
        raise _damaged(path, f"the file cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise _damaged(path, f"this is not a complete JSON file ({error})") from error
    if not isinstance(found, dict):
        raise _damaged(path, "the file holds no JSON object")
    return found


def _damaged(path: Path, reason: str) -> BreathlineError:
    hint = artifacts.next_step(path) or "copy the folder of the model again, or name another"
    return BreathlineError(f"Model card: {reason}.", where=path, hint=hint)


def _optional(kind: type[T], given: Mapping[str, Any] | None) -> T | None:
    return None if given is None else _known(kind, given)


def _known(kind: type[T], given: Mapping[str, Any]) -> T:
    """Return a dataclass from the entries of its names; other entries are those of later versions."""
    return kind(**_names(kind, given))


def _names(kind: type[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: given[one.name] for one in fields(kind) if one.name in given}
