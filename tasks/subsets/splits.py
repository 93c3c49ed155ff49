"""Assignment of cycles to the train, validation and test subsets by a split of the corpus."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.runtime.errors import BreathlineError
from tasks.subsets import validation_patients
from tasks.subsets.patients import number
from tasks.subsets.settings import ALL, DEVICE, FOLDS, SPLITS

Subset = Literal["train", "val", "test"]

SplitName = str | int
SplitOf = SplitName | Mapping[str, SplitName]  # of all corpora, or of each corpus by its name


def assign(cycles: pa.Table, *, labels: str, split: SplitOf, fraction: float, seed: int) -> dict[str, Subset]:
    """Return the subset of every cycle that has a label and belongs to the split, by sorted `cycle_id`.

    Validation consists of whole patients of the training side. Their fractions of each class, of all cycles and of the
    patients are close to `fraction`. A class that two or more patients have is in train and in validation. Patients who
    are also in test stay in train, so that no test patient influences the choice of the epoch.

    Args:
        cycles: The table of cycles: `corpus`, `cycle_id`, `patient_id`, `device`, `split`, `fold` and the column
            `labels`.
        labels: A label set of the corpus; cycles where it is null belong to no subset.
        split: Split of all corpora, or of each by its name: one of `SPLITS`, or a side of the corpus other than train,
            which is test then; a fold may be given as a number. With ``@`` and a device after it, only recordings of
            that device belong to the split.
        fraction: Fraction of the training side that is used for validation, between 0 and 1.
        seed: Random seed of the choice of validation patients.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a subset would be empty.
    """
    train, test = pooled_sides(cycles, labels=labels, split=split)
    cycle_ids = np.asarray(cycles["cycle_id"].to_pylist(), dtype=object)
    _, patients = number(cycles["patient_id"].to_pylist())
    label = cycles[labels].fill_null(-1).to_numpy()
    in_test = np.unique(patients[test])
    chosen = validation_patients.choose(
        patients[train], label[train], kept_in_train=in_test, fraction=fraction, seed=seed
    )
    subsets = np.select([test, train & np.isin(patients, chosen), train], ["test", "val", "train"], default="")
    order = np.argsort(cycle_ids)
    return {cycle_ids[row]: subsets[row].item() for row in order if subsets[row]}


def pooled_sides(
    cycles: pa.Table, *, labels: str, split: SplitOf
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return masks of the cycles with a label on the training and on the test side, each corpus by its own split.

    Raises:
        BreathlineError: A corpus has no split, or as `sides`.
    """
    corpora = np.asarray(cycles["corpus"].to_pylist(), dtype=object)
    train, test = np.zeros(len(corpora), dtype=bool), np.zeros(len(corpora), dtype=bool)
    for corpus in sorted(set(corpora)):
        own = corpora == corpus
        if not isinstance(split, Mapping):
            given, where = split, "split"
        elif corpus in split:
            given, where = split[corpus], f"split.{corpus}"
        else:
            hint = f"add `{corpus}:` with one of its splits"
            raise BreathlineError(f"The corpus {corpus} has no split.", where="split", hint=hint)
        train[own], test[own] = sides(cycles.filter(own), labels=labels, split=given, where=where)
    return train, test


def check(cycles: pa.Table, *, labels: str, split: SplitOf, fraction: float) -> None:
    """Check that a split has training and test cycles, and a whole patient for validation and for training.

    Args:
        cycles: The table of cycles; see `assign`.
        labels: A label set of the corpus.
        split: Split of all corpora, or of each; see `assign`.
        fraction: Fraction of the training side that is used for validation.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a subset would be empty.
    """
    train, _ = pooled_sides(cycles, labels=labels, split=split)
    validation_patients.check_number(len(set(cycles.filter(train)["patient_id"].to_pylist())), fraction)


