"""Choice of the validation patients among those of the training side."""

import math

import numpy as np
import numpy.typing as npt

from tasks.runtime.errors import BreathlineError

RESTARTS = 16  # restarts of the search for validation patients; more do not improve the choice
EXCHANGES = 250_000  # exchanges of two patients that a step of the search compares; of more, some are drawn


def choose(
    patients: npt.NDArray[np.int64],
    label: npt.NDArray[np.int8],
    *,
    kept_in_train: npt.NDArray[np.int64],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Return the validation patients, sorted.

    The search starts from random subsets, moves or exchanges one patient while that lowers the cost, and takes the best
    result. With more than 250,000 pairs (1,250 patients at a fraction of 0.2), a step tries all moves and a random part
    of the exchanges.

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
    check_number(len(unique), fraction)
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
        cost = _descend(member, free, shares, needed, fraction, generator=generator)
        if best is None or cost < best[0] - 1e-12:
            best = cost, member
    assert best is not None  # noqa: S101 - there is at least one restart
    return unique[best[1]]


def check_number(patients: int, fraction: float) -> None:
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


def _descend(
    member: npt.NDArray[np.bool_],
    free: npt.NDArray[np.intp],
    shares: npt.NDArray[np.float64],
    needed: npt.NDArray[np.bool_],
    fraction: float,
    *,
    generator: np.random.Generator,
) -> float:
    """Improve `member` in place by moves and exchanges of one patient, and return its final cost."""
    total = shares[member].sum(axis=0)
    cost = float(_cost(total, needed, fraction))
    while True:
        inside, outside = free[member[free]], free[~member[free]]
        flips = np.concatenate([-shares[inside], shares[outside]])
        partners = outside
        if len(inside) * len(outside) > EXCHANGES:
            partners = generator.choice(outside, max(1, EXCHANGES // len(inside)), replace=False)
        exchanges = (shares[partners][None, :, :] - shares[inside][:, None, :]).reshape(-1, shares.shape[1])
        costs = _cost(total + np.concatenate([flips, exchanges]), needed, fraction)
        step = int(costs.argmin())
        if costs[step] >= cost - 1e-12:
            return cost
        if step < len(flips):
            moved = np.concatenate([inside, outside])[[step]]
        else:
            row, column = divmod(step - len(flips), len(partners))
            moved = np.array([inside[row], partners[column]])
        member[moved] = ~member[moved]
        total, cost = shares[member].sum(axis=0), float(costs[step])


def _cost(total: npt.NDArray[np.float64], needed: npt.NDArray[np.bool_], fraction: float) -> npt.NDArray[np.float64]:
    """Return the cost (…,) of sets of patients with these shares (…, columns).

    The cost is the squared distance from the wanted fraction. A class of two or more patients that is on one side only
    costs more than any distance.
    """
    one_sided = needed & ((total < 1e-9) | (total > 1 - 1e-9))
    return np.asarray(((total - fraction) ** 2).sum(axis=-1) + total.shape[-1] * one_sided.sum(axis=-1))
