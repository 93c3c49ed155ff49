"""Folds that are drawn by patient."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.corpora import drawn_folds

ROWS = st.lists(st.tuples(st.integers(1, 30).map(str), st.sampled_from(["normal", "crackle", ""])), max_size=60)


@settings(max_examples=60)
@given(rows=ROWS, seed=st.integers(0, 3), order=st.randoms(use_true_random=False))
def test_every_patient_has_one_fold_whatever_the_order_of_the_rows(rows, seed, order):
    def folds(given: list[tuple[str, str]]) -> dict[str, int]:
        return drawn_folds.draw([patient for patient, _ in given], [stratum for _, stratum in given], seed=seed)

    drawn = folds(rows)
    assert drawn.keys() == {patient for patient, _ in rows}
    assert set(drawn.values()) <= set(range(drawn_folds.FOLDS))
    mixed = list(rows)
    order.shuffle(mixed)
    assert folds(mixed) == drawn


def test_each_fold_has_its_share_of_each_class():
    rows = [(str(patient), stratum) for patient in range(25) for stratum in ("normal", "normal", "crackle")]
    folds = drawn_folds.draw([patient for patient, _ in rows], [stratum for _, stratum in rows], seed=0)
    assert Counter(folds.values()) == dict.fromkeys(range(5), 5)
    other = drawn_folds.draw([patient for patient, _ in rows], [stratum for _, stratum in rows], seed=1)
    assert other != folds