def sides(
    cycles: pa.Table, *, labels: str, split: SplitName, where: str = "split"
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return masks of the cycles of one corpus with a label on the training and on the test side.

    Args:
        cycles: The table of cycles; see `assign`.
        labels: A label set of the corpus.
        split: A split of the corpus; see `assign`.
        where: Key of the split in params.yaml, for error messages.

    Raises:
        BreathlineError: The split, device or labels do not exist, or a side has no cycles.
    """
    base, here, usable = _parts(cycles, labels, split, where)
    train, test = (side & usable for side in _sides(cycles, base, here))
    for side, name in ((train, "training"), (test, "test")):
        if not side.any():
            others = [
                one for one in _splits(cycles) if all((part & usable).any() for part in _sides(cycles, one, here))
            ]
            hint = f"use one of: {', '.join(others)}" if others else "choose other labels or another device"
            raise BreathlineError(f"The split `{split}` has no {name} cycles.", where=where, hint=hint)
    return train, test


def cycles_to_test(cycles: pa.Table, *, labels: str, split: SplitName, where: str) -> npt.NDArray[np.bool_]:
    """Return the mask of the cycles of one corpus with a label that an external test counts.

    Args:
        cycles: The table of cycles; see `assign`.
        labels: A label set of the corpus.
        split: A split of the corpus, whose test side is meant, or ``all`` for all cycles.
        where: Key of the split in params.yaml, for error messages.

    Raises:
        BreathlineError: The split, device or labels do not exist, or no cycle is left.
    """
    name = SPLITS[0] if split == ALL else split
    base, here, usable = _parts(cycles, labels, name, where)
    found = usable if split == ALL else usable & _sides(cycles, base, here)[1]
    if not found.any():
        hint = f"use `{ALL}`, or another split" if usable.any() else "choose other labels"
        raise BreathlineError(f"The test `{split}` has no cycle with a label.", where=where, hint=hint)
    return found


def _parts(
    cycles: pa.Table, labels: str, split: SplitName, where: str
) -> tuple[str, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return a split without its device, and masks of the device's cycles, and of those with a label."""
    base, at, device = str(split).partition(DEVICE)
    if base not in _splits(cycles):
        known = ", ".join(_splits(cycles))
        raise BreathlineError(f"There is no split `{split}`.", where=where, hint=f"one of: {known}")
    if labels not in cycles.column_names:
        raise BreathlineError(
            f"There is no label set `{labels}`.", where="labels", hint="use a label set of data/cycles/label_sets.json"
        )
    here = _recorded_with(cycles, device, where) if at else np.ones(cycles.num_rows, dtype=bool)
    return base, here, here & (cycles[labels].fill_null(-1).to_numpy() >= 0)


def _splits(cycles: pa.Table) -> tuple[str, ...]:
    """Return the names of all splits, with those of further tests in the column `split`."""
    return (*SPLITS, *sorted({side for side in cycles["split"].to_pylist() if side not in (None, "train", "test")}))


def _sides(
    cycles: pa.Table, split: str, here: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return masks of the cycles on the training side and on the test side; cycles outside of `here` do not count."""
    if split in FOLDS:
        fold = cycles["fold"].fill_null(-1).to_numpy()
        return here & (fold >= 0) & (fold != int(split)), here & (fold == int(split))
    side = np.asarray(cycles["split"].to_pylist(), dtype=object)
    train, test = here & (side == "train"), here & (side == ("test" if split in SPLITS else split))
    if split == "official-disjoint":
        _, patients = number(cycles["patient_id"].to_pylist())
        train &= ~np.isin(patients, patients[test])
    return train, test


def _recorded_with(cycles: pa.Table, device: str, where: str) -> npt.NDArray[np.bool_]:
    """Return the mask of the cycles recorded with one device."""
    devices = np.asarray(cycles["device"].to_pylist(), dtype=object)
    known = sorted({name for name in devices if name is not None})
    if device not in known:
        hint = f"one of: {', '.join(known)}"
        raise BreathlineError(f"There is no recording with `{device}`.", where=where, hint=hint)
    return np.asarray(devices == device)
