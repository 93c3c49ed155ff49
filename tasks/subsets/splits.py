"""Assignment of cycles to the train, validation and test subsets by a split of the corpus."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.runtime.errors import BreathlineError
from tasks.subsets.patients import number
from tasks.subsets.settings import DEVICE, FOLDS, SPLITS

Subset = Literal["train", "val", "test"]

RESTARTS = 16  # restarts of the search for validation patients; more do not improve the choice


def assign(cycles: pa.Table, *, labels: str, split: str | int, fraction: float, seed: int) -> dict[str, Subset]:
    """Return the subset of every cycle that has a label and belongs to the split, by sorted `cycle_id`.

    Validation consists of whole patients of the training side. Their fractions of each class, of all cycles and of the
    patients are close to `fraction`. A class that two or more patients have is in train and in validation. Patients who
    are also in test stay in train, so that no test patient influences the choice of the epoch.

    Args:
        cycles: The table of cycles: `cycle_id`, `patient_id`, `device`, `split`, `fold` and the column `labels`.
        labels: A label set of the corpus; cycles where it is null belong to no subset.
        split: One of `SPLITS`, or a side of the corpus other than train, which is test then; a fold may be given as a
            number. With ``@`` and a device after it, only recordings of that device belong to the split.
        fraction: Fraction of the training side that is used for validation, between 0 and 1.
        seed: Random seed of the choice of validation patients.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a subset would be empty.
    """
    cycles, train, test = sides(cycles, labels=labels, split=split)
    cycle_ids = np.asarray(cycles["cycle_id"].to_pylist(), dtype=object)
    _, patients = number(cycles["patient_id"].to_pylist())
    label = cycles[labels].fill_null(-1).to_numpy()
    in_test = np.unique(patients[test])
    chosen = validation_patients(patients[train], label[train], kept_in_train=in_test, fraction=fraction, seed=seed)
    subsets = np.select([test, train & np.isin(patients, chosen), train], ["test", "val", "train"], default="")
    order = np.argsort(cycle_ids)
    return {cycle_ids[row]: subsets[row].item() for row in order if subsets[row]}


def check(cycles: pa.Table, *, labels: str, split: str | int, fraction: float) -> None:
    """Check that a split has training and test cycles, and a whole patient for validation and for training.

    Args:
        cycles: The table of cycles; see `assign`.
        labels: A label set of the corpus.
        split: A split; see `assign`.
        fraction: Fraction of the training side that is used for validation.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a subset would be empty.
    """
    found, train, _ = sides(cycles, labels=labels, split=split)
    check_patients(len(set(found.filter(pa.array(train))["patient_id"].to_pylist())), fraction)


def check_patients(patients: int, fraction: float) -> None:
    """Check that validation and training get whole patients.

    Args:
        patients: Number of patients on the training side.
        fraction: Fraction of them that is used for validation.

    Raises:
        BreathlineError: There is one patient, or the fraction of one side is less than half a patient.
    """
    if patients < 2:
        raise BreathlineError(
            "The training side has one patient, who cannot be in train and in validation.",
            where="split",
            hint="use a corpus of more patients",
        )
    least = math.ceil(50 / patients) / 100
    # Of two patients, one is used for validation with any fraction.
    if patients > 2 and not least <= fraction <= 1 - least:
        raise BreathlineError(
            f"The training side has {patients} patients; training or validation would get less than half a patient.",
            where="validation.fraction",
            hint=f"set it from {least:g} to 0.5",
        )


def sides(
    cycles: pa.Table, *, labels: str, split: str | int
) -> tuple[pa.Table, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return the cycles of a split's device, and masks of those with a label on the training and on the test side.

    Args:
        cycles: The table of cycles; see `assign`.
        labels: A label set of the corpus.
        split: A split; see `assign`.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a side has no cycles.
    """
    base, at, device = str(split).partition(DEVICE)
    known = (*SPLITS, *sorted({side for side in cycles["split"].to_pylist() if side not in (None, "train", "test")}))
    if base not in known:
        raise BreathlineError(f"There is no split `{split}`.", where="split", hint=f"one of: {', '.join(known)}")
    if labels not in cycles.column_names:
        raise BreathlineError(
            f"There are no labels `{labels}`.", where="labels", hint="use a label set of data/cycles/label_sets.json"
        )
    cycles = _recorded_with(cycles, device) if at else cycles
    _, patients = number(cycles["patient_id"].to_pylist())
    label = cycles[labels].fill_null(-1).to_numpy()
    train, test = (side & (label >= 0) for side in _sides(cycles, base, patients))
    for side, name in ((train, "training"), (test, "test")):
        if not side.any():
            usable = [
                one for one in known if all((part & (label >= 0)).any() for part in _sides(cycles, one, patients))
            ]
            others = f"use one of: {', '.join(usable)}" if usable else "choose other labels or another device"
            raise BreathlineError(f"The split `{split}` has no {name} cycles.", where="split", hint=others)
    return cycles, train, test


