"""Texts of figures and selections in reports, leaderboards and cards."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.runtime.words import counted

MISSING = "–"
SELECTIONS = {
    "val": "epoch chosen on validation patients",
    "paper": "epoch chosen on the test set, as in publications: too high for new patients",
}
DEGENERATE = (
    "the network predicts one class for every test cycle, or finds no normal or no abnormal cycle, so that a "
    "difference from it does not compare two classifiers"
)
TWO_SEEDS = (
    "With two seeds, an interval over patients and seeds can hold the truth less often than it says "
    "(in simulations, one of 95 % held it in 87 %): train three or more."
)
FURTHER_METRICS = {
    "macro_f1": "macro-F1",
    "balanced_accuracy": "UAR",
    "mcc": "MCC",
    "kappa": "κ",
    "ppv": "PPV",
    "npv": "NPV",
}


def figure(value: float | None, digits: int = 1) -> str:
    """Return a figure as text, or a dash if it is undefined."""
    return MISSING if value is None else f"{value:z.{digits}f}".replace("-", "−")


def spread(mean: float | None, sd: float | None, digits: int = 1) -> str:
    """Return a figure over seeds as text: its mean and, if there are several seeds, its standard deviation."""
    return figure(mean, digits) + ("" if sd is None else f" ± {sd:.{digits}f}")


def signed(value: float | None) -> str:
    """Return a difference as text, with its sign."""
    return MISSING if value is None else f"{value:+.1f}".replace("-", "−")


def difference(found: Mapping[str, float | None]) -> str:
    """Return a difference with its intervals: networks fixed in parentheses, patients and seeds in brackets."""
    text = signed(found["difference"])
    for suffix, (opening, closing) in (("", "()"), ("_seeds", "[]")):
        low, high = found.get(f"low{suffix}"), found.get(f"high{suffix}")
        if low is not None and high is not None:
            text += f" {opening}{signed(low)} to {signed(high)}{closing}"
    return text


def limits(found: Mapping[str, float | None]) -> str:
    """Return the intervals of a difference in brackets, each kind by its name; empty if none is defined.

    Args:
        found: Limits `low` and `high` over patients; with several seeds also `low_seeds` and `high_seeds`.
    """
    kinds = {"": "networks fixed", "_seeds": "patients and seeds"}
    pairs = {name: (found.get(f"low{suffix}"), found.get(f"high{suffix}")) for suffix, name in kinds.items()}
    known = [f"{name}: {signed(low)} to {signed(high)}" for name, (low, high) in pairs.items() if low is not None]
    return f" ({'; '.join(known)})" if known else ""


def of_two_seeds(numbers: Iterable[int]) -> str:
    """Return a warning of intervals over patients and seeds that rest on two seeds; empty if none does.

    Args:
        numbers: Number of seeds of each side.
    """
    return TWO_SEEDS if 2 in numbers else ""


def interval(low: float | None, high: float | None, to: str = "–") -> str:
    """Return an interval as text, or a dash if it is undefined."""
    return MISSING if low is None or high is None else f"{figure(low)}{to}{figure(high)}"


def augmentation(metrics: Mapping[str, Any]) -> str:
    """Return the test-time augmentation of an evaluation in words; empty if there was none.

    Args:
        metrics: Contents of ``reports/metrics.json``; those of earlier versions do not have the key.
    """
    shifts = metrics.get("augmentation", {}).get("shifts", 1)
    return f"test-time augmentation: mean of {shifts} shifted clips of each cycle" if shifts > 1 else ""


def sensitivity(target: float | None, reached: Sequence[float | None]) -> str:
    """Return a sentence on the Se that the rule `sensitivity` was to reach, and whether it did; empty without a target.

    Args:
        target: Se to reach, in percent.
        reached: Se that each network reaches on validation patients, in percent with two decimals; None where it is
            undefined.
    """
    if target is None:
        return ""
    missed = sum(one is None or one < round(target, 2) for one in reached)
    by_network = ", ".join(figure(one) for one in reached)
    end = f"; {missed} of {counted(len(reached), 'network')} missed the target" if missed else ""
    return f"The rule was to reach a Se of {target:g} % on validation patients, and reached {by_network} %{end}."


def definitions(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the definitions of Se that tables show: with one abnormal class, strict and lenient are equal."""
    return ("strict", "lenient") if len(classes) > 2 else ("strict",)


def flagged(name: str, degenerate: str | None) -> str:
    """Return the name of a model, with the way in which it is degenerate, if it is."""
    return name if degenerate is None else f"{name} (degenerate: {degenerate})"


def p_value(value: float | None) -> str:
    """Return a p-value as text, such as ``= 0.031`` or ``< 0.001``, or a dash if it is undefined."""
    if value is None:
        return MISSING
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def compared_with(labelling: Sequence[str], baselines: Sequence[str]) -> dict[str, str]:
    """Return the names of what the student is compared with, by their keys in ``reports/metrics.json``.

    Args:
        labelling: Ids of the teachers that label.
        baselines: Ids of the baselines.
    """
    teachers = f"the {counted(len(labelling), 'teacher')} that {'label' if len(labelling) > 1 else 'labels'}"
    of_baselines = f"the mean of the {len(baselines)} baselines" if len(baselines) > 1 else "the baseline"
    return {"ensemble": "the ensemble", "teachers": f"the mean of {teachers}", "baselines": of_baselines}