def _sides(
    cycles: pa.Table, split: str, patients: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return masks of the cycles on the training side and on the test side."""
    if split in FOLDS:
        fold = cycles["fold"].fill_null(-1).to_numpy()
        return (fold >= 0) & (fold != int(split)), fold == int(split)
    side = np.asarray(cycles["split"].to_pylist(), dtype=object)
    train, test = side == "train", side == ("test" if split in SPLITS else split)
    if split == "official-disjoint":
        train &= ~np.isin(patients, patients[test])
    return train, test


def _recorded_with(cycles: pa.Table, device: str) -> pa.Table:
    """Return the cycles recorded with one device."""
    known = sorted({name for name in cycles["device"].to_pylist() if name is not None})
    if device not in known:
        raise BreathlineError(
            f"There is no recording with `{device}`.", where="split", hint=f"one of: {', '.join(known)}"
        )
    return cycles.filter(pc.equal(cycles["device"], device))


def validation_patients(
    patients: npt.NDArray[np.int64],
    label: npt.NDArray[np.int8],
    *,
    kept_in_train: npt.NDArray[np.int64],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Return the validation patients, sorted.

    The search starts from random subsets, moves or exchanges one patient while that lowers the cost, and takes the best
    result.

    Args:
        patients: Index of the patient of each cycle of the training side, ``(cycles,)``.
        label: Class index of each of these cycles, ``(cycles,)``.
        kept_in_train: Patients that are used for validation only if there are no others.
        fraction: Fraction of the training side that validation should have, between 0 and 1.
        seed: Random seed of the search.

    Raises:
        BreathlineError: There are too few patients for both sides.
    """
    unique, index = np.unique(patients, return_inverse=True)
    check_patients(len(unique), fraction)
    classes = int(label.max()) + 1
    shares = np.zeros((len(unique), classes + 2))
    np.add.at(shares, (index, label), 1)
    shares[:, classes] = shares[:, :classes].sum(axis=1)
    shares[:, classes + 1] = 1
    shares = shares[:, shares.any(axis=0)]
    # The last two columns are above 0 for every patient, so the rule for classes also prevents an empty side.
    needed = (shares > 0).sum(axis=0) >= 2
    shares /= shares.sum(axis=0)
    free = np.flatnonzero(~np.isin(unique, kept_in_train))
    free = free if len(free) else np.arange(len(unique))
    generator = np.random.default_rng(seed)
    best: tuple[float, npt.NDArray[np.bool_]] | None = None
    for _ in range(RESTARTS):
        member = np.zeros(len(unique), dtype=bool)
        member[free] = generator.random(len(free)) < fraction
        cost = _descend(member, free, shares, needed, fraction)
        if best is None or cost < best[0] - 1e-12:
            best = cost, member
    assert best is not None  # noqa: S101 - there is at least one restart
    return unique[best[1]]


def _descend(
    member: npt.NDArray[np.bool_],
    free: npt.NDArray[np.intp],
    shares: npt.NDArray[np.float64],
    needed: npt.NDArray[np.bool_],
    fraction: float,
) -> float:
    """Improve `member` in place by moves and exchanges of one patient, and return its final cost."""
    total = shares[member].sum(axis=0)
    cost = float(_cost(total, needed, fraction))
    while True:
        inside, outside = free[member[free]], free[~member[free]]
        flips = np.concatenate([-shares[inside], shares[outside]])
        exchanges = (shares[outside][None, :, :] - shares[inside][:, None, :]).reshape(-1, shares.shape[1])
        costs = _cost(total + np.concatenate([flips, exchanges]), needed, fraction)
        step = int(costs.argmin())
        if costs[step] >= cost - 1e-12:
            return cost
        if step < len(flips):
            moved = np.concatenate([inside, outside])[[step]]
        else:
            row, column = divmod(step - len(flips), len(outside))
            moved = np.array([inside[row], outside[column]])
        member[moved] = ~member[moved]
        total, cost = shares[member].sum(axis=0), float(costs[step])


def _cost(total: npt.NDArray[np.float64], needed: npt.NDArray[np.bool_], fraction: float) -> npt.NDArray[np.float64]:
    """Return the cost (…,) of sets of patients with these shares (…, columns).

    The cost is the squared distance from the wanted fraction. A class of two or more patients that is on one side only
    costs more than any distance.
    """
    one_sided = needed & ((total < 1e-9) | (total > 1 - 1e-9))
    return np.asarray(((total - fraction) ** 2).sum(axis=-1) + total.shape[-1] * one_sided.sum(axis=-1))
